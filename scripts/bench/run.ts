/** Runs every benchmark in `scripts/bench/`, one after the other: `npm run bench`, `npm run bench -- record`. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';

const folder = import.meta.dirname;
const notBenches = [
  'run.ts',
  'bare-qdrant.ts',
  'figures.ts',
  'generated-bus.ts',
  'generated-history.ts',
  'git-sessions.ts',
  'process-sample.ts',
  'qdrant-ranking.ts',
  'ranking.ts',
  'recording-pods.ts',
  'remembered-bus.ts',
  'remembered-home.ts',
  'transcript-calls.ts',
  'word-tape.ts',
];
const all = globSync('*.ts', { cwd: folder })
  .filter((name) => !notBenches.includes(name))
  .sort();
const wanted = process.argv.slice(2);
const chosen = wanted.length === 0 ? all : all.filter((name) => wanted.includes(basename(name, '.ts')));
if (chosen.length === 0)
  throw new Error(`no such benchmark; there are ${all.map((name) => basename(name, '.ts')).join(', ')}`);
for (const name of chosen) {
  console.log(`\n## ${basename(name, '.ts')}\n`);
  const { status } = spawnSync(process.execPath, [join(folder, name)], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}

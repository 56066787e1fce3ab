/**
 * `nika import claude` of a generated history, as whole processes, beside a program that reads the same files and parses each
 * line. `NIKA_BENCH_MB=2000` for a larger history.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixed, machine, median, row } from './figures.ts';
import { generateHistory } from './generated-history.ts';
import { nikaCommand, sample, type Sample } from './process-sample.ts';

const MEGABYTES = Number(process.env['NIKA_BENCH_MB'] ?? 200);
const RUNS = 5;
const dir = mkdtempSync(join(tmpdir(), 'nika-bench-'));
const projects = join(dir, 'projects');
const home = join(dir, 'home');
const parse = [process.execPath, join(import.meta.dirname, 'programs/parse-history.ts'), projects];
const run = nikaCommand('import', 'claude', projects, '--home', home);

/** Before each is what it needs; what it needs is not measured. */
const cases: Readonly<Record<string, { readonly argv: readonly string[]; readonly before: () => void }>> = {
  'nika import claude': { argv: run, before: () => rmSync(home, { recursive: true, force: true }) },
  'read and JSON.parse (reference)': { argv: parse, before: () => undefined },
  'again, nothing new': { argv: run, before: () => undefined },
  'again, run/ was lost: the bus is asked': {
    argv: run,
    before: () => rmSync(join(home, 'run'), { recursive: true, force: true }),
  },
};

try {
  const { files, bytes } = generateHistory(projects, MEGABYTES * 1e6);
  const samples = new Map<string, Sample[]>();
  for (let round = 0; round < RUNS; round += 1) {
    for (const [name, { argv, before }] of Object.entries(cases)) {
      before();
      samples.set(name, [...(samples.get(name) ?? []), sample(argv, '0,1')]);
    }
  }
  console.log(
    `${machine()}; ${fixed(bytes / 1e6, 0)} MB in ${files.length} sessions, medians of ${RUNS} interleaved runs, start-up included`,
  );
  row('', ['seconds', 'MB/s', 'of one core, seconds', 'peak memory MB']);
  row('---', ['---', '---', '---', '---']);
  for (const [name, taken] of samples) {
    const ms = median(taken.map((one) => one.ms));
    const cpu = median(taken.map((one) => one.cpuMs));
    const rss = Math.max(...taken.map((one) => one.maxRssKb)) / 1000;
    row(name, [fixed(ms / 1000, 2), fixed(bytes / 1e3 / ms, 0), fixed(cpu / 1000, 2), rss === 0 ? '' : fixed(rss, 0)]);
  }
} finally {
  rmSync(dir, { recursive: true });
}

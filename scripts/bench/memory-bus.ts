/**
 * Memory's questions to the bus alone, over a generated bus of a year: each as a process of its own, with what is known of
 * its segments and without; beside `grep -c` of the same bytes. `NIKA_BENCH_POINTS=1000000` for 2 GB, `NIKA_BENCH_HOME` to keep it.
 */
import { rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { fixed, machine, median, row } from './figures.ts';
import { openBenchHome, runProgram, type Taken } from './remembered-home.ts';

const RUNS = Number(process.env['NIKA_BENCH_RUNS'] ?? 3);
const APRIL = { fromMs: Date.parse('2026-04-01T00:00:00Z'), untilMs: Date.parse('2026-05-01T00:00:00Z') };
const FOUR = { domain: 'hooks', status: 'failed', intent: 'refactor', ...APRIL };

await using home = await openBenchHome();
const spans = join(home.path, 'run/memory/spans.json');
const ask = (question: object): Taken => runProgram('ask-bus.ts', home.path, JSON.stringify(question));
const cold = (question: object): Taken => {
  rmSync(spans, { force: true });
  return ask(question);
};
const cases: Readonly<Record<string, () => Taken>> = {
  'count, four conditions, April: nothing known of the segments': () => cold({ filter: FOUR }),
  'the same, known': () => ask({ filter: FOUR }),
  'count of all jobs, a year': () => ask({ filter: {} }),
  'search, April, four conditions': () => ask({ words: 'flaky websocket timeout', filter: FOUR }),
  'search, all': () => ask({ words: 'flaky websocket timeout', filter: {} }),
};
console.log(`${machine()}; ${home.points} points, ${fixed(home.bytes / 1e6, 0)} MB on disk, ${RUNS} runs`);
row('', ['median s', 'slowest s', 'processor s', 'peak memory MB', 'found', 'load']);
row('---', ['---', '---', '---', '---', '---', '---']);
for (const [name, run] of Object.entries(cases)) {
  const taken = Array.from({ length: RUNS }, run);
  const seconds = taken.map(({ ms }) => ms / 1000);
  const cells = [
    fixed(median(seconds), 2),
    fixed(Math.max(...seconds), 2),
    fixed(median(taken.map(({ cpuMs }) => cpuMs / 1000)), 2),
    fixed(Math.max(...taken.map(({ maxRssMb }) => maxRssMb)), 0),
    String(taken[0]?.found),
    fixed(loadavg()[0] ?? 0),
  ];
  row(name, cells);
}

/**
 * `nika bus verify` and `nika bus grep` over a generated bus, as whole processes on one core, beside `sha256sum` and
 * `grep` over the same bytes in the same run. `NIKA_BENCH_MB=2000` for a larger bus.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixed, machine, median, row } from './figures.ts';
import { generateBus } from './generated-bus.ts';
import { nikaBus, sample, type Sample } from './process-sample.ts';

const MEGABYTES = Number(process.env['NIKA_BENCH_MB'] ?? 300);
const RUNS = 5;
const home = mkdtempSync(join(tmpdir(), 'nika-bench-'));
const ours = (...args: readonly string[]): readonly string[] => nikaBus(home, ...args);
const all = `${home}/_bus/alpha_bus.jsonl ${home}/_bus/channels/*.jsonl`;

const cases: Readonly<Record<string, readonly string[]>> = {
  'nika bus verify': ours('verify', '--json'),
  'sha256sum (reference)': ['sh', '-c', `cat ${all} | sha256sum`],
  'nika bus grep, a rare literal': ours('grep', 'numstat -n 1777"', '--count'),
  'grep -c of the same': ['sh', '-c', `cat ${all} | grep -c 'numstat -n 1777"'`],
  'nika bus grep, a regular expression': ours('grep', 'numstat -n \\d*777"', '--count'),
  'grep -cP of the same': ['sh', '-c', `cat ${all} | grep -cP 'numstat -n \\d*777"'`],
  'nika bus grep --type note --since': ours(
    'grep',
    'note \\d*00"',
    '--type',
    'note',
    '--since',
    '2026-05-20',
    '--count',
  ),
};

try {
  const { lines, bytes } = generateBus(home, MEGABYTES * 1e6);
  const samples = new Map<string, Sample[]>();
  for (let round = 0; round < RUNS; round += 1) {
    for (const [name, command] of Object.entries(cases))
      samples.set(name, [...(samples.get(name) ?? []), sample(command, '0')]);
  }
  console.log(
    `${machine()}; ${fixed(bytes / 1e6, 0)} MB, ${lines} lines, one core, medians of ${RUNS} runs, start-up included`,
  );
  row('', ['seconds', 'MB/s', 'peak memory MB']);
  row('---', ['---', '---', '---']);
  for (const [name, taken] of samples) {
    const ms = median(taken.map((one) => one.ms));
    const rss = Math.max(...taken.map((one) => one.maxRssKb)) / 1000;
    row(name, [fixed(ms / 1000, 2), fixed(bytes / 1e3 / ms, 0), rss === 0 ? '' : fixed(rss, 0)]);
  }
} finally {
  rmSync(home, { recursive: true });
}

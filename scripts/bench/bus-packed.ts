/**
 * `nika bus grep` over compressed files that all overlap in time, line by line, so that the merge goes from one to the
 * next at each line; beside `zcat | grep` of the same files in the same run. Every line is found: the worst case.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { fixed, machine, median, row } from './figures.ts';
import { nikaBus, sample, type Sample } from './process-sample.ts';

const RUNS = 5;
const home = mkdtempSync(join(tmpdir(), 'nika-bench-'));
const channels = join(home, '_bus/channels');

/** Bytes of all together, uncompressed. */
const writeChannels = (files: number, megabytesEach: number): number => {
  rmSync(channels, { recursive: true, force: true });
  mkdirSync(channels, { recursive: true });
  const lines = Math.floor((megabytesEach * 1e6) / 900);
  let bytes = 0;
  for (let file = 0; file < files; file += 1) {
    const entity = `JOB-packed${file}`;
    const text = Array.from({ length: lines }, (_, n) => {
      const ts = new Date(Date.UTC(2026, 9, 1) + n * 100 + (file % 100)).toISOString();
      return `{"ts":"${ts}","type":"tool_call","entity":"${entity}","writer":"w${file}","seq":${n + 1},"id":"${crypto.randomUUID()}","meta":{"v":1},"data":{"ok":true,"x":"${'lorem ipsum '.repeat(50)}"},"h":"${'0'.repeat(64)}"}\n`;
    }).join('');
    bytes += text.length;
    writeFileSync(join(channels, `${entity}.jsonl.gz`), gzipSync(text));
  }
  return bytes;
};

const cases: Readonly<Record<string, readonly string[]>> = {
  'nika bus grep --count': nikaBus(home, 'grep', 'lorem', '--count'),
  'zcat | grep -c': ['sh', '-c', `zcat ${channels}/*.gz | grep -c lorem`],
};

try {
  console.log(`${machine()}; medians of ${RUNS} runs, two cores, start-up included`);
  row('', ['seconds', 'MB/s', 'peak memory MB']);
  row('---', ['---', '---', '---']);
  for (const [files, megabytesEach] of [
    [12, 26],
    [300, 2.6],
  ] as const) {
    const bytes = writeChannels(files, megabytesEach);
    const samples = new Map<string, Sample[]>();
    for (let round = 0; round < RUNS; round += 1) {
      for (const [name, command] of Object.entries(cases))
        samples.set(name, [...(samples.get(name) ?? []), sample(command, '0,1')]);
    }
    for (const [name, taken] of samples) {
      const ms = median(taken.map((one) => one.ms));
      const rss = Math.max(...taken.map((one) => one.maxRssKb)) / 1000;
      const cells = [fixed(ms / 1000, 2), fixed(bytes / 1e3 / ms, 0), rss === 0 ? '' : fixed(rss, 0)];
      row(`${files} × ${megabytesEach} MB: ${name}`, cells);
    }
  }
} finally {
  rmSync(home, { recursive: true });
}

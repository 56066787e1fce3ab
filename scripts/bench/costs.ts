/**
 * `nika costs` over a generated month of alpha bus, as a whole process on one core, beside `grep -c` over the same bytes.
 * `NIKA_BENCH_MB=300` for a smaller one. Four lines in ten are of usage; segments have 64 MB, each with its own time.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, utimesSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { segmentFile } from '../../src/bus/layout.ts';
import { createEventId } from '../../src/model/event-id.ts';
import { parseEntityId } from '../../src/model/id.ts';
import { fixed, machine, median, row } from './figures.ts';
import { metaOf } from './generated-bus.ts';
import { nikaCommand, sample, type Sample } from './process-sample.ts';

const MEGABYTES = Number(process.env['NIKA_BENCH_MB'] ?? 1000);
const RUNS = 5;
const SEGMENT_BYTES = 64e6;
const LINES_PER_POD = 200;
const DAY_MS = 86_400_000;
const HASH = 'a'.repeat(64);
const MODELS = ['claude-sonnet-5-5', 'gpt-6.2-sol', 'gemini-3.8-flash', 'a-model-of-ones-own'];

const home = mkdtempSync(join(tmpdir(), 'nika-bench-'));

const usage = (n: number): string =>
  JSON.stringify({
    scope: 'call',
    model: MODELS[n % MODELS.length],
    input_tokens: 400 + (n % 1000),
    cache_read_tokens: 20_000 + (n % 5000),
    cache_write_tokens: 900,
    output_tokens: 300,
    cost_usd: n % MODELS.length === 3 ? null : 0.0123,
    cost_from: n % MODELS.length === 3 ? 'nobody' : 'prices',
    turn: `turn_${n}`,
  });
const turn = (n: number): string =>
  JSON.stringify({ turn: `turn_${n}`, answer: `what was found in part ${n}. `.repeat(16), outcome: 'completed' });
const end = JSON.stringify({
  outcome: 'completed',
  exit_code: 0,
  duration_ms: 9,
  calls: 60,
  errors: 1,
  dropped: {},
  heads: [],
});

/** Lines of one pod after the other, spread evenly over 30 days up to now. */
const generate = (bytes: number): { readonly lines: number; readonly bytes: number } => {
  const busDir = join(home, '_bus');
  mkdirSync(busDir, { recursive: true });
  const startMs = Date.now() - 30 * DAY_MS;
  const msPerByte = (30 * DAY_MS) / bytes;
  let [lines, written, pod, meta, segment] = [0, 0, parseEntityId('JOB-0'), '', 0];
  while (written < bytes) {
    segment += 1;
    const path = join(busDir, segmentFile(segment));
    const fd = openSync(path, 'w');
    let text = '';
    for (let size = 0; size < SEGMENT_BYTES && written < bytes; lines += 1) {
      if (lines % LINES_PER_POD === 0) {
        pod = parseEntityId(`JOB-20261120-bench${lines}`);
        meta = metaOf(pod).replace('"repo-audit"', `"job-${(lines / LINES_PER_POD) % 40}"`);
      }
      const atMs = startMs + written * msPerByte;
      const isLast = lines % LINES_PER_POD === LINES_PER_POD - 1;
      const type = isLast ? 'session_end_summary' : lines % 10 < 4 ? 'usage' : 'agent_turn';
      const data = isLast ? end : type === 'usage' ? usage(lines) : turn(lines);
      const line = `{"ts":"${new Date(atMs).toISOString()}","type":"${type}","entity":"${pod}","writer":"w","seq":${lines},"id":"${createEventId(atMs)}","meta":${meta},"data":${data},"h":"${HASH}"}\n`;
      text += line;
      size += line.length;
      written += line.length;
      if (text.length > 1e6) {
        writeSync(fd, text);
        text = '';
      }
    }
    writeSync(fd, text);
    closeSync(fd);
    const at = new Date(startMs + written * msPerByte);
    utimesSync(path, at, at);
  }
  return { lines, bytes: written };
};

const all = `${home}/_bus/*.jsonl`;
const costs = (...args: readonly string[]): readonly string[] => nikaCommand('costs', '--home', home, ...args);
const cases: Readonly<Record<string, readonly string[]>> = {
  'nika costs --since 30d': costs('--since', '30d'),
  'nika costs --since 30d --by pod': costs('--since', '30d', '--by', 'pod', '--json'),
  'nika costs --since 30d --by day': costs('--since', '30d', '--by', 'day'),
  'nika costs (today)': costs(),
  'grep -c of the lines of usage': ['sh', '-c', `cat ${all} | grep -c '"type":"usage"'`],
  'a Node that does nothing': [process.execPath, '-e', '0'],
};

try {
  const { lines, bytes } = generate(MEGABYTES * 1e6);
  execFileSync('sh', ['-c', `cat ${all} > /dev/null`]);
  const samples = new Map<string, Sample[]>();
  for (let round = 0; round < RUNS; round += 1) {
    for (const [name, command] of Object.entries(cases))
      samples.set(name, [...(samples.get(name) ?? []), sample(command, '0')]);
  }
  console.log(`${machine()}; ${fixed(bytes / 1e6, 0)} MB, ${lines} lines, one core, medians of ${RUNS} runs`);
  row('', ['seconds', 'slowest', 'processor seconds', 'peak memory MB']);
  row('---', ['---', '---', '---', '---']);
  for (const [name, taken] of samples) {
    const ms = taken.map((one) => one.ms);
    const cpu = median(taken.map((one) => one.cpuMs));
    const rss = Math.max(...taken.map((one) => one.maxRssKb)) / 1000;
    row(name, [
      fixed(median(ms) / 1000, 2),
      fixed(Math.max(...ms) / 1000, 2),
      cpu === 0 ? '' : fixed(cpu / 1000, 2),
      rss === 0 ? '' : fixed(rss, 0),
    ]);
  }
} finally {
  rmSync(home, { recursive: true });
}

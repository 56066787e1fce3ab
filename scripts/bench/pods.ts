/**
 * Pods side by side, as whole processes from `dist/`: a hundred at once, the list meanwhile, what an idle supervisor
 * costs, its own start, and the stop of all. Beside them, in the same run, what Node alone costs.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readRecords } from '../../src/pod/registry/record-file.ts';
import { fixed, machine, percentiles, row } from './figures.ts';

const PODS = 100;
const CALLS = 50;
const RUNS = 10;
/** The list is timed while at least so many of them run. */
const LISTED_SHARE = 0.7;
const nika = join(import.meta.dirname, '../../bin/nika.cjs');
const home = mkdtempSync(join(tmpdir(), 'nika-bench-pods-'));
const runDir = join(home, 'run');

const call = (...args: readonly string[]) => {
  const atMs = performance.now();
  const ended = spawnSync(process.execPath, [nika, ...args, '--home', home], { encoding: 'utf8' });
  return { ...ended, tookMs: performance.now() - atMs };
};

const job = (name: string, steps: string): void => {
  const head = `name: ${name}\ndescription: A job of the bench.\ndomain: bench\nintent: measure\n`;
  writeFileSync(join(home, 'config/jobs', `${name}.yaml`), `${head}steps:\n${steps}`);
};

/** Of a process, in MB: what no other process shares with it. */
const privateMb = (pid: number): number => {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kb = [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm)].reduce(
    (sum, [, size]) => sum + Number(size),
    0,
  );
  return (kb * 1024) / 1e6;
};

/** As many starts at a time as there are cores: each is two processes that compute. */
const startAll = async (name: string): Promise<void> => {
  let left = PODS;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await once(
        spawn(process.execPath, [nika, 'pod', 'start', name, '-d', '--home', home], { stdio: 'ignore' }),
        'exit',
      );
    }
  };
  await Promise.all([lane(), lane()]);
};

const living = (): number => readRecords(runDir).filter(({ end }) => end === null).length;

const listWhile = async (isOver: () => boolean): Promise<Float64Array> => {
  const took: number[] = [];
  while (!isOver()) {
    took.push(call('pod', 'ls').tookMs);
    await delay(200);
  }
  return Float64Array.from(took);
};

/** 100 pods of 50 tool calls each, from the first start to the last end. */
const crowd = async (): Promise<void> => {
  job('fifty', '  - { tool: shell, input: { argv: [sleep, "0.7"] } }\n'.repeat(CALLS));
  const atMs = performance.now();
  await startAll('fifty');
  const atOnce = living();
  const lists = percentiles(await listWhile(() => living() < atOnce * LISTED_SHARE));
  while (living() > 0) await delay(100);
  const tookS = (performance.now() - atMs) / 1000;
  const records = readRecords(runDir).filter(({ job: name }) => name === 'fifty');
  const completed = records.filter(({ end }) => end?.status === 'completed').length;
  const calls = records.reduce((sum, { beat }) => sum + beat.calls, 0);
  const verified = call('bus', 'verify');
  row('', ['at once', 'completed', 'calls recorded', 'seconds', 'pod ls meanwhile p50 ms', 'max ms', 'bus verify']);
  row('---', ['---', '---', '---', '---', '---', '---', '---']);
  const how = verified.status === 0 ? 'clean' : 'NOT CLEAN';
  row(`${PODS} pods × ${CALLS} calls`, [
    String(atOnce),
    String(completed),
    String(calls),
    fixed(tookS, 1),
    fixed(lists.p50, 0),
    fixed(lists.max, 0),
    how,
  ]);
};

const idle = async (): Promise<void> => {
  job('idle', '  - { tool: shell, input: { argv: [sleep, "3600.7"] } }\n');
  await startAll('idle');
  const pids = readRecords(runDir).flatMap(({ end, process: by }) => (end === null ? [by.pid] : []));
  await delay(3_000); // their garbage is collected, and the first sign of life is written
  const memory = percentiles(Float64Array.from(pids, privateMb));
  const reference = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await delay(500);
  const plain = privateMb(reference.pid ?? 0);
  reference.kill();
  const lists = percentiles(Float64Array.from({ length: RUNS }, () => call('pod', 'ls').tookMs));
  const stopped = call('pod', 'stop', '--all');
  const left = readdirSync('/proc').filter((name) => {
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('sleep\u00003600.7');
    } catch {
      return false; // no process, or gone
    }
  });
  row('', ['p50', 'max']);
  row('---', ['---', '---']);
  row(`private memory of an idle supervisor, MB (${pids.length})`, [fixed(memory.p50, 1), fixed(memory.max, 1)]);
  row('the same of an idle Node (reference), MB', [fixed(plain, 1), '']);
  row(`pod ls, ${pids.length} idle pods, ms`, [fixed(lists.p50, 0), fixed(lists.max, 0)]);
  row(`pod stop of ${pids.length} pods, s; survivors`, [fixed(stopped.tookMs / 1000, 1), String(left.length)]);
};

const starts = async (): Promise<void> => {
  job('one', '  - { tool: shell, input: { argv: ["true"] } }\n');
  const plain = new Float64Array(RUNS);
  const detached = new Float64Array(RUNS);
  const own = new Float64Array(RUNS);
  for (let run = 0; run < RUNS; run += 1) {
    const atMs = performance.now();
    spawnSync(process.execPath, ['-e', '0']);
    plain[run] = performance.now() - atMs;
    detached[run] = call('pod', 'start', 'one', '-d').tookMs;
    const record = readRecords(runDir).at(-1);
    const bornMs = bootMs() + (Number(record?.process.start_ticks) * 1000) / TICKS_PER_S;
    own[run] = Date.parse(record?.started_at ?? '') - bornMs;
  }
  row('', ['p50 ms', 'max ms']);
  row('---', ['---', '---']);
  for (const [name, samples] of [
    ["the supervisor's own start, to its registration", own],
    ['nika pod start -d, to the printed id (two processes)', detached],
    ['node -e 0 (reference)', plain],
  ] as const) {
    const { p50, max } = percentiles(samples);
    row(name, [fixed(p50, 0), fixed(max, 0)]);
  }
};

/** Of Linux; start times of processes are told in it, so the figure is exact to 10 ms. */
const TICKS_PER_S = 100;
const bootMs = (): number => Date.now() - Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;

try {
  mkdirSync(join(home, 'config/jobs'), { recursive: true });
  writeFileSync(join(home, 'config/nika.yaml'), '');
  writeFileSync(join(home, 'one.txt'), 'one\n');
  process.chdir(home);
  console.log(`${machine()}\n`);
  await starts();
  console.log('');
  await crowd();
  console.log('');
  await idle();
} finally {
  process.chdir('/');
  rmSync(home, { recursive: true });
}

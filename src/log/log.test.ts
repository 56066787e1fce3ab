import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { bestEffort } from '../failopen/best-effort.ts';
import { Log, type LogOptions } from './log.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nika-log-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const create = (options: Partial<LogOptions> = {}): Log =>
  new Log({
    logsDir: join(dir, 'logs'),
    name: 'me',
    level: 'info',
    maxBytesPerPod: 1e6,
    maxBytesTotal: 1e6,
    fields: { pod: 1 },
    clean: (text) => text.replace('hunter2', '[redacted]'),
    ...options,
  });

const entries = (name: string): readonly unknown[] =>
  readFileSync(join(dir, 'logs', name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

it('makes no file before the first entry, and one that only its owner reads then', async () => {
  const log = create();
  expect(readdirSync(dir)).toEqual([]);
  log.write('info', 'hello', { n: 1 });
  log.write('debug', 'not at this level');
  await log.flush();
  await vi.waitFor(() => expect(entries('me.jsonl')).toMatchObject([{ msg: 'hello', n: 1, pod: 1 }]));
  expect(statSync(log.path).mode & 0o777).toBe(0o600);
  log[Symbol.dispose]();
});

it('G1, G3: a disk of logs/ that hangs holds nobody; what has no room is counted', async () => {
  mkdirSync(join(dir, 'logs'));
  execFileSync('mkfifo', [join(dir, 'logs/me.jsonl')]); // opening it for writing waits for a reader that never comes
  const log = create({ maxBytesPerPod: 1e9 });
  const atMs = performance.now();
  const text = 'x'.repeat(2000);
  for (let n = 0; n < 3000; n += 1) log.write('info', text);
  expect(performance.now() - atMs).toBeLessThan(500);
  await bestEffort('flush', { withinMs: 200 }, () => log.flush());
  expect(log.dropped).toBeGreaterThan(0);
  log[Symbol.dispose]();
  const reader = spawn('cat', [join(dir, 'logs/me.jsonl')], { stdio: 'ignore' }); // the disk is back
  await once(reader, 'exit'); // the log is written to its end and closed
});

it('G1: a file where logs/ should be costs the entries, which are counted, and the reason is told', async () => {
  writeFileSync(join(dir, 'logs'), '');
  const log = create();
  log.write('error', 'one');
  await log.flush();
  expect(log.dropped).toBe(1);
  expect(log.failure).toContain('EEXIST');
});

it('G1: a disk of logs/ that hangs does not hold the end of the process either', () => {
  mkdirSync(join(dir, 'logs'));
  execFileSync('mkfifo', [join(dir, 'logs/me.jsonl')]);
  const program = join(import.meta.dirname, '../../test/programs/hung-log.ts');
  const { status, stdout } = spawnSync(process.execPath, [program, join(dir, 'logs')], {
    encoding: 'utf8',
    timeout: 8000,
  });
  expect([stdout, status]).toEqual(['late', 3]);
});

it('G7: no entry holds a secret', async () => {
  const log = create();
  log.write('warn', 'hunter2 failed', { why: 'no hunter2' });
  await log.flush();
  log[Symbol.dispose]();
  expect(readFileSync(log.path, 'utf8')).not.toContain('hunter2');
});

it('G3: counts what comes after it was closed, and does not throw', async () => {
  const log = create();
  log.write('info', 'one');
  await log.flush();
  log[Symbol.dispose]();
  log.write('info', 'two');
  expect(log.dropped).toBe(1);
});

it('G6: turns its file over at half of its share, and keeps the one before', async () => {
  const log = create({ maxBytesPerPod: 20_000 });
  log.write('info', 'begin');
  await log.flush();
  for (let n = 0; n < 30; n += 1) log.write('info', 'x'.repeat(500));
  await vi.waitFor(() => expect(readdirSync(join(dir, 'logs')).toSorted()).toEqual(['me.1.jsonl', 'me.jsonl']));
  log[Symbol.dispose]();
});

it('G6: removes the oldest logs of others until all are under the cap', async () => {
  mkdirSync(join(dir, 'logs'));
  for (const [name, atS] of [
    ['old', 1],
    ['older', 0],
    ['new', 2],
  ] as const) {
    writeFileSync(join(dir, `logs/${name}.jsonl`), 'x'.repeat(400));
    utimesSync(join(dir, `logs/${name}.jsonl`), 1000 + atS, 1000 + atS);
  }
  const log = create({ maxBytesTotal: 900 });
  log.write('info', 'hello');
  await log.flush();
  expect(readdirSync(join(dir, 'logs')).toSorted()).toEqual(['me.jsonl', 'new.jsonl', 'old.jsonl']);
  log[Symbol.dispose]();
});

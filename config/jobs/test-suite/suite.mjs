/** Owns the run of the suite: its output is passed on as it comes, and its tests are read from where they are told. */
import { spawn } from 'node:child_process';
import { globSync, readFileSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AutoReader } from './format/auto.mjs';
import { EventsReader } from './format/events.mjs';
import { GoJsonReader } from './format/go-json.mjs';
import { readJunit } from './format/junit.mjs';
import { TapReader } from './format/tap.mjs';
import { followFile, LineFeed } from './lines.mjs';

/** @typedef {import('./test-end.mjs').TestSink} TestSink */

const READERS = { auto: AutoReader, tap: TapReader, 'go-json': GoJsonReader };
/** Somebody whom the suite left behind holds its output. */
const PIPE_WAIT_MS = 1_000;
const IDLE_MS = 200;
const NOT_SHOWN = ['**/node_modules/**', '**/.git/**'];
/** A suite that runs inside of another must not take itself for a part of that. */
const FOREIGN = ['NODE_TEST_CONTEXT', 'VITEST_WORKER_ID', 'VITEST_POOL_ID', 'JEST_WORKER_ID'];

/** JUnit files, each with a mark of what it is: one of an earlier run is not this run's. @param {string} cwd @param {string} pattern */
const junitFiles = (cwd, pattern) => {
  /** @type {Map<string, string>} */
  const files = new Map();
  for (const path of globSync(pattern, { cwd, exclude: NOT_SHOWN })) {
    const { mtimeMs, size, ino } = statSync(resolve(cwd, path));
    files.set(resolve(cwd, path), `${mtimeMs} ${size} ${ino}`);
  }
  return files;
};

/** @param {import('./runners.mjs').Source} source @param {TestSink} sink @param {string} cwd */
const openSource = (source, sink, cwd) => {
  const show = (/** @type {string} */ text) => process.stdout.write(text);
  const Reader = source.kind === 'stdout' ? READERS[source.format] : undefined;
  /** @type {import('./test-end.mjs').LineReader | undefined} */
  const reader = Reader === undefined ? undefined : new Reader(sink);
  const idle = setTimeout(() => reader?.idle?.(), IDLE_MS);
  const take = (/** @type {string} */ line) => {
    idle.refresh();
    return reader === undefined ? line : reader.line(line);
  };
  const output = new LineFeed(take, show);
  const endOutput = () => {
    clearTimeout(idle);
    output.end();
    reader?.end();
  };
  if (source.kind === 'events') {
    const events = new EventsReader(sink);
    const feed = new LineFeed(
      (line) => events.line(line),
      () => undefined,
    );
    const file = followFile(source.file, (chunk) => feed.push(chunk));
    return { output, end: () => [endOutput(), file.finish(), feed.end()] };
  }
  if (source.kind === 'stdout') return { output, end: endOutput };
  const before = junitFiles(cwd, source.pattern);
  const readAll = () => {
    for (const [path, mark] of junitFiles(cwd, source.pattern)) {
      if (before.get(path) !== mark) for (const test of readJunit(readFileSync(path, 'utf8'))) sink.test(test);
    }
  };
  return { output, end: () => [endOutput(), readAll()] };
};

/**
 * @param {import('./runners.mjs').SuitePlan} plan
 * @param {TestSink} sink
 * @param {string} cwd
 * @returns {Promise<number>} the suite's exit code, as shells count
 */
export const runSuite = async ({ command, source, env }, sink, cwd) => {
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.includes(name)));
  const { output, end } = openSource(source, sink, cwd);
  const child = spawn('/bin/sh', ['-c', command], {
    cwd,
    env: { ...own, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.on('data', (/** @type {Buffer} */ chunk) => output.push(chunk));
  /** @type {PromiseWithResolvers<number>} */
  const { promise: exited, resolve: exit, reject } = Promise.withResolvers();
  const closed = new Promise((done) => {
    child.once('close', done);
  });
  child.once('error', reject);
  child.once('exit', (code, signal) => exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  // What is told to end lets the suite end first, and tells of what there was.
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
    process.on(signal, () => child.kill(signal));
  const exitCode = await exited;
  await Promise.race([closed, delay(PIPE_WAIT_MS, undefined, { ref: false })]);
  child.stdout.destroy();
  end();
  return exitCode;
};

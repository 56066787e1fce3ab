/**
 * Owns the run of a command line that may hang, fork, print for ever, or be in the way of a stop.
 *
 * R1. When it is over, nothing of its process group runs: the next checkout has the folder to itself.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

const KEPT_CHARS = 8 * 1024;
/** After SIGTERM. The pod's own patience is 10 s by default. */
const GRACE_MS = 1_000;
/** Somebody who left the group holds the pipes. */
const PIPE_WAIT_MS = 200;

/**
 * @typedef {object} ProgramRun
 * @property {number} exitCode as shells count: 128 and the number of the signal
 * @property {boolean} isLate it was ended because of its time limit
 * @property {string} output the end of what it printed on both streams
 *
 * @typedef {object} ProgramOptions
 * @property {string} cwd
 * @property {NodeJS.ProcessEnv} env
 * @property {number} timeoutMs
 * @property {AbortSignal} signal
 */

/** @param {number | null} code @param {NodeJS.Signals | null} signal */
const exitCodeOf = (code, signal) => code ?? 128 + (signal === null ? 0 : constants.signals[signal]);

/** @param {import('node:child_process').ChildProcess} child @param {NodeJS.Signals} signal */
const signalGroup = ({ pid }, signal) => {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // it is gone already
  }
};

/** @param {import('node:child_process').ChildProcess} child */
const keepOutput = (child) => {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      output = (output + text).slice(-KEPT_CHARS);
    });
  }
  return () => output.toWellFormed();
};

/**
 * @param {string} line for /bin/sh
 * @param {ProgramOptions} options
 * @returns {Promise<ProgramRun>}
 * @throws the reason of the signal
 */
export const runLine = async (line, { cwd, env, timeoutMs, signal }) => {
  signal.throwIfAborted();
  const child = spawn('/bin/sh', ['-c', line], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const readOutput = keepOutput(child);
  /** @type {PromiseWithResolvers<number>} */
  const { promise: exited, resolve, reject } = Promise.withResolvers();
  const closed = new Promise((done) => {
    child.once('close', done);
  });
  child.once('error', reject);
  child.once('exit', (code, signal) => resolve(exitCodeOf(code, signal)));
  const late = AbortSignal.timeout(timeoutMs);
  const end = () => {
    signalGroup(child, 'SIGTERM');
    setTimeout(() => signalGroup(child, 'SIGKILL'), GRACE_MS).unref();
  };
  const either = AbortSignal.any([signal, late]);
  either.addEventListener('abort', end, { once: true });
  try {
    const exitCode = await exited;
    signalGroup(child, 'SIGKILL'); // R1
    await Promise.race([closed, delay(PIPE_WAIT_MS, undefined, { ref: false })]);
    signal.throwIfAborted();
    return { exitCode, isLate: late.aborted, output: readOutput() };
  } finally {
    either.removeEventListener('abort', end);
    child.stdout.destroy();
    child.stderr.destroy();
  }
};

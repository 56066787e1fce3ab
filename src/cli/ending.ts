/** Owns what ends a command that prints on and on: Ctrl-C, and a reader that has seen enough (`| head`). */
import { spawn } from 'node:child_process';
import { fstatSync } from 'node:fs';
import type { Terminal } from './terminal.ts';

/** Aborted when the reader of standard output is gone. A closed pipe is a normal end, told by nothing but silence. */
export const closedPipe = ({ stdout }: Terminal): AbortSignal => {
  const controller = new AbortController();
  stdout.on('error', () => controller.abort()); // stays: without a listener a late EPIPE would be thrown
  return controller.signal;
};

const STDOUT = 1;

const isPipe = (): boolean => {
  try {
    return fstatSync(STDOUT).isFIFO();
  } catch {
    return false; // closed
  }
};

/**
 * Aborted when the reader of a pipe is gone, also while there is nothing to write: {@link closedPipe} is told by a write
 * only, and Node has no way to ask a pipe. GNU `tail` has: it looks at its standard output while it waits, and is ended by
 * SIGPIPE once nobody reads. Where there is no such `tail`, the next line tells.
 */
export const watchReader = (): { readonly signal: AbortSignal } & Disposable => {
  const controller = new AbortController();
  if (!isPipe()) return { signal: controller.signal, [Symbol.dispose]: () => undefined };
  const watcher = spawn('tail', ['-f', `--pid=${process.pid}`, '/dev/null'], {
    stdio: ['ignore', STDOUT, 'ignore'],
  });
  watcher.on('error', () => undefined); // no such program
  watcher.on('exit', (_, signal) => {
    if (signal === 'SIGPIPE') controller.abort();
  });
  watcher.unref();
  return { signal: controller.signal, [Symbol.dispose]: () => watcher.kill() };
};

const EXIT_OF_SIGNAL = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Aborted by Ctrl-C and its like, which also set the exit code. Only for commands that wait: one that computes would no
 * longer be ended by the signal itself.
 */
export const interruption = (): AbortSignal => {
  const controller = new AbortController();
  for (const [signal, exitCode] of Object.entries(EXIT_OF_SIGNAL)) {
    process.once(signal, () => {
      process.exitCode = exitCode;
      controller.abort();
    });
  }
  return controller.signal;
};

/** Owns what ends a command that prints on and on: Ctrl-C, and a reader that has seen enough (`| head`). */
import type { Terminal } from './terminal.ts';

/** Aborted when the reader of standard output is gone. A closed pipe is a normal end, told by nothing but silence. */
export const closedPipe = ({ stdout }: Terminal): AbortSignal => {
  const controller = new AbortController();
  stdout.on('error', () => controller.abort()); // stays: without a listener a late EPIPE would be thrown
  return controller.signal;
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

/** Owns what Ctrl-C and its like do to a pod in the foreground. */
import { STOP_SIGNALS, type StopSignal } from '../../pod/ending.ts';

/** What the keyboard sends: Ctrl-C and Ctrl-\\. */
const OF_KEYBOARD: readonly StopSignal[] = ['SIGINT', 'SIGQUIT'];

/** A terminal that closes sends SIGHUP twice, by its shell and by the kernel: that is one wish, not two. */
const ECHO_MS = 300;

export interface SignalPlan {
  /** Ctrl-C is the affair of the program that has the terminal. */
  readonly leavesCtrlC: boolean;
  readonly stop: (signal: StopSignal) => void;
  readonly kill: () => void;
}

/**
 * Ends the pod at the first signal. At the second all it started is killed and the signal does what it does to a program
 * that has no handler: nothing can hold nika then, not even a story that cannot be written.
 */
export const onSignals = ({ leavesCtrlC, stop, kill }: SignalPlan): Disposable => {
  let stoppedAtMs: number | undefined;
  const handlers = STOP_SIGNALS.map((signal) => {
    const handler = (): void => {
      if (leavesCtrlC && OF_KEYBOARD.includes(signal)) return;
      const nowMs = performance.now();
      if (stoppedAtMs === undefined) {
        stoppedAtMs = nowMs;
        stop(signal);
        return;
      }
      if (nowMs - stoppedAtMs < ECHO_MS) return;
      kill();
      for (const [name, other] of handlers) process.removeListener(name, other);
      process.kill(process.pid, signal);
    };
    return [signal, handler] as const;
  });
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return {
    [Symbol.dispose]: () => {
      for (const [signal, handler] of handlers) process.removeListener(signal, handler);
    },
  };
};

/** Owns how processes are ended that may start others, ignore signals, or be stopped. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Look } from './process-table.ts';
import { type ProcessRow, signalProcess } from './process-row.ts';

export interface Processes {
  readonly look: (kind: Look) => readonly ProcessRow[];
  /** One blow at all of them, as far as the system has one. */
  readonly strike?: () => void;
  readonly signal?: (row: ProcessRow, signal: NodeJS.Signals) => void;
}

const FIRST_LOOK_MS = 10;
const MAX_LOOK_MS = 200;
/** What is uninterruptible (a hung disk) outlives even this. */
const KILL_WAIT_MS = 2_000;
/** Enough for programs that start others as fast as they can; they are stopped one after the other. */
const SIGNAL_BUDGET_MS = 500;

const keyOf = ({ pid, startTicks }: ProcessRow): string => `${pid} ${startTicks}`;

/** Signals each process that is not in `told` yet; true where there were any. */
const signalNew = (processes: Processes, told: Set<string>, signals: readonly NodeJS.Signals[]): boolean => {
  const news = processes.look('quick').filter((row) => !told.has(keyOf(row)));
  for (const row of news) {
    told.add(keyOf(row));
    for (const signal of signals) (processes.signal ?? signalProcess)(row, signal);
  }
  return news.length > 0;
};

/** To each, and again while new ones appear, for at most 500 ms. */
export const signalEach = (processes: Processes, signal: NodeJS.Signals): void => {
  const told = new Set<string>();
  const untilMs = performance.now() + SIGNAL_BUDGET_MS;
  while (signalNew(processes, told, [signal]) && performance.now() < untilMs);
};

/** Stopped first, so that none is left that starts another while they are killed one by one. */
export const killEach = (processes: Processes): void => {
  processes.strike?.();
  processes.look('whole');
  signalEach(processes, 'SIGSTOP');
  signalEach(processes, 'SIGKILL');
};

/** As {@link PodTree.end} says. */
export const endEach = async (processes: Processes, graceMs: number): Promise<number> => {
  const killAtMs = performance.now() + graceMs;
  const told = new Set<string>();
  if (processes.look('whole').length === 0) return 0;
  for (let waitMs = FIRST_LOOK_MS; performance.now() < killAtMs; waitMs = Math.min(2 * waitMs, MAX_LOOK_MS)) {
    // A stopped process gets SIGTERM only once it goes on.
    signalNew(processes, told, ['SIGTERM', 'SIGCONT']);
    if (processes.look('quick').length === 0) break;
    await delay(Math.max(0, Math.min(waitMs, killAtMs - performance.now())));
  }
  const giveUpAtMs = performance.now() + KILL_WAIT_MS;
  for (let waitMs = 1; ; waitMs = Math.min(2 * waitMs, MAX_LOOK_MS)) {
    const left = processes.look('whole').length;
    if (left === 0 || performance.now() >= giveUpAtMs) return left;
    killEach(processes);
    await delay(waitMs);
  }
};

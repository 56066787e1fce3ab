/** Owns how pods are stopped from outside: asked, told by a signal, and in the end killed and closed. */
import { setTimeout as delay } from 'node:timers/promises';
import type { LostOptions } from './lost.ts';
import type { PodRecord } from './pod-record.ts';
import { isOver, podLiveness } from './pod-status.ts';
import { waitFor } from './wait-for.ts';

export interface StopWishes {
  /** Milliseconds; default: the pod's own. */
  readonly graceMs?: number;
  readonly why?: string | undefined;
  /** SIGKILL to all it started, at once. */
  readonly isKill?: boolean;
  /** Only the attempt ends. */
  readonly isAttempt?: boolean;
}

export interface Stopped {
  /** They run on another machine, or in another container, and can be stopped there only. */
  readonly elsewhere: readonly PodRecord[];
}

const DEFAULT_GRACE_MS = 10_000;
/** What a pod needs besides the grace: to write its story. */
const STORY_MS = 5_000;
/** A supervisor on a machine that is busy answers late; one that hangs is killed in the end. */
const ASK_BUDGET_MS = 5_000;
const ASK_TO_KILL_BUDGET_MS = 2_000;
const KILLED_BUDGET_MS = 2_000;

const isKillWish = ({ isKill }: StopWishes): boolean => isKill === true;

/** Asks the pod; where it does not answer, its process is told by a signal. */
const tell = async (record: PodRecord, wishes: StopWishes): Promise<void> => {
  const { graceMs, why = isKillWish(wishes) ? 'nika pod kill' : 'nika pod stop', isKill, isAttempt } = wishes;
  const reason = { reason: why };
  if (podLiveness(record.process) === 'alive') trySignal(record.process.pid, 'SIGCONT'); // one that is stopped cannot answer
  if (record.socket !== null) {
    const { connect } = await import('../client/client.ts');
    try {
      await using client = await connect({
        path: record.socket,
        signal: AbortSignal.timeout(isKill === true ? ASK_TO_KILL_BUDGET_MS : ASK_BUDGET_MS),
      });
      if (isKill === true) await client.kill(reason);
      else {
        const grace = graceMs === undefined ? {} : { grace_ms: graceMs };
        await client.stop({ ...grace, ...reason, ...(isAttempt === true ? { keep_open: true } : {}) });
      }
      return;
    } catch {
      // it does not answer: hung, stopped, or just ended
    }
  }
  if (podLiveness(record.process) !== 'alive') return;
  trySignal(record.process.pid, 'SIGTERM');
};

const trySignal = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended meanwhile
  }
};

/** The last resort: the supervisor itself is killed, and whoever kills it closes the pod. */
const force = async (record: PodRecord, options: LostOptions, why: string): Promise<void> => {
  const { closeDead, endLeftovers } = await import('./lost.ts');
  if (podLiveness(record.process) === 'alive') trySignal(record.process.pid, 'SIGKILL');
  const untilMs = performance.now() + KILLED_BUDGET_MS;
  while (podLiveness(record.process) === 'alive' && performance.now() < untilMs) await delay(10);
  await endLeftovers(record);
  await closeDead(options, record.session, { status: 'cancelled', error: why, exitCode: 137 });
};

/** Stops all of them that have not ended, at once, and waits. */
export const stopPods = async (
  pods: readonly PodRecord[],
  options: LostOptions,
  wishes: StopWishes,
): Promise<Stopped> => {
  const living = pods.filter((record) => !isOver(record) && podLiveness(record.process) !== 'elsewhere');
  const graceMs = wishes.isKill === true ? 0 : (wishes.graceMs ?? DEFAULT_GRACE_MS);
  await Promise.all(living.map((record) => tell(record, wishes)));
  const untilMs = performance.now() + graceMs + (wishes.isKill === true ? KILLED_BUDGET_MS : STORY_MS);
  const { pods: now } = await waitFor(living, options, { isAny: false, untilMs }, new AbortController().signal);
  const stuck = now.filter((record) => !isOver(record));
  const why = wishes.isKill === true ? 'killed' : 'it did not end when it was told to, and was killed';
  await Promise.all(stuck.map((record) => force(record, options, why)));
  return { elsewhere: pods.filter((record) => !isOver(record) && !living.includes(record)) };
};

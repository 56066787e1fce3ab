/** Owns whether a pod that runs a job of the queue may say how the job ended. */
import { setTimeout as delay } from 'node:timers/promises';
import { type End, supersededEnd } from '../end-pod.ts';
import { exitCodeOf } from '../ending.ts';
import type { PodControl } from '../pod-control.ts';
import type { PodLease } from './pod-lease.ts';

const ASK_EVERY_MS = 250;
/** Told to end, it still tries for so long. */
const LAST_TRIES_MS = 2_000;

const waited = async (signal: AbortSignal): Promise<void> => {
  try {
    await delay(ASK_EVERY_MS, undefined, { signal });
  } catch {
    // told to end
  }
};

/** Nobody knows whether it counts: the queue decides, once Redis is back. */
const unsettledEnd = (end: End, why: string): End => ({
  ...end,
  outcome: 'cancelled', // the worker that finds it so says it of the job
  exitCode: exitCodeOf({ kind: 'interrupted', signal: 'SIGTERM' }),
  error: `stopped before Redis could say whether its end counts (${end.outcome}): ${why}`,
  attemptsLeft: Math.max(1, end.attemptsLeft),
});

/**
 * The end as it may be written. Of what leaves the job open nothing is asked; else the lease is settled first (F1), and
 * where Redis is away the pod waits for it, with nothing of its own running, until somebody tells it to end.
 */
export const confirmEnd = async (lease: PodLease | undefined, end: End, control: PodControl): Promise<End> => {
  if (lease === undefined || end.outcome === 'superseded' || end.attemptsLeft > 0) return end;
  const { toldToEnd } = control;
  let giveUpAtMs = Infinity;
  for (;;) {
    const settling = await lease.settle();
    if (settling.kind !== 'unknown') {
      control.goOn('lease');
      return settling.kind === 'settled' ? end : supersededEnd(`superseded: ${settling.why}`, end.attemptsLeft);
    }
    if (toldToEnd.aborted) giveUpAtMs = Math.min(giveUpAtMs, performance.now() + LAST_TRIES_MS);
    if (performance.now() >= giveUpAtMs) return unsettledEnd(end, settling.why);
    control.holdUp('lease', `its work is done (${end.outcome}); Redis must say whether that counts: ${settling.why}`);
    await (toldToEnd.aborted ? delay(ASK_EVERY_MS) : waited(toldToEnd));
  }
};

/** Owns which duties Alpha has: each part of the swarm plugs in here, and nowhere else. */
import { followUps } from '../autonomy/follow-ups.ts';
import type { Duties } from './duty.ts';
import { mirrorFeed } from './mirror/mirror.ts';
import { bringQueue } from './queue/bring-queue.ts';
import { announceAgain, type AnnounceTimes } from './watch/announce-again.ts';
import { bringMemory } from './watch/memory.ts';
import { closeLost, reconcileNowAndThen } from './watch/lost-pods.ts';
import { watchOverdue } from './watch/overdue-jobs.ts';
import { finishRejectedJobs } from './watch/rejected-jobs.ts';
import { finishRedactions } from './watch/redactions.ts';
import { watchStale } from './watch/stale-pods.ts';

/** Shorter in tests. */
export interface DutyTimes extends AnnounceTimes {
  /** Silent for so long by Redis's own clock, a pod is stale. */
  readonly staleAfterMs: number;
  readonly watchEveryMs: number;
  readonly reconcileEveryMs: number;
  readonly redactionsEveryMs: number;
  readonly memoryEveryMs: number;
}

export const DUTY_TIMES: DutyTimes = {
  staleAfterMs: 30_000,
  watchEveryMs: 5_000,
  announceEveryMs: 60_000,
  youngMs: 60_000,
  slackMs: 60_000,
  reconcileEveryMs: 5 * 60_000,
  redactionsEveryMs: 60_000,
  memoryEveryMs: 60_000,
};

export const createDuties = (times: DutyTimes = DUTY_TIMES): Duties => ({
  chores: [
    closeLost(times.watchEveryMs),
    watchStale(times.staleAfterMs, times.watchEveryMs),
    watchOverdue(times.watchEveryMs),
    finishRejectedJobs(times.watchEveryMs),
    finishRedactions(times.redactionsEveryMs),
    announceAgain(times),
    reconcileNowAndThen(times.reconcileEveryMs),
    bringMemory(times.memoryEveryMs),
  ],
  listeners: [followUps()],
  tasks: [mirrorFeed, bringQueue],
});

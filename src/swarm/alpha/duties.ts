/** Owns which duties Alpha has: each part of the swarm plugs in here, and nowhere else. */
import type { Duties } from './duty.ts';

/** Shorter in tests. */
export interface DutyTimes {
  /** Silent for so long by Redis's own clock, a pod is stale. */
  readonly staleAfterMs: number;
  readonly watchEveryMs: number;
  readonly reconcileEveryMs: number;
}

export const DUTY_TIMES: DutyTimes = { staleAfterMs: 30_000, watchEveryMs: 5_000, reconcileEveryMs: 5 * 60_000 };

export const createDuties = (_times: DutyTimes = DUTY_TIMES): Duties => ({
  chores: [],
  listeners: [],
  tasks: [],
});

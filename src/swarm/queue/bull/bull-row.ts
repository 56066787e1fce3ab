/** Owns how a job of BullMQ is shown, and how the words of the two go together. Pure. */
import { type QueuedJob, queuedJobSchema, type QueueRow, type QueueState } from '../work-queue.ts';
import type { BullJob } from './bull-store.ts';

/** 9 first → 1 first. None at all would be a queue of its own, before all others: for what a dead worker left. */
export const bullPriority = (priority: number): number => 10 - priority;

/** Where BullMQ keeps them; the first is where nearly all are. */
export const BULL_STATES = {
  waiting: ['prioritized', 'waiting'],
  delayed: ['delayed'],
  active: ['active'],
  completed: ['completed'],
  failed: ['failed'],
} as const satisfies Record<QueueState, readonly string[]>;

export const stateOf = (state: string): QueueState | undefined =>
  (Object.keys(BULL_STATES) as QueueState[]).find((ours) => (BULL_STATES[ours] as readonly string[]).includes(state));

/** `undefined`: not of nika, or of a later version. */
export const queuedJobOf = ({ data }: BullJob): QueuedJob | undefined => {
  const parsed = queuedJobSchema.safeParse((data as Partial<BullJob['data']> | null)?.job);
  return parsed.success ? parsed.data : undefined;
};

const sinceMsOf = ({ timestamp, processedOn, finishedOn }: BullJob, state: QueueState): number => {
  if (state === 'active') return processedOn ?? timestamp;
  return state === 'completed' || state === 'failed' ? (finishedOn ?? timestamp) : timestamp;
};

/** The error that a row shows: why it failed, or why it waits again. */
const errorOf = ({ failedReason, data }: BullJob, state: QueueState): string | undefined => {
  if (state === 'failed') return failedReason;
  return state === 'waiting' || state === 'delayed' ? (data.note ?? undefined) : undefined;
};

export const rowOf = (bull: BullJob, state: QueueState): QueueRow | undefined => {
  const job = queuedJobOf(bull);
  if (job === undefined) return undefined;
  return {
    job,
    state,
    since: new Date(sinceMsOf(bull, state)).toISOString(),
    worker: state === 'active' ? bull.processedBy : undefined,
    error: errorOf(bull, state),
  };
};

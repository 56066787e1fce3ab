/** Owns how a job of the queue stands, as far as this home and the queue together know. */
import { hostname } from 'node:os';
import type { EntityView } from '../../bus/query/entity-view.ts';
import { sessionOfHolder } from '../../ipc/lease/job-lease.ts';
import { isTerminal } from '../../model/entity.ts';
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import { isOver, podLiveness } from '../../pod/registry/pod-status.ts';
import { readRecord, readRecords } from '../../pod/registry/record-file.ts';
import type { QueuedJob } from '../queue/work-queue.ts';

export interface JobStanding {
  /** Of the queue and of this home's channel the one that knows more. `attempt`: those that were made. */
  readonly standing: QueuedJob['standing'];
  /** What this home's bus says; `undefined`: its channel is elsewhere. */
  readonly view: EntityView | undefined;
}

/** A pod gives a sign each 5 s. */
const BEATS_MS = 7_500;

/** Over, or with those who review it: nothing is to be run. */
export const needsNoPod = ({ state }: QueuedJob['standing']): boolean =>
  isTerminal(state) || state === 'awaiting_review';

/** `view`: as the bus of this home has the job. */
export const standingOf = (view: EntityView | undefined, job: QueuedJob): JobStanding => {
  const told = job.standing;
  const toldMade = told.state === 'created' ? 0 : told.attempt;
  if (view?.state === undefined) return { standing: { ...told, attempt: toldMade }, view: undefined };
  // A pod that runs it counts; whoever only wrote that it was created, or judged it, does not.
  const made = view.sessions.length === 0 ? 0 : view.attempts;
  const isNewer = view.rev >= told.rev || isTerminal(view.state);
  const { state, rev } = isNewer ? { state: view.state, rev: view.rev } : told;
  const attempt = Math.max(made, toldMade);
  return { standing: { ...told, ...(isNewer ? backFrom(view, told, attempt) : {}), state, rev, attempt }, view };
};

/** Review sent it back, and the queue does not know yet: who rejected it came before its worker took it off. */
const backFrom = ({ state, review }: EntityView, told: QueuedJob['standing'], made: number) => {
  if (state !== 'in_progress' || review?.decision !== 'rejected') return {};
  if ((told.rejected?.round ?? 0) >= review.round) return {};
  return { before: made, rejected: { round: review.round, reason: review.why ?? '' } };
};

/** The newest pod of the job in this home. */
export const latestPod = (runDir: string, entity: string): PodRecord | undefined =>
  readRecords(runDir).findLast((record) => record.entity === entity);

/** One of this home that has the job now. */
export const livingPod = (runDir: string, entity: string): PodRecord | undefined => {
  const latest = latestPod(runDir, entity);
  return latest === undefined || isOver(latest) ? undefined : latest;
};

/** Whether the holder of a lease was a pod of this home, and has ended. */
export const isDeadHere = (runDir: string, holder: string): boolean => {
  if (!holder.startsWith(`${hostname()}/`)) return false;
  const record = readRecord(runDir, sessionOfHolder(holder));
  return record !== undefined && isOver(record);
};

/** No sign of life for longer than any lease lasts without one: a pod that is only slow says so before. */
export const hasLostItsLease = ({ lease, beat, process: by }: PodRecord, leaseMs: number): boolean => {
  if (lease === null || podLiveness(by) === 'elsewhere') return false;
  return Number(process.hrtime.bigint() / 1_000_000n) - beat.mono_ms > Math.max(leaseMs, BEATS_MS);
};

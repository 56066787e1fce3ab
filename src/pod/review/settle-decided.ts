/**
 * Owns what the record of a pod says once its review is decided: what the bus says. Whoever decides writes the bus first,
 * and may die before the record; it may also have been decided on another host.
 */
import { statSync } from 'node:fs';
import { busPath, channelName } from '../../bus/layout.ts';
import { readEntity } from '../../bus/query/entities.ts';
import type { EntityView } from '../../bus/query/entity-view.ts';
import type { Home } from '../../config/home.ts';
import { bestEffort, bestEffortSync } from '../../failopen/best-effort.ts';
import type { EndedStatus, PodEnd, PodRecord } from '../registry/pod-record.ts';
import { writeRecord } from '../registry/record-file.ts';
import { latestOfEach } from '../registry/resolve-pod.ts';

const READ_BUDGET_MS = 5_000;

type Decided = Pick<PodEnd, 'status' | 'outcome' | 'exit_code' | 'error'>;

const ended = (status: EndedStatus, exitCode: number, error: string | null, outcome: string = status): Decided => ({
  status,
  outcome,
  exit_code: exitCode,
  error,
});

/** `undefined`: nobody has decided. */
const decidedOf = ({ state, error, review }: EntityView): Decided | undefined => {
  switch (state) {
    case 'completed':
      return ended('completed', 0, null);
    case 'failed':
      return ended('failed', 1, error ?? null);
    case 'cancelled':
      return ended('cancelled', 1, error ?? null);
    case 'in_progress':
      return ended('failed', 1, `rejected in review: ${review?.why ?? 'no reason is known'}`, 'rejected');
    default:
      return undefined;
  }
};

/** A decision is written to the channel after the record has its end. */
const isWrittenSince = ({ busDir }: Home, { entity, end }: PodRecord): boolean => {
  const stat = bestEffortSync('review.stat', () =>
    statSync(busPath(busDir, channelName(entity)), { throwIfNoEntry: false }),
  );
  return stat === undefined || stat.mtimeMs > Date.parse(end?.at ?? '');
};

const settle = async (home: Home, record: PodRecord, isLatest: boolean): Promise<PodRecord> => {
  const { end } = record;
  if (end?.status !== 'awaiting_review') return record;
  if (isLatest && !isWrittenSince(home, record)) return record;
  const read = isLatest
    ? await bestEffort('review.read', { withinMs: READ_BUDGET_MS }, (signal) =>
        readEntity(home.busDir, record.entity, signal),
      )
    : undefined;
  const view = read?.kind === 'done' ? read.value : undefined;
  const decided = isLatest
    ? view && decidedOf(view)
    : ended('failed', 1, 'rejected in review, and done again', 'rejected');
  if (decided === undefined) return record;
  const settled: PodRecord = { ...record, end: { ...end, ...decided } };
  bestEffortSync('pod.record', () => writeRecord(home.runDir, settled));
  return settled;
};

/** The same records; those that awaited review as the bus has them now. Best effort. */
export const settleDecided = async (home: Home, records: readonly PodRecord[]): Promise<readonly PodRecord[]> => {
  const latest = new Set(latestOfEach(records).map(({ session }) => session));
  return Promise.all(records.map((record) => settle(home, record, latest.has(record.session))));
};

/**
 * Owns that no job of this home is forgotten by the queue: what was dispatched, is not over, and is in no queue and with no
 * pod is put into the queue again. For Redis that was emptied, and for what the outbox still has.
 *
 * W1. What another home ran or cancelled stands on the bus of this one as created for ever. That it is over is learned
 *     from queue and feed, and kept by forgetting the job: both forget it sooner or later.
 */
import { bestEffort } from '../../failopen/best-effort.ts';
import { readEntity } from '../../bus/query/entities.ts';
import type { EntityView } from '../../bus/query/entity-view.ts';
import type { Settings } from '../../config/settings.ts';
import { isTerminal } from '../../model/entity.ts';
import { parseEntityId } from '../../model/id.ts';
import { isLiving, statusOf } from '../../pod/registry/pod-status.ts';
import { readRecords } from '../../pod/registry/record-file.ts';
import type { QueuedJob } from '../queue/work-queue.ts';
import { forgetDispatched } from './dispatch-job.ts';
import { listDispatched, readDispatched } from './dispatch-files.ts';
import type { EnqueuePlace } from './enqueue-change.ts';
import { flushOutbox } from './flush-outbox.ts';
import { leaseOf, stateOnFeed } from './known-of.ts';

export interface AnnouncePlace extends EnqueuePlace {
  readonly settings: Settings;
}

export interface Announced {
  /** Put into the queue now. */
  readonly queued: readonly string[];
  /** Why not all could be looked at. */
  readonly away?: string;
}

/** How it stands now, for whoever gets it next. */
const asItStands = (job: QueuedJob, { state = 'created', rev, attempts }: EntityView): QueuedJob => ({
  ...job,
  standing: { state, rev, attempt: attempts },
});

/** `seen to`: somebody is at it, or will be, or nobody can say; `over`: elsewhere (W1). */
type Look = 'forgotten' | 'seen to' | 'over';

const lookAt = async ({ redis, queue }: EnqueuePlace, { entity }: QueuedJob, view: EntityView): Promise<Look> => {
  const isNew = view.state === 'created';
  if (!isNew && view.state !== 'in_progress') return 'seen to'; // a review is somebody's turn
  if (redis === undefined) return isNew ? 'forgotten' : 'seen to'; // files do not forget
  const lease = await leaseOf(redis, entity, view.rev);
  if (lease === 'held') return 'seen to';
  const row = await queue.show(entity);
  if (row !== undefined && 'kind' in row) return 'seen to'; // the queue does not say
  if (isNew && (row?.state === 'completed' || row?.state === 'failed')) return 'over';
  if (row !== undefined || lease === 'settled') return 'seen to';
  const told = await stateOnFeed(redis, entity);
  if (isTerminal(told)) return 'over';
  return isNew && told === 'awaiting_review' ? 'seen to' : 'forgotten';
};

/** With a pod of this home that gives signs of life: their channels grow, and need not be read whole to know that. */
const atWorkHere = (runDir: string): ReadonlySet<string> =>
  new Set(
    readRecords(runDir).flatMap((record) => {
      const status = statusOf(record);
      return isLiving(status) && status !== 'stale' ? [record.entity] : [];
    }),
  );

/** Never rejects. For Alpha, now and then, and after Redis was away. */
export const announceWaiting = async (place: AnnouncePlace, signal?: AbortSignal): Promise<Announced> => {
  const { home, queue } = place;
  const flushed = await flushOutbox(place);
  if (typeof flushed !== 'number') return { queued: [], away: flushed.why };
  const queued: string[] = [];
  const atWork = atWorkHere(home.runDir);
  for (const text of listDispatched(home.runDir, 'dispatched')) {
    if (signal?.aborted === true) break;
    if (atWork.has(text)) continue;
    const job = readDispatched(home.runDir, 'dispatched', text);
    const read = await bestEffort('dispatch.announce', { withinMs: 5_000 }, () =>
      readEntity(home.busDir, parseEntityId(text)),
    );
    if (job === undefined || read.kind !== 'done' || read.value === undefined) continue;
    const view = read.value;
    if (isTerminal(view.state)) {
      forgetDispatched(home.runDir, text);
      continue;
    }
    const look = await lookAt(place, job, view);
    if (look === 'over') forgetDispatched(home.runDir, text);
    if (look !== 'forgotten') continue;
    const added = await queue.add(asItStands(job, view));
    if (added.kind === 'away') return { queued, away: added.why };
    if (added.kind === 'queued') queued.push(text);
  }
  return { queued };
};

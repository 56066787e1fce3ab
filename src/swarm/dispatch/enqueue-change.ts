/**
 * Owns what whoever is told of a `created` with `data.dispatch` does: the job is put into the queue. A repeat is harmless.
 * So any program that can XADD can give work (design, section 6).
 */
import type { Home } from '../../config/home.ts';
import { dispatchSchema } from '../../model/dispatch.ts';
import { entityIdSchema } from '../../model/id.ts';
import type { FeedChange } from '../../ipc/feed/feed-change.ts';
import type { QueueAway, QueuedJob, WorkQueue } from '../queue/work-queue.ts';
import { hasGoneOn, leaseOf, type RedisPlace, stateHere } from './known-of.ts';

export interface EnqueuePlace {
  readonly home: Home;
  readonly queue: WorkQueue;
  /** Where Redis is configured. */
  readonly redis?: RedisPlace;
}

export type Enqueued =
  | { readonly kind: 'queued' | 'there' }
  /** No work: another event, or one whose inputs only its dispatcher's queue has. */
  | { readonly kind: 'none'; readonly why: string }
  /** It began, or is over: an old announcement. */
  | { readonly kind: 'stale'; readonly why: string }
  | QueueAway;

/** Told later than that, it may have been worked on since. */
const FRESH_MS = 10_000;

/** `undefined`: it is no work that can be queued from here. */
const queuedJobOf = ({ entity, ts, meta, data }: FeedChange): QueuedJob | undefined => {
  const { data: dispatch } = dispatchSchema.safeParse(data['dispatch']);
  if (dispatch?.inputs === undefined) return undefined;
  const { job: name, inputs, capability, priority, not_before = null, deadline = null, attempts = null } = dispatch;
  const host = dispatch.from ?? meta['host'];
  return {
    v: 1,
    entity,
    root: entityIdSchema.safeParse(meta['root_id']).data ?? entity,
    parent: entityIdSchema.safeParse(meta['parent_id']).data ?? null,
    job: { kind: 'name', name },
    name,
    inputs,
    capability,
    priority,
    dispatched_at: ts,
    not_before,
    deadline,
    from: typeof host === 'string' ? { host, home: '' } : null,
    attempts,
    standing: { state: 'created', rev: 1, attempt: 0 },
  };
};

/** Why a job that was told as new is not to be begun; `undefined`: as far as anybody knows, it waits. Never rejects. */
export const whyStale = async (
  { home, redis }: Omit<EnqueuePlace, 'queue'>,
  { entity, ts }: Pick<FeedChange, 'entity' | 'ts'>,
): Promise<string | undefined> => {
  const state = await stateHere(home.busDir, entity);
  if (state !== undefined && state !== 'created') return `it is ${state} on the bus of this home`;
  if (redis === undefined) return undefined;
  const lease = await leaseOf(redis, entity);
  if (lease !== 'free') return lease === 'held' ? 'a pod runs it' : 'it is over';
  const isFresh = Date.now() - Date.parse(ts) < FRESH_MS;
  if (!isFresh && (await hasGoneOn(redis, { entity, ts }))) return 'the feed tells what became of it';
  return undefined;
};

/** Never rejects. */
export const enqueueFromChange = async (change: FeedChange, place: EnqueuePlace): Promise<Enqueued> => {
  if (change.event !== 'created' || change.entityType !== 'JOB') return { kind: 'none', why: 'no job was created' };
  const job = queuedJobOf(change);
  if (job === undefined) return { kind: 'none', why: 'it has no dispatch with inputs' };
  const why = await whyStale(place, change);
  return why === undefined ? place.queue.add(job) : { kind: 'stale', why };
};

/**
 * Owns what the queue of dispatched jobs is, whatever keeps it: BullMQ where Redis is configured, files of the home where
 * none is. Expected failures are values; nothing here makes its caller wait for a Redis that is away (G1).
 */
import { z } from 'zod';
import { capabilitySchema, DEFAULT_CAPABILITY, dispatchSchema } from '../../model/dispatch.ts';
import { ENTITY_STATES } from '../../model/entity.ts';
import { rejectionSchema } from '../../model/rejection.ts';
import { entityIdSchema } from '../../model/id.ts';

/** A job that waits for a worker, or is with one. Its id is its entity's. */
export const queuedJobSchema = z.object({
  v: z.literal(1),
  entity: entityIdSchema,
  root: entityIdSchema,
  parent: entityIdSchema.nullable(),
  /** `name`: as the worker finds it. `inline`: the definition itself, of a file that only its dispatcher has. */
  job: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('name'), name: z.string() }),
    z.object({ kind: z.literal('inline'), job: z.record(z.string(), z.unknown()) }),
  ]),
  /** For lists. */
  name: z.string(),
  inputs: dispatchSchema.shape.inputs.unwrap(),
  capability: capabilitySchema.default(DEFAULT_CAPABILITY),
  /** 9 first. */
  priority: z.int().min(0).max(9).default(0),
  /** ISO 8601. */
  dispatched_at: z.string(),
  not_before: z.string().nullable().default(null),
  deadline: z.string().nullable().default(null),
  /** Host and home that dispatched it: where its channel began. */
  from: z.object({ host: z.string(), home: z.string() }).nullable().default(null),
  /** Of how many. */
  attempts: z.int().min(1).nullable().default(null),
  /** How the entity stands, for a host that has not its channel: the last that the queue was told. */
  standing: z.object({
    state: z.enum(ENTITY_STATES),
    rev: z.int(),
    /** Tries that were made. */
    attempt: z.int().min(0),
    /** Of these the ones before a review sent the job back: they do not count among `attempts`. */
    before: z.int().min(0).optional(),
    /** What the next one is told of that. */
    rejected: rejectionSchema.optional(),
  }),
});
export type QueuedJob = z.infer<typeof queuedJobSchema>;

export type QueueState = 'waiting' | 'delayed' | 'active' | 'completed' | 'failed';

export const QUEUE_STATES: readonly QueueState[] = ['waiting', 'delayed', 'active', 'completed', 'failed'];

export interface QueueFilter {
  readonly capability?: string;
  readonly states?: readonly QueueState[];
}

export interface QueueRow {
  readonly job: QueuedJob;
  readonly state: QueueState;
  /** ISO 8601. */
  readonly since: string;
  /** Who has it. */
  readonly worker: string | undefined;
  /** Who has it gives no sign of life any more: the next worker that looks is given the job. */
  readonly isStalled?: true;
  readonly error: string | undefined;
}

/** Queues that cannot be asked: why. */
export interface QueueAway {
  readonly kind: 'away';
  readonly why: string;
}

/** A job that this worker has. Each method is best effort: where the queue is away it says so, and the job stalls. */
export interface Claim {
  readonly job: QueuedJob;
  /** It is over, whatever came of it: it leaves the queue. */
  done(summary: string): Promise<'ok' | QueueAway>;
  /** It is over, and failed. */
  fail(why: string): Promise<'ok' | QueueAway>;
  /** Not now: it waits again, for so long at least. */
  putBack(delayMs: number, why: string): Promise<'ok' | QueueAway>;
  /** What the next one has to know. */
  update(standing: QueuedJob['standing']): Promise<'ok' | QueueAway>;
}

export interface WorkQueue extends AsyncDisposable {
  readonly kind: 'redis' | 'files';
  /** Until it can be asked, or is known to be away; a first connection may take longer than {@link add} would wait. */
  untilKnown(withinMs: number): Promise<void>;
  /** A repeat, by the entity's id, is harmless. */
  add(job: QueuedJob): Promise<{ readonly kind: 'queued' | 'there' } | QueueAway>;
  list(filter?: QueueFilter): Promise<readonly QueueRow[] | QueueAway>;
  show(entity: string): Promise<QueueRow | undefined | QueueAway>;
  /** Before a worker has it. */
  cancel(entity: string): Promise<'cancelled' | 'active' | 'unknown' | QueueAway>;
  /** Forgets what is over in one of these states; how many. */
  clear(states: readonly ('completed' | 'failed')[]): Promise<number | QueueAway>;
  /** One that failed, or is stuck, waits again. */
  retry(entity: string): Promise<'retried' | 'active' | 'unknown' | QueueAway>;
  /**
   * The next job for one of these capabilities; waits for one until the signal is aborted. While the claim is held it is
   * kept from stalling by the queue itself, as long as this process runs. One at a time: what waits shares a connection.
   */
  take(capabilities: readonly string[], worker: string, signal: AbortSignal): Promise<Claim | undefined>;
  /** Waiting jobs by capability; for `nika worker ls` and the digest. */
  depths(): Promise<Readonly<Record<string, number>> | QueueAway>;
}

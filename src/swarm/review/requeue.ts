/**
 * Owns how a job that was dispatched goes back to the queue once it was rejected in review: under its own id, with the
 * reason, for any worker that offers what it wants.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { channelName } from '../../bus/layout.ts';
import { readEntity } from '../../bus/query/entities.ts';
import { readFirstLine } from '../../bus/read/first-line.ts';
import type { Home } from '../../config/home.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { dispatchSchema } from '../../model/dispatch.ts';
import { NikaError } from '../../model/error.ts';
import type { EntityId } from '../../model/id.ts';
import type { Rejection } from '../../model/rejection.ts';
import { readDispatched, writeDispatched } from '../dispatch/dispatch-files.ts';
import { openWorkQueue } from '../queue/open-work-queue.ts';
import type { QueuedJob, QueueRow, WorkQueue } from '../queue/work-queue.ts';
import type { AgainOptions } from './start-again.ts';

/** Its worker still has to take it off the queue, as what it came to in the round before. */
const TAKEN_BUDGET_MS = 5_000;
const LOOK_EVERY_MS = 100;

const rowOf = async (id: EntityId, queue: WorkQueue): Promise<QueueRow | undefined> => {
  const row = await queue.show(id);
  return row !== undefined && 'kind' in row ? undefined : row;
};

/** As its dispatcher kept it. */
const keptOrder = (id: EntityId, { runDir }: Home): QueuedJob | undefined =>
  readDispatched(runDir, 'dispatched', id) ?? readDispatched(runDir, 'outbox', id);

/** The queue has this very round: whoever decided gave it, and nobody has done it yet. */
const isThere = (row: QueueRow | undefined, { standing }: QueuedJob): boolean =>
  row !== undefined && row.state !== 'completed' && row.state !== 'failed' && row.job.standing.rev >= standing.rev;

/** As {@link QueuedJob}'s `standing`: all tries until now were of the rounds before. */
const nextRound = async (job: QueuedJob, { busDir }: Home, rejected: Rejection): Promise<QueuedJob> => {
  const view = await readEntity(busDir, job.entity);
  const { rev = job.standing.rev + 1, sessions = [], attempts = 0 } = view ?? {};
  const made = Math.max(sessions.length === 0 ? 0 : attempts, job.standing.attempt);
  return { ...job, not_before: null, standing: { state: 'in_progress', rev, attempt: made, before: made, rejected } };
};

/** Whether it was given by `nika dispatch`, or by a program that did the same. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
export const isDispatched = async ({ busDir }: Home, id: EntityId): Promise<boolean> => {
  const line = await readFirstLine(busDir, channelName(id));
  return dispatchSchema.safeParse(line?.data['dispatch']).success;
};

/**
 * Gives the job back; where the queue is away it waits in the outbox of this home.
 * @throws {NikaError} `NIKA_QUEUE_UNKNOWN`, `NIKA_QUEUE_AWAY`
 */
export const requeue = async (
  { home, settings }: AgainOptions,
  id: EntityId,
  rejected: Rejection,
  signal: AbortSignal,
): Promise<{ readonly kind: 'queued'; readonly why: string }> => {
  await using queue = await openWorkQueue({ home, settings });
  const row = await rowOf(id, queue);
  const order = row?.job ?? keptOrder(id, home);
  if (order === undefined) {
    throw new NikaError(
      'NIKA_QUEUE_UNKNOWN',
      `${id} was dispatched, and neither the queue nor this home has its order`,
      {
        subject: id,
        remedy: 'Start its job anew: nika dispatch <job>.',
      },
    );
  }
  const job = await nextRound(order, home, rejected);
  if (isThere(row, job)) return { kind: 'queued', why: 'when a worker takes it' };
  const untilMs = performance.now() + TAKEN_BUDGET_MS;
  for (;;) {
    const added = await queue.add(job);
    if (added.kind === 'queued') return { kind: 'queued', why: 'when a worker takes it' };
    if (added.kind === 'away') return keep(job, home, added.why);
    if (performance.now() > untilMs) return { kind: 'queued', why: 'when its worker looks at it again' };
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
};

const keep = (job: QueuedJob, { runDir }: Home, why: string): { readonly kind: 'queued'; readonly why: string } => {
  const kept = bestEffortSync('review.outbox', () => {
    writeDispatched(runDir, 'outbox', job);
    return true;
  });
  if (kept === true) return { kind: 'queued', why: `when the queue is back (${why})` };
  throw new NikaError('NIKA_QUEUE_AWAY', `the queue is away (${why}), and run/queue cannot be written`, {
    subject: job.entity,
  });
};

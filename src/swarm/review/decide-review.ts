/**
 * Owns a decision on a review: written under the lock of the entity, and what follows from it.
 *
 * V1. Of several who decide at the same time one does, and the others are told so: each looks at the entity again once it
 *     has the lock.
 * V2. A decider that dies in between leaves an entity that awaits review still, is over, or is open and was rejected: of
 *     the last, whoever looks next starts the next attempt (`finish-rejected`).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { channelName } from '../../bus/layout.ts';
import { readEntity } from '../../bus/query/entities.ts';
import type { EntityView } from '../../bus/query/entity-view.ts';
import { readFirstLine } from '../../bus/read/first-line.ts';
import type { Home } from '../../config/home.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
import { nikaMetaSchema } from '../../model/envelope.ts';
import { errorMessage, NikaError } from '../../model/error.ts';
import { type EntityId, entityIdSchema } from '../../model/id.ts';
import { tryLockEntity } from '../../pod/claim-entity.ts';
import type { PodEntity } from '../../pod/entity.ts';
import type { Lineage } from '../../pod/lineage.ts';
import { readCurrentRecords } from '../../pod/registry/current-records.ts';
import type { Rejection } from '../../model/rejection.ts';
import { SwarmSession } from '../session/swarm-session.ts';
import { isDispatched, requeue } from './requeue.ts';
import { type AgainOptions, specOf, startAgain } from './start-again.ts';
import { refuseOwnWork, type Reviewer } from './reviewer.ts';

/** `isFinal`: it is not done again, whatever round it is. */
export type Decision =
  | { readonly kind: 'accept'; readonly reason?: string | undefined }
  | { readonly kind: 'reject'; readonly reason: string; readonly isFinal?: boolean | undefined };

export type Decided = { readonly id: EntityId; readonly round: number } & (
  | { readonly kind: 'accepted' }
  /** It is done again; `waits`: why not at once. */
  | { readonly kind: 'rejected'; readonly attempt: number; readonly waits?: string }
  /** It was rejected for the last time. */
  | { readonly kind: 'failed'; readonly error: string }
  /** It was rejected; nobody does it again yet. */
  | { readonly kind: 'not started'; readonly why: string }
);

export interface DecideOptions extends AgainOptions {
  readonly reviewer: Reviewer;
}

const LAST_ROUND = 3;
/** A pod that has just asked still closes its session. */
const LOCK_BUDGET_MS = 10_000;
const LOOK_EVERY_MS = 25;
const NEXT_BUDGET_MS = 30_000;
const MAX_REASON_CHARS = 16_000;

const lock = async (home: Home, id: EntityId, signal: AbortSignal): Promise<AsyncDisposable> => {
  const untilMs = performance.now() + LOCK_BUDGET_MS;
  for (;;) {
    const held = await tryLockEntity(home, id);
    if (held !== undefined) return held;
    if (performance.now() > untilMs) {
      throw new NikaError('NIKA_REVIEW_NONE', `a pod works on ${id} now`, {
        subject: id,
        remedy: `See how it stands: nika pod show ${id}`,
      });
    }
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
};

const standingText = ({ id, state, review }: EntityView): string => {
  const { decision, decidedBy, decidedAt, round } = review ?? {};
  const told = decision === undefined ? '' : `: ${decision} in round ${round} by ${decidedBy} at ${decidedAt}`;
  return `${id} does not await review; it is ${(state ?? 'unknown').replaceAll('_', ' ')}${told}`;
};

/** @throws {NikaError} `NIKA_REVIEW_NONE`, `NIKA_BUS_NO_ENTITY` */
const readAwaiting = async ({ busDir }: Home, id: EntityId): Promise<EntityView> => {
  const view = await readEntity(busDir, id);
  if (view === undefined) throw new NikaError('NIKA_BUS_NO_ENTITY', `${id} is not on the bus`, { subject: id });
  if (view.state !== 'awaiting_review') throw new NikaError('NIKA_REVIEW_NONE', standingText(view), { subject: id });
  return view;
};

const readLineageOf = async ({ busDir }: Home, view: EntityView, id: EntityId): Promise<Lineage> => {
  const meta = nikaMetaSchema.safeParse((await readFirstLine(busDir, channelName(id)))?.meta).data;
  const root = entityIdSchema.safeParse(view.root).data ?? id;
  const { job = view.job ?? '', domain = view.domain ?? '', intent = view.intent ?? '' } = meta ?? {};
  const { role, agent, tags } = meta ?? {};
  const more = { ...(role && { role }), ...(agent && { agent }), ...(tags && { tags }) };
  return { job, domain, intent, ...more, root_id: meta?.root_id ?? root };
};

const roundOf = ({ review }: EntityView) => ({ round: review?.round ?? 1, rounds: review?.rounds ?? LAST_ROUND });

/** What was decided, on the bus. */
const write = (entity: PodEntity, view: EntityView, decision: Decision, by: string): Decided => {
  const { round, rounds } = roundOf(view);
  const { id } = entity;
  const { result, review } = view;
  const ended = {
    ...(result === undefined ? {} : { result }),
    ...(review?.durationMs === undefined ? {} : { duration_ms: review.durationMs }),
    ...(review?.work === undefined ? {} : { work: review.work }),
  };
  const about = { by, round, ...(decision.reason === undefined ? {} : { reason: decision.reason }) };
  if (decision.kind === 'accept') {
    entity.recordDecision({ decision: 'accepted', ...about });
    entity.transition('completed', 'job_completed', ended);
    return { kind: 'accepted', id, round };
  }
  if (round < rounds && decision.isFinal !== true) {
    entity.transition('in_progress', 'review_decision', { decision: 'rejected', ...about });
    return { kind: 'rejected', id, round, attempt: view.attempts + 1 };
  }
  const error = `rejected in review, round ${round} of ${rounds}: ${decision.reason}`;
  entity.recordDecision({ decision: 'rejected', ...about });
  entity.transition('failed', 'job_failed', { ...ended, error, code: 'rejected' });
  return { kind: 'failed', id, round, error };
};

const writeDecision = async (
  { home, settings, env, reviewer }: DecideOptions,
  view: EntityView,
  id: EntityId,
  decision: Decision,
): Promise<Decided> => {
  const lineage = await readLineageOf(home, view, id);
  const parent = entityIdSchema.safeParse(view.parent).data;
  await using session = SwarmSession.open({ home, settings, env, kind: 'command', job: 'nika-review' });
  const entity = session.entity(id, parent, lineage, { state: 'awaiting_review', rev: view.rev });
  return write(entity, view, decision, reviewer.by);
};

const checkedReason = (decision: Decision): Decision => {
  const { reason } = decision;
  if (decision.kind === 'reject' && (reason ?? '').trim() === '') {
    throw new NikaError('NIKA_CLI_USAGE', 'a rejection needs a reason: what is wrong, and what to do', {
      subject: '--reason',
    });
  }
  if (reason !== undefined && reason.length > MAX_REASON_CHARS) {
    throw new NikaError('NIKA_CLI_USAGE', `a reason has at most ${MAX_REASON_CHARS} characters`, {
      subject: '--reason',
    });
  }
  return decision;
};

/** It is open now, and was rejected: its next attempt, here or by the queue. */
export const goOn = async (
  options: DecideOptions,
  id: EntityId,
  rejected: Rejection,
  signal: AbortSignal,
): Promise<{ readonly kind: 'started' } | { readonly kind: 'queued'; readonly why: string }> => {
  return (await isDispatched(options.home, id))
    ? requeue(options, id, rejected, signal)
    : startAgain(options, id, rejected, signal);
};

/** Its worker took it off the queue when it asked for review, and does not see what came of that. */
const giveNext = async ({ home, settings, env }: DecideOptions, id: EntityId): Promise<void> => {
  await bestEffort('review.next', { withinMs: NEXT_BUDGET_MS }, async () => {
    if (!(await isDispatched(home, id))) return;
    const { dispatchNext } = await import('../worker/dispatch-next.ts');
    await dispatchNext(id, { home, settings, env, cwd: home.dir });
  });
};

/**
 * Decides on what awaits review.
 * @throws {NikaError} `NIKA_REVIEW_NONE`: it does not await review, or somebody else has decided (V1); `NIKA_REVIEW_OWN`;
 * `NIKA_POD_UNKNOWN`: it is to be done again, and nobody knows how it was started
 */
export const decideReview = async (
  options: DecideOptions,
  id: EntityId,
  wanted: Decision,
  signal: AbortSignal,
): Promise<Decided> => {
  const { home, settings, reviewer } = options;
  const decision = checkedReason(wanted);
  await refuseOwnWork(home.busDir, reviewer, id);
  await readAwaiting(home, id);
  const decided = await decideLocked(options, id, decision, signal);
  await readCurrentRecords({ home, settings }); // the record says so too
  if (decided.kind === 'accepted') await giveNext(options, id);
  if (decided.kind !== 'rejected') return decided;
  const rejected = { round: decided.round, reason: decision.reason ?? '' };
  try {
    const next = await goOn(options, id, rejected, signal);
    return next.kind === 'started' ? decided : { ...decided, waits: next.why };
  } catch (thrown) {
    return { kind: 'not started', id, round: decided.round, why: errorMessage(thrown) }; // V2
  }
};

const decideLocked = async (
  options: DecideOptions,
  id: EntityId,
  decision: Decision,
  signal: AbortSignal,
): Promise<Decided> => {
  await using _lock = await lock(options.home, id, signal);
  const view = await readAwaiting(options.home, id); // V1
  const { round, rounds } = roundOf(view);
  const isDoneAgain = decision.kind === 'reject' && decision.isFinal !== true && round < rounds;
  if (isDoneAgain && !(await isDispatched(options.home, id))) specOf(options.home, id); // told before anything is written
  return await writeDecision(options, view, id, decision); // awaited here: the lock is held until then
};

/** Owns what becomes of a job that was rejected by somebody who died before its next attempt was started (V2). For whoever looks at reviews, and for Alpha. */
import { hostname } from 'node:os';
import { readEntity } from '../../bus/query/entities.ts';
import type { EntityReview } from '../../bus/query/entity-view.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
import { startTicksOf } from '../../failopen/process-identity.ts';
import type { EntityId } from '../../model/id.ts';
import { tryLockEntity } from '../../pod/claim-entity.ts';
import { readRecords } from '../../pod/registry/record-file.ts';
import { latestOfEach } from '../../pod/registry/resolve-pod.ts';
import { type DecideOptions, goOn } from './decide-review.ts';

const START_BUDGET_MS = 60_000;

const isFree = async ({ home }: DecideOptions, id: EntityId): Promise<boolean> => {
  const held = await tryLockEntity(home, id);
  await held?.[Symbol.asyncDispose]();
  return held !== undefined;
};

/** Whoever decided may still come to start it. */
const isBeingDone = ({ decidedAt = '', decider }: EntityReview, graceMs: number): boolean => {
  if (Date.now() - Date.parse(decidedAt) >= graceMs) return false;
  return decider?.host !== hostname() || startTicksOf(decider.pid) !== '';
};

export interface FinishOptions {
  /** What was decided so short ago is left to who decided it, while that may live. */
  readonly graceMs?: number;
  /** Sessions that need not be looked at again, for who looks often: what followed them was started, or is over. */
  readonly seenTo?: Set<string>;
}

/**
 * Starts what was rejected and not started again; those that were. Best effort: where two do it at once, the entity's lock
 * lets one of them.
 */
export const finishRejected = async (
  options: DecideOptions,
  { graceMs = 30_000, seenTo = new Set() }: FinishOptions = {},
): Promise<readonly EntityId[]> => {
  const { home } = options;
  const started: EntityId[] = [];
  for (const { entity, session, end } of latestOfEach(readRecords(home.runDir))) {
    if (end?.outcome !== 'rejected' || seenTo.has(session)) continue;
    const outcome = await bestEffort('review.again', { withinMs: START_BUDGET_MS }, async (signal) => {
      const view = await readEntity(home.busDir, entity, signal);
      const { review, state } = view ?? {};
      if (view === undefined || state !== 'in_progress' || review?.decision !== 'rejected') {
        seenTo.add(session);
        return;
      }
      if (isBeingDone(review, graceMs) || !(await isFree(options, entity))) return;
      await goOn(options, entity, { round: review.round, reason: review.why ?? '' }, signal);
      started.push(entity);
      seenTo.add(session);
    });
    if (outcome.kind === 'failed') continue; // its remedy is nika pod restart, which says why
  }
  return started;
};

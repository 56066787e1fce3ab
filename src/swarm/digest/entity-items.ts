/** Owns what the bus says of a job for a digest: of those that ended, and of open ones that no pod tells of. */
import { isPersonsTurn } from '../../model/message.ts';
import type { EndedEntity, OpenEntity } from '../state/swarm-entity.ts';
import { wordOf } from '../state/clause.ts';
import { type DigestItem, overdueText, roughly, type Section, usd } from './digest-item.ts';
import { waitWord } from './pod-items.ts';

const NAME_CHARS = 110;
const HOST_CHARS = 40;

const ENDED_SECTION = { failed: 'failed', completed: 'finished', cancelled: 'cancelled' } as const;

const present = (facts: readonly (string | undefined)[]): readonly string[] =>
  facts.filter((fact): fact is string => fact !== undefined && fact !== '');

export const itemOfEnded = (entity: EndedEntity, nowMs: number): DigestItem => {
  const { id, job, parent, state, startedAt, endedAt, attempts, clause, costUsd } = entity;
  const tookMs = startedAt === undefined ? 0 : Date.parse(endedAt) - Date.parse(startedAt);
  return {
    section: ENDED_SECTION[state],
    id,
    job,
    parent,
    rank: 0,
    at: endedAt,
    facts: present([
      `${roughly(nowMs - Date.parse(endedAt))} ago`,
      tookMs >= 1_000 ? `took ${roughly(tookMs)}` : '',
      attempts > 1 ? `${attempts} attempts` : '',
      costUsd === 0 ? '' : usd(costUsd),
    ]),
    clause,
    isNew: true,
    costUsd,
  };
};

interface Told {
  readonly section: Section;
  readonly at: string;
  readonly facts: readonly (string | undefined)[];
  readonly clause?: string | undefined;
  readonly rank?: number;
}

type Ago = (iso: string) => string;

const ofReview = ({ review, view }: OpenEntity, ago: Ago): Told => ({
  section: 'waits',
  at: review?.since ?? view.lastAt,
  facts: [
    `review for ${ago(review?.since ?? view.lastAt)}`,
    review !== undefined && review.round > 1 ? `round ${review.round}` : '',
    review?.reviewer === undefined ? '' : `asked of ${wordOf(review.reviewer, NAME_CHARS)}`,
  ],
  clause: review?.reason,
});

const ofQueued = ({ dispatch, failed, view }: OpenEntity, ago: Ago, nowMs: number): Told => {
  const since = failed?.at ?? view.createdAt ?? view.lastAt;
  const { deadline, not_before: notBefore, capability = 'default', priority = 0 } = dispatch ?? {};
  const overdue = overdueText(deadline, nowMs);
  const waitMs = notBefore === undefined ? -1 : Date.parse(notBefore) - nowMs;
  return {
    section: 'queued',
    at: since,
    rank: overdue === '' ? 10 - priority : 0,
    facts: [
      overdue,
      waitMs > 0
        ? `not before ${roughly(waitMs)} from now`
        : `${dispatch === undefined ? 'created' : 'queued'} ${ago(since)} ago`,
      capability === 'default' ? '' : `needs ${capability}`,
      priority === 0 ? '' : `priority ${priority}`,
      failed === undefined ? '' : `${failed.attemptsLeft} ${failed.attemptsLeft === 1 ? 'attempt' : 'attempts'} left`,
    ],
    clause: failed?.error,
  };
};

const ofGone = ({ silent, failed, view }: OpenEntity, ago: Ago): Told => {
  const left = failed === undefined || failed.attemptsLeft === 0 ? '' : `${failed.attemptsLeft} left: nika pod restart`;
  const since = silent?.since ?? view.lastAt;
  const what = silent?.kind ?? 'no pod of it is known';
  return { section: 'silent', at: since, facts: [`${what}, heard of ${ago(since)} ago`, left], clause: failed?.error };
};

const isElsewhere = ({ view }: OpenEntity, host: string): boolean => {
  const session = view.sessions.at(-1);
  return session?.host !== undefined && session.host !== host && session.endedAt === undefined;
};

const ofElsewhere = ({ view, waitDetail, failed, dispatch }: OpenEntity, ago: Ago, nowMs: number): Told => {
  const wait = view.waits?.[0];
  const isPersons = wait !== undefined && (wait.reason === undefined || isPersonsTurn(wait.reason));
  const since = wait?.since ?? view.startedAt ?? view.lastAt;
  return {
    section: isPersons ? 'waits' : 'runs',
    at: since,
    rank: 1,
    facts: [
      wait === undefined ? ago(since) : `${waitWord(wait.reason)} for ${ago(since)}`,
      view.attempts > 1 ? `attempt ${view.attempts}` : '',
      overdueText(dispatch?.deadline, nowMs),
      `on ${wordOf(view.sessions.at(-1)?.host ?? '?', HOST_CHARS)}`,
    ],
    clause: wait === undefined ? failed?.error : waitDetail,
  };
};

const told = (entity: OpenEntity, { host, nowMs }: OpenOptions): Told => {
  const ago: Ago = (iso) => roughly(nowMs - Date.parse(iso));
  const { view, silent, dispatch, failed } = entity;
  if (view.state === 'awaiting_review') return ofReview(entity, ago);
  if (view.state === 'created') return ofQueued(entity, ago, nowMs);
  if (silent === undefined && isElsewhere(entity, host)) return ofElsewhere(entity, ago, nowMs);
  const isTriedAgain = dispatch !== undefined && failed !== undefined && failed.attemptsLeft > 0;
  return isTriedAgain ? ofQueued(entity, ago, nowMs) : ofGone(entity, ago);
};

export interface OpenOptions {
  readonly host: string;
  readonly nowMs: number;
  readonly isNew: boolean;
}

/** Of one that no living pod tells of. */
export const itemOfOpen = (entity: OpenEntity, options: OpenOptions): DigestItem => {
  const { view } = entity;
  const { section, at, facts, clause = '', rank = 1 } = told(entity, options);
  return {
    section,
    id: view.id,
    job: view.job ?? view.name ?? '',
    parent: view.parent,
    rank,
    at,
    facts: present(facts),
    clause,
    isNew: options.isNew,
    costUsd: 0,
  };
};

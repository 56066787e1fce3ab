/**
 * Owns what the swarm's state keeps of one JOB: while it is open, its view and what a reader of many must know besides;
 * once it is over, a few short fields.
 */
import type { BusLine } from '../../bus/line.ts';
import { applyLine, createEntityView, type EntityView } from '../../bus/query/entity-view.ts';
import { type Dispatch, dispatchSchema } from '../../model/dispatch.ts';
import { isTerminal } from '../../model/entity.ts';
import { clauseOf } from './clause.ts';

export interface OpenEntity {
  readonly view: EntityView;
  /** It was given to the swarm. */
  dispatch?: Dispatch;
  /** It is to be judged. */
  review?: { readonly round: number; readonly reviewer?: string; readonly reason?: string; readonly since: string };
  /** Its last attempt failed, and what is left. */
  failed?: { readonly error: string; readonly attemptsLeft: number; readonly at: string };
  /** What others say of its pod; `pod_back` ends it. */
  silent?: { readonly kind: 'stale' | 'lost'; readonly since: string };
  /** What its newest wait is about. */
  waitDetail?: string;
}

export type EndState = 'completed' | 'failed' | 'cancelled';

export interface EndedEntity {
  readonly id: string;
  readonly type: 'PROJ' | 'JOB';
  readonly parent?: string;
  readonly root?: string;
  readonly job: string;
  readonly state: EndState;
  readonly startedAt?: string;
  readonly endedAt: string;
  readonly attempts: number;
  /** Why it failed or was cancelled, or what it came to, in a clause. */
  readonly clause: string;
  /** As its sessions told. */
  costUsd: number;
  calls: number;
}

const CLAUSE_CHARS = 240;

type Fields = Readonly<Record<string, unknown>>;
const textIn = (fields: Fields, key: string): string | undefined => {
  const value = fields[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
};
const numberIn = (fields: Fields, key: string, otherwise: number): number => {
  const value = fields[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
};

export const createOpenEntity = (id: string, ts: string): OpenEntity => ({ view: createEntityView(id, ts) });

const clipped = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : clauseOf(text, CLAUSE_CHARS);

const applyReview = (entity: OpenEntity, { data, ts }: BusLine): void => {
  const [reviewer, reason] = [textIn(data, 'reviewer'), clipped(textIn(data, 'reason') ?? textIn(data, 'summary'))];
  entity.review = {
    round: numberIn(data, 'round', 1),
    since: ts,
    ...(reviewer === undefined ? {} : { reviewer }),
    ...(reason === undefined ? {} : { reason }),
  };
};

const applyCondition = (entity: OpenEntity, { data, ts }: BusLine): void => {
  const { condition } = data;
  if (condition === 'pod_stale') entity.silent = { kind: 'stale', since: ts };
  else if (condition === 'pod_lost') entity.silent = { kind: 'lost', since: ts };
  else if (condition === 'pod_back') delete entity.silent;
  else if (condition === 'pod_waiting') {
    const detail = clipped(textIn(data, 'detail'));
    if (detail === undefined) delete entity.waitDetail;
    else entity.waitDetail = detail;
  }
};

/** Bodies of open entities may be long, and nobody asks for them here. */
const dropBodies = (view: EntityView): void => {
  delete view.result;
  if (view.summary !== undefined) view.summary = clauseOf(view.summary, CLAUSE_CHARS);
};

/** Takes in one more line of an entity that is not over. */
export const applyToOpen = (entity: OpenEntity, line: BusLine): void => {
  const { type, data, ts } = line;
  applyLine(entity.view, line);
  if (isTerminal(entity.view.state)) return;
  dropBodies(entity.view);
  if (type === 'entity_created') {
    const dispatch = dispatchSchema.safeParse(data['dispatch']);
    if (dispatch.success) {
      const { inputs: _inputs, ...rest } = dispatch.data;
      entity.dispatch = rest;
    }
  } else if (type === 'review_request') applyReview(entity, line);
  else if (type === 'review_decision') delete entity.review;
  else if (type === 'condition') applyCondition(entity, line);
  else if (type === 'attempt_failed')
    entity.failed = {
      error: clauseOf(data['error'], CLAUSE_CHARS),
      attemptsLeft: numberIn(data, 'attempts_left', 0),
      at: ts,
    };
  else if (type === 'session_start') delete entity.silent;
};

const spentOf = ({ sessions }: EntityView): { costUsd: number; calls: number } => ({
  costUsd: sessions.reduce((sum, { used }) => sum + (used?.costUsd ?? 0), 0),
  calls: sessions.reduce((sum, { calls }) => sum + (calls ?? 0), 0),
});

/** What stays of an entity whose terminal line was just taken in. */
export const endedOf = ({ view }: OpenEntity): EndedEntity => {
  const state = view.state === 'completed' || view.state === 'cancelled' ? view.state : 'failed';
  const told = state === 'completed' ? clauseOf(view.result, CLAUSE_CHARS) || view.summary : view.error;
  return {
    id: view.id,
    type: view.type === 'PROJ' ? 'PROJ' : 'JOB',
    ...(view.parent === undefined ? {} : { parent: view.parent }),
    ...(view.root === undefined ? {} : { root: view.root }),
    job: view.job ?? view.name ?? '',
    state,
    ...(view.startedAt === undefined ? {} : { startedAt: view.startedAt }),
    endedAt: view.endedAt ?? view.lastAt,
    attempts: view.attempts,
    clause: clauseOf(told, CLAUSE_CHARS),
    ...spentOf(view),
  };
};

/**
 * Owns what the bus says of one entity: its state, told line by line.
 *
 * E1. The first terminal line stands; later ones are superseded and counted.
 */
import { z } from 'zod';
import { ENTITY_STATES, type EntityState, isTerminal, transitionOfBusType } from '../../model/entity.ts';
import { isImported, isOfSwarmMeta } from '../../model/envelope.ts';
import { ENTITY_TYPES, type EntityType } from '../../model/id.ts';
import { WAIT_REASONS, type WaitReason } from '../../model/message.ts';
import { type SessionWork, workSchema } from '../../model/session-digest.ts';
import { totalTokens, usageSchema } from '../../model/usage.ts';
import type { BusLine } from '../line.ts';

/** One run of a pod, as far as its lines tell. Times as they stand on the bus. */
export interface SessionView {
  readonly id: string;
  attempt: number;
  host?: string;
  pid?: number;
  kind?: string;
  cwd?: string;
  version?: string;
  startedAt?: string;
  endedAt?: string;
  /** How it ended; absent: it runs, or died. */
  outcome?: string;
  exitCode?: number;
  durationMs?: number;
  pausedMs?: number;
  calls?: number;
  errors?: number;
  /** What its agents used: tokens, what they cost, and tokens of which nobody knows that. */
  used?: { readonly tokens: number; readonly costUsd: number; readonly unpricedTokens: number };
  /** What was dropped, cut or delayed, by name (G3). */
  dropped?: Readonly<Record<string, number>>;
}

/** A pod that waits. */
export interface EntityWait {
  /** `undefined`: it does not say, or in a word of a later version. */
  readonly reason?: WaitReason;
  /** As on the bus. */
  readonly since: string;
  /** What its end is known by. */
  readonly key: string;
}

/** A review that was asked for, and what came of it. Times as on the bus. */
export interface EntityReview {
  /** From 1; of how many. */
  readonly round: number;
  rounds?: number;
  /** The pod that is asked; absent: people. */
  reviewer?: string;
  reason?: string;
  readonly askedAt: string;
  /** Of what is to be judged. */
  durationMs?: number;
  /** What the session did that asked. */
  work?: SessionWork;
  /** Absent: nobody has decided. */
  decision?: string;
  decidedBy?: string;
  decidedAt?: string;
  /** The process that wrote it. */
  decider?: { readonly host: string; readonly pid: number };
  why?: string;
}

export interface EntityView {
  readonly id: string;
  readonly type: EntityType;
  parent?: string;
  root?: string;
  name?: string;
  job?: string;
  domain?: string;
  intent?: string;
  agent?: string;
  /** It was read from an agent's history, after the fact. */
  isImported?: true;
  /** `undefined`: no transition of it was found. */
  state?: EntityState;
  rev: number;
  attempts: number;
  createdAt?: string;
  startedAt?: string;
  endedAt?: string;
  /** Of its newest line that was read. */
  lastAt: string;
  /** Tool calls that were read; of the alpha bus alone they are not known. */
  callsRead: number;
  errorsRead: number;
  summary?: string;
  /** Why it failed or was cancelled. */
  error?: string;
  /** Any JSON; a blob reference where it was long. */
  result?: unknown;
  sessions: SessionView[];
  /** The newest round. */
  review?: EntityReview;
  /** What its pod does not go on for, the oldest first; absent: nothing. */
  waits?: readonly EntityWait[];
  /** Terminal lines after the first (E1). */
  supersededCount: number;
}

type Fields = Readonly<Record<string, unknown>>;

const textOf = (fields: Fields, key: string): string | undefined => {
  const value = fields[key];
  return typeof value === 'string' ? value : undefined;
};

const numberOf = (fields: Fields, key: string): number | undefined => {
  const value = fields[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
};

const countsOf = (fields: Fields, key: string): Record<string, number> => {
  const value = fields[key];
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, number] => typeof entry[1] === 'number' && entry[1] > 0),
  );
};

const usedIn = (fields: Fields): SessionView['used'] => {
  const lines = z.array(usageSchema).safeParse(fields['usage']).data;
  if (lines === undefined) return undefined;
  const used = { tokens: 0, costUsd: 0, unpricedTokens: 0 };
  for (const usage of lines) {
    const tokens = totalTokens(usage);
    used.tokens += tokens;
    used.costUsd += usage.cost_usd ?? 0;
    if (usage.cost_usd === null) used.unpricedTokens += tokens;
  }
  return used;
};

/** Sets what is there; what is not leaves the field as it is. */
const put = <T extends object, K extends keyof T>(target: T, key: K, value: T[K] | undefined): void => {
  if (value !== undefined) target[key] = value;
};

/** Of what a line tells: a SUB's lines stand in the channel of its TASK or JOB. */
export const subjectOf = ({ entity, meta }: BusLine): string => textOf(meta, 'entity_id') ?? entity;

const typeOf = (id: string): EntityType => ENTITY_TYPES.find((type) => id.startsWith(`${type}-`)) ?? 'JOB';

/** An entity of which nothing is known but its id and that it was there at `ts`. */
export const createEntityView = (id: string, ts: string): EntityView => ({
  id,
  type: typeOf(id),
  rev: 0,
  attempts: 0,
  lastAt: ts,
  callsRead: 0,
  errorsRead: 0,
  sessions: [],
  supersededCount: 0,
});

const stateOf = (line: BusLine): EntityState | undefined => {
  const transition = transitionOfBusType(line.type);
  if (line.type === 'review_decision' && line.data['to'] === 'awaiting_review') return undefined; // the end follows
  if (transition === undefined) return undefined;
  return ENTITY_STATES.find((state) => state === line.data['to']) ?? transition.to;
};

/** Whether the line is a terminal transition that comes too late (E1). */
export const isSuperseded = (view: EntityView, line: BusLine): boolean =>
  isTerminal(view.state) && stateOf(line) !== undefined;

const applyRequest = (view: EntityView, { ts, data }: BusLine): void => {
  const review: EntityReview = { round: numberOf(data, 'round') ?? (view.review?.round ?? 0) + 1, askedAt: ts };
  put(review, 'rounds', numberOf(data, 'rounds'));
  put(review, 'reviewer', textOf(data, 'reviewer'));
  put(review, 'reason', textOf(data, 'reason'));
  put(review, 'durationMs', numberOf(data, 'duration_ms'));
  put(review, 'work', workSchema.safeParse(data['work']).data);
  view.review = review;
  delete view.waits;
  put(view, 'result', data['result']);
};

const applyDecision = ({ review }: EntityView, { ts, data, meta }: BusLine): void => {
  if (review === undefined) return;
  review.decidedAt = ts;
  review.decider = { host: textOf(meta, 'host') ?? '', pid: numberOf(meta, 'pid') ?? 0 };
  put(review, 'decision', textOf(data, 'decision'));
  put(review, 'decidedBy', textOf(data, 'by'));
  put(review, 'why', textOf(data, 'reason'));
};

const applyTransition = (view: EntityView, line: BusLine, to: EntityState): void => {
  const { ts, data } = line;
  if (isTerminal(view.state)) {
    if (isTerminal(to)) view.supersededCount += 1; // E1
    return;
  }
  view.state = to;
  view.rev = Math.max(view.rev + 1, numberOf(data, 'rev') ?? 0);
  if (to === 'created') {
    view.createdAt = ts;
    put(view, 'name', textOf(data, 'name'));
  }
  if (to === 'in_progress') view.startedAt ??= ts;
  put(view, 'summary', textOf(data, 'summary'));
  if (to === 'awaiting_review') applyRequest(view, line);
  if (!isTerminal(to)) return;
  view.endedAt = ts;
  delete view.waits;
  put(view, 'result', data['result']);
  put(view, 'error', textOf(data, 'error') ?? textOf(data, 'reason'));
};

const sessionOf = (view: EntityView, { meta, ts }: BusLine): SessionView => {
  const id = textOf(meta, 'session_id') ?? '';
  const known = view.sessions.find((session) => session.id === id);
  if (known !== undefined) return known;
  const session: SessionView = { id, attempt: numberOf(meta, 'attempt') ?? 1, startedAt: ts };
  put(session, 'host', textOf(meta, 'host'));
  put(session, 'pid', numberOf(meta, 'pid'));
  view.sessions.push(session);
  return session;
};

const applySession = (view: EntityView, line: BusLine): void => {
  const { type, data, ts } = line;
  delete view.waits; // of a pod that is gone
  const session = sessionOf(view, line);
  if (type === 'session_start') {
    session.startedAt = ts;
    put(session, 'kind', textOf(data, 'kind'));
    put(session, 'cwd', textOf(data, 'cwd'));
    put(session, 'version', textOf(data, 'version'));
    return;
  }
  session.endedAt = ts;
  put(session, 'outcome', textOf(data, 'outcome'));
  put(session, 'exitCode', numberOf(data, 'exit_code'));
  put(session, 'durationMs', numberOf(data, 'duration_ms'));
  put(session, 'pausedMs', numberOf(data, 'paused_ms'));
  put(session, 'calls', numberOf(data, 'calls'));
  put(session, 'errors', numberOf(data, 'errors'));
  put(session, 'used', usedIn(data));
  session.dropped = countsOf(data, 'dropped');
};

const applyCondition = (view: EntityView, { data, ts }: BusLine): void => {
  const { condition, reason: said } = data;
  if (condition !== 'pod_waiting' && condition !== 'pod_back') return;
  const key = `${textOf(data, 'tool_use_id') ?? ''} ${String(said)}`;
  const known = view.waits?.find((wait) => wait.key === key);
  if (condition === 'pod_waiting') {
    if (known !== undefined || isTerminal(view.state)) return;
    const reason = WAIT_REASONS.find((one) => one === said);
    view.waits = [...(view.waits ?? []), { ...(reason === undefined ? {} : { reason }), since: ts, key }];
  } else setWaits(view, view.waits?.filter((wait) => wait !== known) ?? []);
};

const setWaits = (view: EntityView, waits: readonly EntityWait[]): void => {
  if (waits.length === 0) delete view.waits;
  else view.waits = waits;
};

/** Alpha, a worker, a command: its JOB is no work, and has no transitions. */
export const isOfSwarm = (view: EntityView): boolean =>
  view.state === undefined &&
  (isOfSwarmMeta(view) || view.sessions.some(({ kind }) => kind === 'alpha' || kind === 'worker'));

/** Takes in one more line of the entity, in the order of its file. */
export const applyLine = (view: EntityView, line: BusLine): void => {
  const { type, meta, data, ts } = line;
  if (ts > view.lastAt) view.lastAt = ts;
  put(view, 'parent', textOf(meta, 'parent_id'));
  put(view, 'root', textOf(meta, 'root_id'));
  put(view, 'job', textOf(meta, 'job'));
  put(view, 'domain', textOf(meta, 'domain'));
  put(view, 'intent', textOf(meta, 'intent'));
  put(view, 'agent', textOf(meta, 'agent'));
  if (isImported(meta)) view.isImported = true;
  view.attempts = Math.max(view.attempts, numberOf(meta, 'attempt') ?? 1);
  if (type === 'review_decision' && !isTerminal(view.state)) applyDecision(view, line);
  const to = stateOf(line);
  if (to !== undefined) applyTransition(view, line, to);
  else if (type === 'session_start' || type === 'session_end_summary') applySession(view, line);
  else if (type === 'condition') applyCondition(view, line);
  else if (type === 'tool_call') {
    view.callsRead += 1;
    if (data['ok'] === false) view.errorsRead += 1;
  }
};

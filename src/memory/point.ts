/**
 * Owns what a line of the bus is in memory: the payload of a point, made from that line alone, so that whoever reads the
 * bus, now or in a year, makes the same (design, section 7).
 *
 * P1. Remembered are significant transitions and the ends of sessions; not those of Alpha, of workers and of commands of
 *     the swarm, which are no work.
 * P2. `standing` is true here. Who knows the other lines of the entity clears it: of an entity the first terminal line
 *     stands, and its `created` only as long as there is none; of a session the first end.
 */
import type { BusLine } from '../bus/line.ts';
import { isTerminal, transitionOfBusType } from '../model/entity.ts';
import { isOfSwarmMeta } from '../model/envelope.ts';
import { kindOfEntity, MEMORY_SCHEMA, type MemoryKind } from '../model/memory.ts';
import { cutText, documentOf } from './document.ts';

export interface MemoryPayload {
  readonly schema: number;
  /** What it is the last state of. */
  readonly kind: MemoryKind;
  readonly standing: boolean;
  /** Type of the line. */
  readonly type: string;
  /** As on the feed; `ended`: a session. */
  readonly event: string;
  readonly status: string;
  /** As on the bus: ISO 8601, UTC. */
  readonly ts: string;
  /** The first ten characters of it. */
  readonly day: string;
  /** A line for people; may be empty. */
  readonly summary: string;
  /** What it is found by; may be empty. */
  readonly text: string;
  readonly error?: string;
  readonly duration_ms?: number;
  readonly cost_usd?: number;
  readonly tokens?: number;
  readonly calls?: number;
  readonly errors?: number;
  readonly tools?: readonly string[];
  readonly models?: readonly string[];
  readonly files?: readonly string[];
  /** The envelope, complete, as it stands on the line. */
  readonly entity_id: string;
  readonly session_id: string;
  readonly root_id?: string;
  readonly parent_id?: string;
  readonly job?: string;
  readonly domain?: string;
  readonly intent?: string;
  readonly agent?: string;
  readonly role?: string;
  readonly host?: string;
  readonly tags?: readonly string[];
  readonly [ofTheEnvelope: string]: unknown;
}

export interface MemoryPoint {
  /** Of the line: a UUID. */
  readonly id: string;
  readonly payload: MemoryPayload;
}

/** The types of lines that may be remembered. */
export const MEMORY_TYPES = [
  'entity_created',
  'job_completed',
  'job_failed',
  'job_cancelled',
  'session_end_summary',
] as const;

type Fields = Readonly<Record<string, unknown>>;

const textOf = (fields: Fields, key: string): string | undefined => {
  const value = fields[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

const numberOf = (fields: Fields, key: string): number | undefined => {
  const value = fields[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
};

const textsOf = (value: unknown): readonly string[] | undefined => {
  const texts = Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
  return texts.length === 0 ? undefined : texts;
};

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

/** What is there, of what may not be. */
const present = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

interface Used {
  tokens: number | undefined;
  cost_usd: number | undefined;
  models: readonly string[] | undefined;
}

/** The sum over the models of a session. */
const usedOf = (usage: unknown): Used => {
  const used: Used = { tokens: undefined, cost_usd: undefined, models: undefined };
  const models: string[] = [];
  for (const one of Array.isArray(usage) ? usage.map(fieldsOf) : []) {
    for (const key of ['input_tokens', 'cache_read_tokens', 'cache_write_tokens', 'output_tokens'])
      used.tokens = (used.tokens ?? 0) + (numberOf(one, key) ?? 0);
    const cost = numberOf(one, 'cost_usd');
    if (cost !== undefined) used.cost_usd = (used.cost_usd ?? 0) + cost;
    const model = textOf(one, 'model');
    if (model !== undefined) models.push(model);
  }
  return { ...used, models: textsOf(models) };
};

const byCalls = (counts: Fields): readonly string[] | undefined =>
  textsOf(
    Object.entries(counts)
      .toSorted(([a, x], [b, y]) => Number(y) - Number(x) || (a < b ? -1 : 1))
      .map(([tool]) => tool),
  );

/** What was done, as a session's end has it, or the end of an entity. */
const workOf = ({ type, data }: BusLine) => {
  if (type === 'session_end_summary') {
    return present({
      ...usedOf(data['usage']),
      calls: numberOf(data, 'calls'),
      errors: numberOf(data, 'errors'),
      tools: byCalls(fieldsOf(data['calls_by_tool'])),
      files: textsOf(fieldsOf(data['digest'])['files']),
    });
  }
  const work = fieldsOf(data['work']);
  return present({
    tokens: numberOf(work, 'tokens'),
    cost_usd: numberOf(work, 'cost_usd'),
    calls: numberOf(work, 'calls'),
    errors: numberOf(work, 'errors'),
    tools: textsOf(work['tools']),
    models: textsOf(work['models']),
  });
};

const isRemembered = ({ type, entity, meta }: BusLine): boolean => {
  if (type === 'session_end_summary') return true;
  const to = transitionOfBusType(type)?.to;
  return isTerminal(to) || (to === 'created' && meta['root_id'] === (meta['entity_id'] ?? entity));
};

const SUMMARY_CHARS = 300;

/** The point of a line; `undefined`: it is not remembered (P1). Never throws. */
export const pointOf = (line: BusLine): MemoryPoint | undefined => {
  const { id, ts, type, entity, meta, data } = line;
  if (!MEMORY_TYPES.some((one) => one === type) || isOfSwarmMeta(meta) || !isRemembered(line)) return undefined;
  const of = textOf(meta, 'entity_id') ?? entity;
  const isSession = type === 'session_end_summary';
  const transition = transitionOfBusType(type);
  const { summary, text } = documentOf(line);
  const error = textOf(data, 'error') ?? textOf(data, 'reason');
  const payload: MemoryPayload = {
    ...meta,
    schema: MEMORY_SCHEMA,
    kind: isSession ? 'session' : kindOfEntity(of),
    standing: true,
    type,
    event: isSession ? 'ended' : (transition?.event ?? type),
    status: isSession ? (textOf(data, 'outcome') ?? 'lost') : (transition?.to ?? ''),
    ts,
    day: ts.slice(0, 10),
    summary: cutText(summary, SUMMARY_CHARS),
    text,
    ...present({
      error: error === undefined ? undefined : cutText(error, SUMMARY_CHARS),
      duration_ms: numberOf(data, 'duration_ms'),
    }),
    ...workOf(line),
    entity_id: of,
    session_id: textOf(meta, 'session_id') ?? '',
  };
  return { id, payload };
};

/** Owns whether a point is one of those asked for. What Qdrant is asked must mean the same: a test holds both together. */
import type { MemoryFilter, MemoryGroup } from '../model/memory.ts';
import type { MemoryPayload } from './point.ts';

/** The field of a payload that each condition looks at. */
export const FIELD_OF = {
  kind: 'kind',
  status: 'status',
  domain: 'domain',
  intent: 'intent',
  job: 'job',
  agent: 'agent',
  model: 'models',
  tool: 'tools',
  host: 'host',
  role: 'role',
  tag: 'tags',
  entity: 'entity_id',
  session: 'session_id',
  root: 'root_id',
  parent: 'parent_id',
  day: 'day',
} as const satisfies Record<MemoryGroup | Exclude<keyof MemoryFilter, 'fromMs' | 'untilMs'>, string>;

type Condition = Exclude<keyof typeof FIELD_OF, 'day'>;
const CONDITIONS = (Object.keys(FIELD_OF) as (keyof typeof FIELD_OF)[]).filter(
  (name): name is Condition => name !== 'day',
);

/** Years of four digits: Qdrant reads no others, and the bus has no others. */
const FIRST_MS = Date.parse('0001-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** As a time stands on the bus. Those are whole milliseconds, so a part of one is none. */
export const isoOf = (ms: number): string =>
  new Date(Math.min(LAST_MS, Math.max(FIRST_MS, Math.ceil(ms)))).toISOString();

export interface KeywordCondition {
  readonly field: string;
  /** Any of them. */
  readonly values: readonly string[];
}

/** The conditions that want one of some words; times apart. */
export const keywordsOf = (filter: MemoryFilter): readonly KeywordCondition[] =>
  CONDITIONS.flatMap((name) => {
    const values = filter[name];
    return values === undefined ? [] : [{ field: FIELD_OF[name], values }];
  });

/** The values of a field; none: it has none. */
export const valuesIn = (payload: MemoryPayload, field: string): readonly string[] => {
  const value = payload[field];
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
};

export type PointFilter = (payload: MemoryPayload) => boolean;

/** Whether all holds; `standing` is for the caller. Times as on the bus order as texts. */
export const createPointFilter = (filter: MemoryFilter): PointFilter => {
  const wanted = keywordsOf(filter).map(({ field, values }) => ({ field, values: new Set(values) }));
  const { fromMs = -Infinity, untilMs = Infinity } = filter;
  return (payload) => {
    const atMs = Date.parse(payload.ts);
    if (!(atMs >= fromMs && atMs < untilMs)) return false;
    return wanted.every(({ field, values }) => valuesIn(payload, field).some((value) => values.has(value)));
  };
};

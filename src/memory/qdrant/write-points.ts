/** Owns how points are written: with their sparse vectors, and with what a batch changes of points that are there. */
import { z } from 'zod';
import type { SparseVector } from '../encode/sparse-vector.ts';
import type { MemoryPoint } from '../point.ts';
import type { LinkOutcome } from './link-failure.ts';
import { anyOf, isTrue, type QdrantFilter } from './qdrant-filter.ts';
import { type EncodedPoint, pointStruct, requestsOf } from './point-requests.ts';
import type { QdrantLink } from './qdrant-link.ts';
import { settleEntities } from './settle-standing.ts';
import { type Asked, askedOf, CREATED_EVENT, decideStanding, standingKey, TERMINAL_EVENTS } from './standing.ts';

export type DocumentEncoder = (text: string) => SparseVector;

export interface WriteTerms {
  readonly encode: DocumentEncoder;
  readonly withinMs: number;
}

const standsSchema = z.object({
  points: z.array(
    z.object({
      id: z.string(),
      payload: z.object({ kind: z.string(), entity_id: z.string(), session_id: z.string() }),
    }),
  ),
  next_page_offset: z.unknown(),
});

/** What stands already of those, by indexed fields alone. */
const standingFilter = ({ entities, sessions }: Asked): QdrantFilter => ({
  must: [isTrue('standing')],
  should: [
    ...(entities.length === 0 ? [] : [{ must: [anyOf('entity_id', entities), anyOf('event', TERMINAL_EVENTS)] }]),
    ...(sessions.length === 0 ? [] : [{ must: [anyOf('session_id', sessions), anyOf('kind', ['session'])] }]),
  ],
});

/** Of each at most one stands; more of them only where two wrote at once. */
const MORE = 2;

/** Ids of the points that stand, by what they are the last word of. */
const readStanding = async (
  link: QdrantLink,
  asked: Asked,
  { withinMs }: WriteTerms,
  signal: AbortSignal,
): Promise<LinkOutcome<ReadonlyMap<string, string>>> => {
  const limit = MORE * (asked.entities.length + asked.sessions.length);
  if (limit === 0) return { kind: 'done', value: new Map() };
  const given = {
    collection_name: link.collection,
    filter: standingFilter(asked),
    limit,
    with_payload: ['kind', 'entity_id', 'session_id'],
    with_vector: false,
  };
  const terms = { schema: standsSchema, withinMs };
  const outcome = await link.call((api, init) => api.scrollPoints(given, init), terms, signal);
  if (outcome.kind !== 'done') return outcome;
  const { points } = outcome.value;
  return { kind: 'done', value: new Map(points.toReversed().map(({ id, payload }) => [standingKey(payload), id])) };
};

const updatesSchema = z.array(z.object({ status: z.string() }));
const NOTHING: LinkOutcome<undefined> = { kind: 'done', value: undefined };

/** Their `created` stands no more. */
const clearings = (over: readonly string[]) => {
  const filter: QdrantFilter = {
    must: [isTrue('standing'), anyOf('event', [CREATED_EVENT]), anyOf('entity_id', over)],
  };
  return over.length === 0 ? [] : [{ set_payload: { payload: { standing: false }, filter } }];
};

const mayBeTwice = ({ payload: { kind, standing } }: MemoryPoint): boolean => kind !== 'session' && standing;

const writeRequest = async (
  link: QdrantLink,
  some: readonly EncodedPoint[],
  terms: WriteTerms,
  signal: AbortSignal,
): Promise<LinkOutcome<undefined>> => {
  const points = some.map(({ point }) => point);
  const there = await readStanding(link, askedOf(points), terms, signal);
  if (there.kind !== 'done') return there;
  const decided = decideStanding(points, there.value);
  const structs = some.map(({ point, vector }, at) => pointStruct({ point: decided.points[at] ?? point, vector }));
  const operations = [{ upsert: { points: structs } }, ...clearings(decided.over)];
  const given = { collection_name: link.collection, wait: true, operations };
  const call = { schema: updatesSchema, withinMs: terms.withinMs };
  const outcome = await link.call((api, init) => api.batchUpdate(given, init), call, signal);
  if (outcome.kind !== 'done') return outcome;
  return settleEntities(link, askedOf(decided.points.filter(mayBeTwice)).entities, terms.withinMs, signal);
};

/** The whole rule; a repeat gives the same (S1). In one request: first the points, then what they end. */
export const writePoints = async (
  link: QdrantLink,
  points: readonly MemoryPoint[],
  terms: WriteTerms,
  signal: AbortSignal,
): Promise<LinkOutcome<undefined>> => {
  for (const some of requestsOf(points, terms.encode)) {
    const outcome = await writeRequest(link, some, terms, signal);
    if (outcome.kind !== 'done') return outcome;
  }
  return NOTHING;
};

/** As they are; nothing is asked. `wait`: until it is applied, and all before it. */
export const writeAsTheyAre = async (
  link: QdrantLink,
  points: readonly MemoryPoint[],
  { encode, withinMs, wait }: WriteTerms & { readonly wait: boolean },
  signal: AbortSignal,
): Promise<LinkOutcome<undefined>> => {
  const call = { schema: z.object({ status: z.string() }), withinMs };
  for (const some of requestsOf(points, encode)) {
    const given = { collection_name: link.collection, wait, points: some.map(pointStruct) };
    const outcome = await link.call((api, init) => api.upsertPoints(given, init), call, signal);
    if (outcome.kind !== 'done') return outcome;
  }
  return NOTHING;
};

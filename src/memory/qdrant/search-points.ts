/** Owns a search in Qdrant: by words, or by words and meaning fused; filters are kept inside of Qdrant. */
import { z } from 'zod';
import type { SparseVector } from '../encode/sparse-vector.ts';
import type { SearchHit } from '../memory-source.ts';
import type { MemoryPayload } from '../point.ts';
import { bestByEntity, mayChange } from './best-hits.ts';
import { DENSE, SPARSE } from './collection-shape.ts';
import type { LinkOutcome } from './link-failure.ts';
import type { QdrantFilter } from './qdrant-filter.ts';
import type { QdrantLink } from './qdrant-link.ts';

export interface PointQuestion {
  /** Empty: nothing is found by it. */
  readonly sparse: SparseVector;
  readonly dense?: readonly number[];
  readonly filter: QdrantFilter;
  /** Entities. */
  readonly limit: number;
  readonly withinMs: number;
}

/** Points of an entity that stand are mostly its end and its session: payloads are most of what a search takes. */
const POINTS_PER_ENTITY = 2;
const FIRST_COUNT = 12;
const STEP = 4;
/** Beyond that, what ties is left to Qdrant, and what has so many points to chance. */
const LAST_COUNT = 20_000;
/** Of more points the payloads, with their texts, are fetched of those that are shown alone. */
const WHOLE_COUNT = 150;

const isText = (value: unknown): value is string => typeof value === 'string';

/** That much of it is relied upon. */
export const isPayload = (value: unknown): value is MemoryPayload =>
  typeof value === 'object' &&
  value !== null &&
  ['entity_id', 'session_id', 'kind', 'status', 'ts', 'text', 'summary'].every((key) =>
    isText(Reflect.get(value, key)),
  );

const entityOnly = z.object({ entity_id: z.string() }) as unknown as z.ZodType<MemoryPayload>;
const wholePayload = z.custom<MemoryPayload>(isPayload);

const foundSchema = (payload: z.ZodType<MemoryPayload>) =>
  z.object({ points: z.array(z.object({ id: z.string(), score: z.number(), payload })) });

const sparseQuery = ({ indices, values }: SparseVector) => ({ indices: [...indices], values: [...values] });

/** Fused by reciprocal rank: both lists are filtered by themselves. */
const queryOf = ({ sparse, dense, filter }: PointQuestion, limit: number) => {
  const bySparse = { query: sparseQuery(sparse), using: SPARSE, filter, limit };
  if (dense === undefined) return bySparse;
  const byDense = { query: [...dense], using: DENSE, filter, limit };
  const prefetch = sparse.indices.length === 0 ? [byDense] : [bySparse, byDense];
  return { prefetch, query: { fusion: 'rrf' as const }, limit };
};

const findPoints = (
  link: QdrantLink,
  question: PointQuestion,
  count: number,
  signal: AbortSignal,
): Promise<LinkOutcome<{ points: readonly SearchHit[] }>> => {
  const isWhole = count <= WHOLE_COUNT;
  const terms = { schema: foundSchema(isWhole ? wholePayload : entityOnly), withinMs: question.withinMs };
  const given = {
    collection_name: link.collection,
    ...queryOf(question, count),
    with_payload: isWhole ? true : ['entity_id'],
    with_vector: false,
  };
  return link.call((api, init) => api.queryPoints(given, init), terms, signal);
};

/** One that was taken out meanwhile is not shown. */
const completeHits = async (
  link: QdrantLink,
  hits: readonly SearchHit[],
  withinMs: number,
  signal: AbortSignal,
): Promise<LinkOutcome<readonly SearchHit[]>> => {
  const terms = { schema: z.array(z.object({ id: z.string(), payload: wholePayload })), withinMs };
  const given = { collection_name: link.collection, ids: hits.map(({ id }) => id), with_payload: true };
  const outcome = await link.call((api, init) => api.getPoints(given, init), terms, signal);
  if (outcome.kind !== 'done') return outcome;
  const payloads = new Map(outcome.value.map(({ id, payload }) => [id, payload]));
  const whole = hits.flatMap((hit) => {
    const payload = payloads.get(hit.id);
    return payload === undefined ? [] : [{ ...hit, payload }];
  });
  return { kind: 'done', value: whole };
};

/** Of each entity its best point, the best first; asks for more points until there are enough entities. */
export const searchPoints = async (
  link: QdrantLink,
  question: PointQuestion,
  signal: AbortSignal,
): Promise<LinkOutcome<readonly SearchHit[]>> => {
  const { sparse, dense, limit, withinMs } = question;
  if (sparse.indices.length === 0 && dense === undefined) return { kind: 'done', value: [] };
  for (let count = Math.max(FIRST_COUNT, limit * POINTS_PER_ENTITY + 2); ; count *= STEP) {
    const outcome = await findPoints(link, question, count, signal);
    if (outcome.kind !== 'done') return outcome;
    const { points } = outcome.value;
    if (points.length === count && count < LAST_COUNT && mayChange(points, limit)) continue;
    const hits = bestByEntity(points).slice(0, limit);
    return count <= WHOLE_COUNT ? { kind: 'done', value: hits } : completeHits(link, hits, withinMs, signal);
  }
};

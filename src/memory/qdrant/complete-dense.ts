/** Owns the dense vectors that points still lack: written without, they are completed when the endpoint answers. */
import { z } from 'zod';
import type { StoreOutcome } from '../point-store.ts';
import { DENSE, SPARSE } from './collection-shape.ts';
import type { DenseEncoder } from './dense-encoder.ts';
import { storeFailureOf } from './prepare-collection.ts';
import type { QdrantLink } from './qdrant-link.ts';

const pageSchema = z.object({
  points: z.array(z.object({ id: z.string(), payload: z.object({ text: z.string() }) })),
});

export interface CompleteTerms {
  readonly limit: number;
  readonly withinMs: number;
}

/** Of those that have words. How many were completed; 0: none is missing. */
export const completeDense = async (
  link: QdrantLink,
  dense: DenseEncoder,
  { limit, withinMs }: CompleteTerms,
  signal: AbortSignal,
): Promise<StoreOutcome<number>> => {
  const collection = { collection_name: link.collection };
  const filter = { must: [{ has_vector: SPARSE }], must_not: [{ has_vector: DENSE }] };
  const asked = { ...collection, filter, limit, with_payload: ['text'], with_vector: false };
  const terms = { schema: pageSchema, withinMs };
  const page = await link.call((api, init) => api.scrollPoints(asked, init), terms, signal);
  if (page.kind !== 'done') return storeFailureOf(page);
  const lacking = page.value.points;
  if (lacking.length === 0) return { kind: 'done', value: 0 };
  const texts = lacking.map(({ payload }) => payload.text);
  const vectors = await dense.encode(texts, signal);
  const points = lacking.flatMap(({ id }, at) => {
    const vector = vectors[at];
    return vector === undefined ? [] : [{ id, vector: { [DENSE]: [...vector] } }];
  });
  if (points.length === 0) return { kind: 'away', why: 'the endpoint of memory.embeddings gives no vectors' };
  const given = { ...collection, wait: true, points };
  const call = { schema: z.object({ status: z.string() }), withinMs };
  const done = await link.call((api, init) => api.updateVectors(given, init), call, signal);
  return done.kind === 'done' ? { kind: 'done', value: points.length } : storeFailureOf(done);
};

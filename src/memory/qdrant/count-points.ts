/** Owns how many points there are, and how many of them still lack a dense vector. */
import { z } from 'zod';
import type { QdrantTarget } from '../../config/memory/qdrant-settings.ts';
import { DENSE, SPARSE } from './collection-shape.ts';
import type { LinkOutcome } from './link-failure.ts';
import { QdrantLink } from './qdrant-link.ts';

export interface PointCounts {
  readonly points: number;
  /** Of those that have words; 0 where none are wanted. */
  readonly lackDense: number;
}

export interface PointCountsOptions {
  readonly target: QdrantTarget;
  readonly isDense: boolean;
  readonly withinMs: number;
}

const countSchema = z.object({ count: z.number() });

/** @throws the signal's reason alone */
export const countPoints = async (
  { target, isDense, withinMs }: PointCountsOptions,
  signal: AbortSignal,
): Promise<LinkOutcome<PointCounts>> => {
  await using link = await QdrantLink.create(target);
  const count = async (filter: object): Promise<LinkOutcome<{ count: number }>> => {
    const given = { collection_name: link.collection, filter, exact: true };
    return link.call((api, init) => api.countPoints(given, init), { schema: countSchema, withinMs }, signal);
  };
  const points = await count({});
  if (points.kind !== 'done') return points;
  if (!isDense) return { kind: 'done', value: { points: points.value.count, lackDense: 0 } };
  const lacking = await count({ must: [{ has_vector: SPARSE }], must_not: [{ has_vector: DENSE }] });
  if (lacking.kind !== 'done') return lacking;
  return { kind: 'done', value: { points: points.value.count, lackDense: lacking.value.count } };
};

/** Owns what Qdrant is asked for a filter: the same as `createPointFilter` of `../filter.ts`. Pure. */
import type { MemoryFilter } from '../../model/memory.ts';
import { isoOf, keywordsOf } from '../filter.ts';

export type QdrantCondition =
  | { readonly key: string; readonly match: { readonly value: string | boolean } | { readonly any: string[] } }
  | { readonly key: string; readonly range: { readonly gte?: string; readonly lt?: string } }
  | { readonly has_vector: string }
  | { readonly has_id: string[] };

/** As its client wants it: nothing of it is readonly there. */
export interface QdrantFilter {
  must?: QdrantCondition[];
  should?: QdrantFilter[];
  must_not?: QdrantCondition[];
}

export const anyOf = (key: string, values: readonly string[]): QdrantCondition =>
  values.length === 1 ? { key, match: { value: values[0] ?? '' } } : { key, match: { any: [...values] } };

export const isTrue = (key: string): QdrantCondition => ({ key, match: { value: true } });

const timeRange = ({ fromMs, untilMs }: MemoryFilter): QdrantCondition[] => {
  if (fromMs === undefined && untilMs === undefined) return [];
  const gte = fromMs === undefined ? {} : { gte: isoOf(fromMs) };
  return [{ key: 'ts', range: { ...gte, ...(untilMs === undefined ? {} : { lt: isoOf(untilMs) }) } }];
};

/** All of it, and what is asked besides. */
export const qdrantFilter = (filter: MemoryFilter, more: readonly QdrantCondition[] = []): QdrantFilter => ({
  must: [...more, ...keywordsOf(filter).map(({ field, values }) => anyOf(field, values)), ...timeRange(filter)],
});

/**
 * Owns what the collection looks like, and whether one that is there is like that. Pure.
 *
 * C1. One of another shape or version is never changed: `nika memory migrate` is asked for that.
 * C2. Without dense vectors of the model that is configured it is used all the same: by words alone.
 */
import { z } from 'zod';
import { MEMORY_SCHEMA } from '../../model/memory.ts';
import { FIELD_OF } from '../filter.ts';
import type { DenseShape } from './dense-encoder.ts';

export const SPARSE = 'text';
export const DENSE = 'dense';

/** Of the collection itself (Qdrant keeps that from 1.16 on; older ones drop it). */
export const SCHEMA_MARK = 'nika_schema';
export const MODEL_MARK = 'nika_dense_model';
/** While it is being filled by a migration: the id that has been come to, in order of ids. */
export const FILLING_MARK = 'nika_filling';

export type IndexType = 'keyword' | 'datetime' | 'bool';

/** Of all that is filtered by: without its index an exact count takes a hundred times as long. */
export const PAYLOAD_INDEXES: ReadonlyMap<string, IndexType> = new Map<string, IndexType>([
  ...Object.values(FIELD_OF).map((field): [string, IndexType] => [field, 'keyword']),
  ['event', 'keyword'],
  ['ts', 'datetime'],
  ['standing', 'bool'],
]);

const paramsSchema = z.object({
  vectors: z.record(z.string(), z.unknown()).optional(),
  sparse_vectors: z.record(z.string(), z.object({ modifier: z.string().nullish() })).nullish(),
});

export const collectionSchema = z.object({
  status: z.string(),
  points_count: z.number().nullish(),
  config: z.object({ params: paramsSchema, metadata: z.record(z.string(), z.unknown()).nullish() }),
  payload_schema: z.record(z.string(), z.object({ data_type: z.string() })),
});
export type CollectionInfo = z.output<typeof collectionSchema>;

export type DenseState =
  | { readonly kind: 'off' }
  | { readonly kind: 'on' }
  /** C2. */
  | { readonly kind: 'unfit'; readonly why: string };

export type Judgement =
  /** `isMarked`: it says itself of which version it is. */
  | {
      readonly kind: 'fits';
      readonly isMarked: boolean;
      readonly missing: readonly string[];
      readonly dense: DenseState;
    }
  | { readonly kind: 'older'; readonly schema: number }
  | { readonly kind: 'other-shape'; readonly why: string };

const numberIn = (fields: Readonly<Record<string, unknown>>, key: string): number | undefined => {
  const value = fields[key];
  return typeof value === 'number' ? value : undefined;
};

const denseParams = z.object({ size: z.number(), distance: z.string() });

const denseState = (info: CollectionInfo, wanted: DenseShape | undefined): DenseState => {
  if (wanted === undefined) return { kind: 'off' };
  const shape = denseParams.safeParse(info.config.params.vectors?.[DENSE]);
  if (!shape.success) return { kind: 'unfit', why: `it has no vectors "${DENSE}"` };
  const { size, distance } = shape.data;
  if (size !== wanted.dimension)
    return {
      kind: 'unfit',
      why: `its vectors "${DENSE}" have ${size} numbers, and memory.embeddings says ${wanted.dimension}`,
    };
  if (distance !== 'Cosine')
    return { kind: 'unfit', why: `its vectors "${DENSE}" are compared by ${distance}, not by Cosine` };
  const model = info.config.metadata?.[MODEL_MARK];
  if (typeof model === 'string' && model !== wanted.model)
    return {
      kind: 'unfit',
      why: `its vectors "${DENSE}" are of the model ${model}, and memory.embeddings says ${wanted.model}`,
    };
  return { kind: 'on' };
};

const wrongVectors = ({ config: { params } }: CollectionInfo): string | undefined => {
  const sparse = params.sparse_vectors?.[SPARSE];
  if (sparse === undefined) return `it has no sparse vectors "${SPARSE}"`;
  if (sparse.modifier !== 'idf') return `its sparse vectors "${SPARSE}" lack the modifier idf`;
  const others = Object.keys({ ...params.vectors, ...params.sparse_vectors }).filter(
    (name) => name !== SPARSE && name !== DENSE,
  );
  return others.length === 0 ? undefined : `it has vectors that are not nika's: ${others.join(', ')}`;
};

/** What is wrong with a marker, or with the indexes that are there. */
const wrongIndexes = ({ payload_schema: indexes }: CollectionInfo): string | undefined => {
  for (const [field, type] of PAYLOAD_INDEXES) {
    const there = indexes[field]?.data_type;
    if (there !== undefined && there !== type) return `its payload index on "${field}" is ${there}, not ${type}`;
  }
  return undefined;
};

/** Whether it can be used as it is, but for payload indexes that are missing. */
export const judgeCollection = (info: CollectionInfo, dense: DenseShape | undefined): Judgement => {
  const schema = numberIn(info.config.metadata ?? {}, SCHEMA_MARK);
  if (schema !== undefined && schema > MEMORY_SCHEMA)
    return {
      kind: 'other-shape',
      why: `it is of version ${schema}, and this nika knows up to ${MEMORY_SCHEMA}: update nika`,
    };
  if (schema !== undefined && schema < MEMORY_SCHEMA) return { kind: 'older', schema };
  const why = wrongVectors(info) ?? wrongIndexes(info);
  if (why !== undefined) return { kind: 'other-shape', why };
  const missing = Array.from(PAYLOAD_INDEXES.keys()).filter((field) => info.payload_schema[field] === undefined);
  return { kind: 'fits', isMarked: schema !== undefined, missing, dense: denseState(info, dense) };
};

/** As it is made. */
export const newCollection = (dense: DenseShape | undefined) => ({
  sparse_vectors: { [SPARSE]: { modifier: 'idf' as const } },
  ...(dense === undefined ? {} : { vectors: { [DENSE]: { size: dense.dimension, distance: 'Cosine' as const } } }),
  metadata: { [SCHEMA_MARK]: MEMORY_SCHEMA, ...(dense === undefined ? {} : { [MODEL_MARK]: dense.model }) },
});

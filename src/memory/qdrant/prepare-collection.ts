/**
 * Owns that the collection is there with its payload indexes: made on first use, by whoever comes first.
 *
 * C3. Two that make it at once both find it made.
 * C4. Payload indexes that are missing are added; nothing else of a collection is changed.
 */
import { z } from 'zod';
import { MEMORY_SCHEMA } from '../../model/memory.ts';
import type { StoreFailure, StoreOutcome } from '../point-store.ts';
import {
  type CollectionInfo,
  collectionSchema,
  type DenseState,
  judgeCollection,
  newCollection,
  PAYLOAD_INDEXES,
} from './collection-shape.ts';
import type { DenseShape } from './dense-encoder.ts';
import type { LinkFailure, LinkOutcome } from './link-failure.ts';
import type { QdrantLink } from './qdrant-link.ts';

/** To make a collection or an index of one that is full takes longer than a question. */
const MAKE_MS = 60_000;
const LOOK_MS = 2_000;

export interface Prepared {
  readonly made: boolean;
  /** Payload indexes that were added to one that was there. */
  readonly added: readonly string[];
  readonly dense: DenseState;
}

/** What a failure of the link is to whoever writes: the collection that is gone is made by the next `prepare`. */
export const storeFailureOf = (failure: LinkFailure): StoreFailure => {
  switch (failure.kind) {
    case 'unfit':
      return { kind: 'other-shape', why: failure.why };
    case 'missing':
      return { kind: 'away', why: failure.why };
    default:
      return failure;
  }
};

export const readCollection = (
  link: QdrantLink,
  withinMs: number,
  signal: AbortSignal,
): Promise<LinkOutcome<CollectionInfo>> => {
  const terms = { schema: collectionSchema, withinMs };
  return link.call((api, init) => api.getCollection({ collection_name: link.collection }, init), terms, signal);
};

/** C3: that it is there already is as good. */
export const createCollection = async (
  link: QdrantLink,
  shape: ReturnType<typeof newCollection>,
  signal: AbortSignal,
): Promise<LinkOutcome<'made' | 'there'>> => {
  const terms = { schema: z.boolean(), withinMs: MAKE_MS };
  const given = { collection_name: link.collection, ...shape };
  const outcome = await link.call((api, init) => api.createCollection(given, init), terms, signal);
  if (outcome.kind === 'unfit' && /already exists/.test(outcome.why)) return { kind: 'done', value: 'there' };
  return outcome.kind === 'done' ? { kind: 'done', value: 'made' } : outcome;
};

/** It does one after the other, and waits for the disk each time; the last one is applied after all others. */
export const addIndexes = async (
  link: QdrantLink,
  fields: readonly string[],
  signal: AbortSignal,
): Promise<LinkOutcome<undefined>> => {
  const terms = { schema: z.object({ status: z.string() }), withinMs: MAKE_MS };
  for (const [at, field] of fields.entries()) {
    const index = { field_name: field, field_schema: PAYLOAD_INDEXES.get(field) ?? 'keyword' };
    const given = { collection_name: link.collection, wait: at === fields.length - 1, ...index };
    const outcome = await link.call((api, init) => api.createFieldIndex(given, init), terms, signal);
    if (outcome.kind !== 'done') return outcome;
  }
  return { kind: 'done', value: undefined };
};

const pageSchema = z.object({ points: z.array(z.object({ payload: z.record(z.string(), z.unknown()).nullish() })) });

/** A collection that does not say of which version it is, by one of its points; an empty one is as good as new. */
export const wrongPoint = async (
  link: QdrantLink,
  withinMs: number,
  signal: AbortSignal,
): Promise<LinkOutcome<string | undefined>> => {
  const terms = { schema: pageSchema, withinMs };
  const given = { collection_name: link.collection, limit: 1, with_payload: true, with_vector: false };
  const outcome = await link.call((api, init) => api.scrollPoints(given, init), terms, signal);
  if (outcome.kind !== 'done') return outcome;
  const [point] = outcome.value.points;
  const schema = point?.payload?.['schema'];
  if (point === undefined || schema === MEMORY_SCHEMA) return { kind: 'done', value: undefined };
  const why = typeof schema === 'number' ? `its points are of version ${schema}, not ${MEMORY_SCHEMA}` : undefined;
  return { kind: 'done', value: why ?? 'its points are not those of nika' };
};

const otherShape = (collection: string, why: string): StoreFailure => ({
  kind: 'other-shape',
  why: `the collection "${collection}" is not as nika writes it: ${why}`,
});

/** One that was there. */
const fitCollection = async (
  link: QdrantLink,
  info: CollectionInfo,
  { dense, signal }: { readonly dense: DenseShape | undefined; readonly signal: AbortSignal },
): Promise<StoreOutcome<Prepared>> => {
  const { collection } = link;
  const judged = judgeCollection(info, dense);
  if (judged.kind === 'other-shape') return otherShape(collection, judged.why);
  if (judged.kind === 'older') {
    const why = `it is of version ${judged.schema}, and this nika writes ${MEMORY_SCHEMA}: run "nika memory migrate"`;
    return otherShape(collection, why);
  }
  if (!judged.isMarked) {
    const wrong = await wrongPoint(link, LOOK_MS, signal);
    if (wrong.kind !== 'done') return storeFailureOf(wrong);
    if (wrong.value !== undefined) return otherShape(collection, wrong.value);
  }
  const added = await addIndexes(link, judged.missing, signal); // C4
  if (added.kind !== 'done') return storeFailureOf(added);
  return { kind: 'done', value: { made: false, added: judged.missing, dense: judged.dense } };
};

/** @throws the signal's reason alone */
export const prepareCollection = async (
  link: QdrantLink,
  dense: DenseShape | undefined,
  signal: AbortSignal,
): Promise<StoreOutcome<Prepared>> => {
  let isMade = false;
  const there = await readCollection(link, LOOK_MS, signal);
  if (there.kind === 'missing') {
    const made = await createCollection(link, newCollection(dense), signal);
    if (made.kind !== 'done') return storeFailureOf(made);
    isMade = made.value === 'made';
  } else if (there.kind !== 'done') return storeFailureOf(there);
  const info = there.kind === 'done' ? there : await readCollection(link, LOOK_MS, signal);
  if (info.kind !== 'done') return storeFailureOf(info);
  const fitted = await fitCollection(link, info.value, { dense, signal });
  return fitted.kind === 'done' ? { kind: 'done', value: { ...fitted.value, made: isMade } } : fitted;
};

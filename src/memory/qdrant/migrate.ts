/**
 * Owns how a collection of nika's that is of an older version, or lacks the dense vectors that are configured, is made
 * anew: beside it, point by point from what it holds, and put into its place when it is whole.
 *
 * G1. Until then the old one is used as it is. It is removed only when the new one has as many points.
 * G2. One that was ended in the middle goes on where it was. Who calls holds the lock of the memory writer.
 * G3. Where nothing is to be done nothing is changed, but for payload indexes that are missing.
 */
import { z } from 'zod';
import { MEMORY_SCHEMA } from '../../model/memory.ts';
import type { QdrantTarget } from '../../config/memory/qdrant-settings.ts';
import { encodeDocument } from '../encode/sparse.ts';
import type { MemoryPayload } from '../point.ts';
import type { StoreFailure, StoreOutcome } from '../point-store.ts';
import {
  type CollectionInfo,
  FILLING_MARK,
  judgeCollection,
  newCollection,
  PAYLOAD_INDEXES,
} from './collection-shape.ts';
import type { DenseShape } from './dense-encoder.ts';
import type { LinkOutcome } from './link-failure.ts';
import {
  addIndexes,
  createCollection,
  prepareCollection,
  readCollection,
  storeFailureOf,
} from './prepare-collection.ts';
import { QdrantLink } from './qdrant-link.ts';
import { replaceCollection, resolveAlias } from './replace-collection.ts';
import { writeAsTheyAre } from './write-points.ts';

/** Makes of a payload of its version one of the next. */
export type Upgrade = (payload: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;

/** By the version that each begins with. Version 1 is the first. */
export const UPGRADES: ReadonlyMap<number, Upgrade> = new Map();

export interface MigrateOptions {
  readonly target: QdrantTarget;
  readonly dense?: DenseShape;
  readonly upgrades?: ReadonlyMap<number, Upgrade>;
  /** Points of a step. */
  readonly pageCount?: number;
  readonly onProgress?: (doneCount: number, allCount: number) => void;
}

export type Migration =
  /** G3; payload indexes that were added. */
  | { readonly kind: 'nothing'; readonly added: readonly string[] }
  /** There was no collection. */
  | { readonly kind: 'made' }
  /** Dense vectors, where they are configured, are completed by the memory writer. */
  | { readonly kind: 'migrated'; readonly points: number; readonly collection: string };

const CALL_MS = 60_000;
const PAGE_COUNT = 250;

const failed = (why: string): StoreFailure => ({ kind: 'other-shape', why });
const idSchema = z.union([z.string(), z.number()]);
const pageSchema = z.object({
  points: z.array(z.object({ id: z.string(), payload: z.record(z.string(), z.unknown()) })),
  next_page_offset: idSchema.nullish(),
});

const schemaOf = (payload: Readonly<Record<string, unknown>>): number =>
  typeof payload['schema'] === 'number' ? payload['schema'] : 0;

/** As this version has it; `undefined`: there is no way from the version that it is of. */
const upgraded = (
  payload: Readonly<Record<string, unknown>>,
  upgrades: ReadonlyMap<number, Upgrade>,
): MemoryPayload | undefined => {
  let current = payload;
  while (schemaOf(current) < MEMORY_SCHEMA) {
    const version = schemaOf(current);
    const next = upgrades.get(version)?.(current);
    if (next === undefined) return undefined;
    current = { ...next, schema: version + 1 };
  }
  return current as unknown as MemoryPayload;
};

interface Copy {
  readonly from: QdrantLink;
  readonly to: QdrantLink;
  readonly options: MigrateOptions;
}

const countOf = (link: QdrantLink, signal: AbortSignal): Promise<LinkOutcome<{ count: number }>> => {
  const terms = { schema: z.object({ count: z.number() }), withinMs: CALL_MS };
  const given = { collection_name: link.collection, exact: true };
  return link.call((api, init) => api.countPoints(given, init), terms, signal);
};

/** How far it has come; `null`: it is whole. */
const markFilled = (link: QdrantLink, at: string | null, signal: AbortSignal): Promise<LinkOutcome<boolean>> => {
  const given = { collection_name: link.collection, metadata: { [FILLING_MARK]: at } };
  const terms = { schema: z.boolean(), withinMs: CALL_MS };
  return link.call((api, init) => api.updateCollection(given, init), terms, signal);
};

/** One page from that id on; gives the id of the next page, `null` where there is none. */
const copyPage = async (
  { from, to, options }: Copy,
  offset: string,
  signal: AbortSignal,
): Promise<StoreOutcome<{ readonly next: string | null; readonly count: number }>> => {
  const { upgrades = UPGRADES, pageCount = PAGE_COUNT } = options;
  const start = offset === '' ? {} : { offset };
  const given = {
    collection_name: from.collection,
    limit: pageCount,
    with_payload: true,
    with_vector: false,
    ...start,
  };
  const terms = { schema: pageSchema, withinMs: CALL_MS };
  const page = await from.call((api, init) => api.scrollPoints(given, init), terms, signal);
  if (page.kind !== 'done') return storeFailureOf(page);
  const points = [];
  for (const { id, payload } of page.value.points) {
    const next = upgraded(payload, upgrades);
    if (next === undefined)
      return failed(`there is no way from version ${schemaOf(payload)}: run "nika memory rebuild"`);
    points.push({ id, payload: next });
  }
  const write = { encode: encodeDocument, withinMs: CALL_MS, wait: true };
  const written = await writeAsTheyAre(to, points, write, signal);
  if (written.kind !== 'done') return storeFailureOf(written);
  const next = page.value.next_page_offset;
  return { kind: 'done', value: { next: typeof next === 'string' ? next : null, count: points.length } };
};

/** G2. How many there are now. */
const copyAll = async (copy: Copy, startAt: string, signal: AbortSignal): Promise<StoreOutcome<number>> => {
  const all = await countOf(copy.from, signal);
  const before = await countOf(copy.to, signal);
  if (all.kind !== 'done') return storeFailureOf(all);
  if (before.kind !== 'done') return storeFailureOf(before);
  let doneCount = startAt === '' ? 0 : before.value.count;
  for (let at: string | null = startAt; at !== null;) {
    const page: Awaited<ReturnType<typeof copyPage>> = await copyPage(copy, at, signal);
    if (page.kind !== 'done') return page;
    doneCount += page.value.count;
    copy.options.onProgress?.(Math.min(doneCount, all.value.count), all.value.count);
    at = page.value.next;
    if (at !== null) {
      const marked = await markFilled(copy.to, at, signal);
      if (marked.kind !== 'done') return storeFailureOf(marked);
    }
  }
  const after = await countOf(copy.to, signal);
  if (after.kind !== 'done') return storeFailureOf(after);
  if (after.value.count >= all.value.count) return { kind: 'done', value: after.value.count }; // G1
  await markFilled(copy.to, '', signal);
  return { kind: 'away', why: `${all.value.count - after.value.count} points are missing: migrate again` };
};

/** The new one is there, to be filled from that id on. */
const openFilling = async (
  to: QdrantLink,
  dense: DenseShape | undefined,
  signal: AbortSignal,
): Promise<StoreOutcome<string>> => {
  const shape = newCollection(dense);
  const marked = { ...shape, metadata: { ...shape.metadata, [FILLING_MARK]: '' } };
  const made = await createCollection(to, marked, signal);
  if (made.kind !== 'done') return storeFailureOf(made);
  const info = await readCollection(to, CALL_MS, signal);
  if (info.kind !== 'done') return storeFailureOf(info);
  const judged = judgeCollection(info.value, dense);
  const at = info.value.config.metadata?.[FILLING_MARK];
  const isOurs = judged.kind === 'fits' && judged.dense.kind !== 'unfit' && typeof at === 'string';
  if (!isOurs) return failed(`the collection "${to.collection}" is in the way: remove it, if it is not needed`);
  const missing = Array.from(PAYLOAD_INDEXES.keys()).filter((field) => info.value.payload_schema[field] === undefined);
  const added = await addIndexes(to, missing, signal);
  return added.kind === 'done' ? { kind: 'done', value: at } : storeFailureOf(added);
};

const renew = async (
  link: QdrantLink,
  options: MigrateOptions,
  signal: AbortSignal,
): Promise<StoreOutcome<Migration>> => {
  const { collection } = link;
  const alias = await resolveAlias(link, signal);
  if (alias.kind !== 'done') return storeFailureOf(alias);
  const real = alias.value ?? collection;
  const generation = Number(/_v(\d+)$/.exec(real.slice(collection.length))?.[1] ?? 1) + 1;
  const to = link.of(`${collection}_v${generation}`);
  const startAt = await openFilling(to, options.dense, signal);
  if (startAt.kind !== 'done') return startAt;
  const copied = await copyAll({ from: link, to, options }, startAt.value, signal);
  if (copied.kind !== 'done') return copied;
  const marked = await markFilled(to, null, signal);
  if (marked.kind !== 'done') return storeFailureOf(marked);
  const replaced = await replaceCollection(
    link,
    { old: real, by: to.collection, isAlias: alias.value !== undefined },
    signal,
  );
  if (replaced.kind !== 'done') return storeFailureOf(replaced);
  return { kind: 'done', value: { kind: 'migrated', points: copied.value, collection: to.collection } };
};

const mustRenew = (info: CollectionInfo, dense: DenseShape | undefined): boolean => {
  const judged = judgeCollection(info, dense);
  return judged.kind === 'older' || (judged.kind === 'fits' && judged.dense.kind === 'unfit');
};

/** @throws the signal's reason alone */
export const migrateMemory = async (options: MigrateOptions, signal: AbortSignal): Promise<StoreOutcome<Migration>> => {
  await using link = await QdrantLink.create(options.target);
  const info = await readCollection(link, CALL_MS, signal);
  if (info.kind === 'done' && mustRenew(info.value, options.dense)) return await renew(link, options, signal);
  const prepared = await prepareCollection(link, options.dense, signal); // G3
  if (prepared.kind !== 'done') return prepared;
  const { made, added } = prepared.value;
  return { kind: 'done', value: made ? { kind: 'made' } : { kind: 'nothing', added } };
};

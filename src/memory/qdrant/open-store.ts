/** Owns what the memory writer does with Qdrant: the collection, writing, looking what is there, taking out. */
import { z } from 'zod';
import type { QdrantTarget } from '../../config/memory/qdrant-settings.ts';
import { encodeDocument } from '../encode/sparse.ts';
import type { MemoryPoint } from '../point.ts';
import type { PointStore, StoreOutcome } from '../point-store.ts';
import type { DenseState } from './collection-shape.ts';
import { completeDense } from './complete-dense.ts';
import type { DenseEncoder } from './dense-encoder.ts';
import type { LinkOutcome } from './link-failure.ts';
import { prepareCollection, storeFailureOf } from './prepare-collection.ts';
import { anyOf, qdrantFilter } from './qdrant-filter.ts';
import { QdrantLink } from './qdrant-link.ts';
import { clearPoints, settleEntities } from './settle-standing.ts';
import { type DocumentEncoder, writeAsTheyAre, writePoints } from './write-points.ts';

export interface StoreOptions {
  readonly target: QdrantTarget;
  /** Nika's own, where nothing is said. */
  readonly encode?: DocumentEncoder;
  /** Where embeddings are configured. */
  readonly dense?: DenseEncoder;
  /** Of a batch. */
  readonly writeWithinMs?: number;
  /** Of a question. */
  readonly askWithinMs?: number;
}

export const WRITE_MS = 10_000;
export const ASK_MS = 2_000;

const doneOf = <T>(outcome: LinkOutcome<T>): StoreOutcome<T> =>
  outcome.kind === 'done' ? outcome : storeFailureOf(outcome);

const nothing: StoreOutcome<undefined> = { kind: 'done', value: undefined };
const updateSchema = z.object({ status: z.string() });

class QdrantStore implements PointStore {
  readonly #link: QdrantLink;
  readonly #options: StoreOptions;
  readonly #encode: DocumentEncoder;
  readonly #writeMs: number;
  readonly #askMs: number;
  #dense: DenseState = { kind: 'off' };

  constructor(link: QdrantLink, options: StoreOptions) {
    this.#link = link;
    this.#options = options;
    this.#encode = options.encode ?? encodeDocument;
    this.#writeMs = options.writeWithinMs ?? WRITE_MS;
    this.#askMs = options.askWithinMs ?? ASK_MS;
  }

  async prepare(signal: AbortSignal): Promise<StoreOutcome<'there' | 'made'>> {
    const outcome = await prepareCollection(this.#link, this.#options.dense, signal);
    if (outcome.kind !== 'done') return outcome;
    this.#dense = outcome.value.dense;
    return { kind: 'done', value: outcome.value.made ? 'made' : 'there' };
  }

  async write(points: readonly MemoryPoint[], signal: AbortSignal): Promise<StoreOutcome<undefined>> {
    if (points.length === 0) return nothing;
    const terms = { encode: this.#encode, withinMs: this.#writeMs };
    return doneOf(await writePoints(this.#link, points, terms, signal));
  }

  async writeFresh(
    points: readonly MemoryPoint[],
    isLast: boolean,
    signal: AbortSignal,
  ): Promise<StoreOutcome<undefined>> {
    if (points.length === 0) return nothing;
    const terms = { encode: this.#encode, withinMs: this.#writeMs, wait: isLast };
    return doneOf(await writeAsTheyAre(this.#link, points, terms, signal));
  }

  async clearStanding(ids: readonly string[], signal: AbortSignal): Promise<StoreOutcome<undefined>> {
    return doneOf(await clearPoints(this.#link, ids, this.#writeMs, signal));
  }

  async clearOthers(entities: readonly string[], signal: AbortSignal): Promise<StoreOutcome<undefined>> {
    return doneOf(await settleEntities(this.#link, entities, this.#writeMs, signal));
  }

  async present(ids: readonly string[], signal: AbortSignal): Promise<StoreOutcome<ReadonlySet<string>>> {
    if (ids.length === 0) return { kind: 'done', value: new Set() };
    const given = { collection_name: this.#link.collection, ids: [...ids], with_payload: false, with_vector: false };
    const terms = { schema: z.array(z.object({ id: z.string() })), withinMs: this.#askMs };
    const outcome = await this.#link.call((api, init) => api.getPoints(given, init), terms, signal);
    if (outcome.kind !== 'done') return storeFailureOf(outcome);
    return { kind: 'done', value: new Set(outcome.value.map(({ id }) => id)) };
  }

  async remove(ids: readonly string[], signal: AbortSignal): Promise<StoreOutcome<undefined>> {
    if (ids.length === 0) return nothing;
    const given = { collection_name: this.#link.collection, wait: true, points: [...ids] };
    const terms = { schema: updateSchema, withinMs: this.#writeMs };
    const outcome = await this.#link.call((api, init) => api.deletePoints(given, init), terms, signal);
    return outcome.kind === 'done' ? nothing : storeFailureOf(outcome);
  }

  async removeBefore(kind: string, beforeMs: number, signal: AbortSignal): Promise<StoreOutcome<number>> {
    const filter = qdrantFilter({ untilMs: beforeMs }, [anyOf('kind', [kind])]);
    const collection = { collection_name: this.#link.collection };
    const counting = { schema: z.object({ count: z.number() }), withinMs: this.#askMs };
    const asked = { ...collection, filter, exact: true };
    const counted = await this.#link.call((api, init) => api.countPoints(asked, init), counting, signal);
    if (counted.kind !== 'done') return storeFailureOf(counted);
    const { count } = counted.value;
    if (count === 0) return { kind: 'done', value: 0 };
    const given = { ...collection, wait: true, filter };
    const terms = { schema: updateSchema, withinMs: this.#writeMs };
    const outcome = await this.#link.call((api, init) => api.deletePoints(given, init), terms, signal);
    return outcome.kind === 'done' ? { kind: 'done', value: count } : storeFailureOf(outcome);
  }

  async completeDense(limit: number, signal: AbortSignal): Promise<StoreOutcome<number>> {
    const { dense } = this.#options;
    if (dense === undefined || this.#dense.kind !== 'on') return { kind: 'done', value: 0 };
    return completeDense(this.#link, dense, { limit, withinMs: this.#writeMs }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link[Symbol.asyncDispose]();
  }
}

/** Loads the client; nothing is connected before the first call. Never rejects. */
export const openStore = async (options: StoreOptions): Promise<PointStore> =>
  new QdrantStore(await QdrantLink.create(options.target), options);

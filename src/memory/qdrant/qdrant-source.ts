/**
 * Owns the answers that Qdrant gives (`../memory-source.ts`). What cannot be answered rejects with {@link SourceAway}.
 *
 * Q4. A collection of another shape is not asked: it would answer, and wrongly.
 */
import { z } from 'zod';
import type { MemoryFilter } from '../../model/memory.ts';
import type { QdrantTarget } from '../../config/memory/qdrant-settings.ts';
import { encodeQuestion } from '../encode/sparse.ts';
import type { SparseVector } from '../encode/sparse-vector.ts';
import { FIELD_OF } from '../filter.ts';
import type { CountAnswer, CountQuestion, MemorySource, SearchHit, SearchQuestion } from '../memory-source.ts';
import { SourceAway } from '../source-away.ts';
import { DENSE, type DenseState, judgeCollection, SPARSE } from './collection-shape.ts';
import type { DenseEncoder } from './dense-encoder.ts';
import type { LinkOutcome } from './link-failure.ts';
import { readCollection, storeFailureOf } from './prepare-collection.ts';
import { isTrue, qdrantFilter, type QdrantFilter } from './qdrant-filter.ts';
import { QdrantLink } from './qdrant-link.ts';
import { searchPoints } from './search-points.ts';

export interface SourceOptions {
  readonly target: QdrantTarget;
  /** Of words; nika's own, where nothing is said. */
  readonly encode?: (words: string) => SparseVector;
  readonly dense?: DenseEncoder;
  readonly withinMs?: number;
  /** For the vector of a question: later than that it is searched by words alone. */
  readonly denseWithinMs?: number;
}

const ASK_MS = 2_000;
const DENSE_MS = 1_000;
/** More values than a group is shown with; each entity has one of a job's name. */
const MAX_GROUPS = 1_000_000;
/** An entity has few points that have words. */
const MAX_OF_ENTITY = 1_000;

const countSchema = z.object({ count: z.number() });
const facetSchema = z.object({ hits: z.array(z.object({ value: z.string(), count: z.number() })) });
const newestSchema = z.object({
  points: z.array(
    z.object({
      id: z.string(),
      payload: z.object({ ts: z.string(), text: z.string() }),
      vector: z.object({ [DENSE]: z.array(z.number()).optional() }).nullish(),
    }),
  ),
});

/** @throws {SourceAway} where it is a failure */
const valueOf = <T>(outcome: LinkOutcome<T>): T => {
  if (outcome.kind === 'done') return outcome.value;
  throw new SourceAway(storeFailureOf(outcome), outcome.kind === 'missing');
};

interface Asked {
  readonly sparse: SparseVector;
  readonly dense: readonly number[] | undefined;
  readonly filter: QdrantFilter;
  readonly limit: number;
}

class QdrantSource implements MemorySource, AsyncDisposable {
  readonly origin = 'qdrant';
  readonly #link: QdrantLink;
  readonly #options: SourceOptions;
  readonly #encode: (words: string) => SparseVector;
  readonly #withinMs: number;
  #dense: DenseState | undefined;

  constructor(link: QdrantLink, options: SourceOptions) {
    this.#link = link;
    this.#options = options;
    this.#encode = options.encode ?? encodeQuestion;
    this.#withinMs = options.withinMs ?? ASK_MS;
  }

  async count({ filter, by }: CountQuestion, signal: AbortSignal): Promise<CountAnswer> {
    const asked = qdrantFilter({ ...filter, kind: filter.kind ?? ['job'] }, [isTrue('standing')]);
    const [count, groups] = await Promise.all([
      this.#count(asked, signal),
      by === undefined ? undefined : this.#facet(FIELD_OF[by], asked, signal),
      this.#mustFit(signal),
    ]);
    return groups === undefined ? { count } : { count, groups };
  }

  async search({ words, filter, limit }: SearchQuestion, signal: AbortSignal): Promise<readonly SearchHit[]> {
    const { kind } = await this.#mustFit(signal);
    const dense = kind === 'on' ? await this.#denseOf(words, signal) : undefined;
    return this.#search(
      { sparse: this.#encode(words), dense, filter: qdrantFilter(filter, [isTrue('standing')]), limit },
      signal,
    );
  }

  async similar(
    entity: string,
    { filter, limit }: Omit<SearchQuestion, 'words'>,
    signal: AbortSignal,
  ): Promise<readonly SearchHit[]> {
    const { kind } = await this.#mustFit(signal);
    const newest = await this.#newestOf(entity, kind === 'on', signal);
    if (newest === undefined) return [];
    const others = {
      ...qdrantFilter(filter, [isTrue('standing')]),
      must_not: [{ key: 'entity_id', match: { value: entity } }],
    };
    const sparse = this.#encode(newest.payload.text);
    return this.#search({ sparse, dense: newest.vector?.[DENSE], filter: others, limit }, signal);
  }

  async #count(filter: QdrantFilter, signal: AbortSignal): Promise<number> {
    const given = { collection_name: this.#link.collection, filter, exact: true };
    const terms = { schema: countSchema, withinMs: this.#withinMs };
    return valueOf(await this.#link.call((api, init) => api.countPoints(given, init), terms, signal)).count;
  }

  async #facet(key: string, filter: QdrantFilter, signal: AbortSignal): Promise<NonNullable<CountAnswer['groups']>> {
    const given = { collection_name: this.#link.collection, key, filter, exact: true, limit: MAX_GROUPS };
    const terms = { schema: facetSchema, withinMs: this.#withinMs };
    const { hits } = valueOf(await this.#link.call((api, init) => api.facet(given, init), terms, signal));
    return hits.toSorted((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
  }

  async #search({ dense, ...asked }: Asked, signal: AbortSignal): Promise<readonly SearchHit[]> {
    const question = { ...asked, withinMs: this.#withinMs, ...(dense === undefined ? {} : { dense }) };
    return valueOf(await searchPoints(this.#link, question, signal));
  }

  /** Q4; looked at once. */
  async #mustFit(signal: AbortSignal): Promise<DenseState> {
    if (this.#dense !== undefined) return this.#dense;
    const info = valueOf(await readCollection(this.#link, this.#withinMs, signal));
    const judged = judgeCollection(info, this.#options.dense);
    if (judged.kind === 'fits') return (this.#dense = judged.dense);
    const why = judged.kind === 'older' ? `it is of version ${judged.schema}` : judged.why;
    throw new SourceAway({ kind: 'other-shape', why: `the collection "${this.#link.collection}": ${why}` });
  }

  /** The vector of a question; `undefined`: not in time, or not at all. */
  async #denseOf(words: string, signal: AbortSignal): Promise<readonly number[] | undefined> {
    const late = AbortSignal.timeout(this.#options.denseWithinMs ?? DENSE_MS);
    try {
      const vectors = await this.#options.dense?.encode([words], AbortSignal.any([signal, late]));
      return vectors?.[0];
    } catch (thrown) {
      signal.throwIfAborted();
      if (late.aborted) return undefined;
      throw thrown;
    }
  }

  async #newestOf(entity: string, wantsDense: boolean, signal: AbortSignal) {
    const filter = qdrantFilter({ entity: [entity] } satisfies MemoryFilter, [{ has_vector: SPARSE }]);
    const given = {
      collection_name: this.#link.collection,
      filter,
      limit: MAX_OF_ENTITY,
      with_payload: ['ts', 'text'],
      with_vector: wantsDense ? [DENSE] : false,
    };
    const terms = { schema: newestSchema, withinMs: this.#withinMs };
    const { points } = valueOf(await this.#link.call((api, init) => api.scrollPoints(given, init), terms, signal));
    const byTime = points.toSorted((a, b) => {
      if (a.payload.ts !== b.payload.ts) return a.payload.ts < b.payload.ts ? -1 : 1;
      return a.id < b.id ? -1 : 1;
    });
    return byTime.at(-1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link[Symbol.asyncDispose]();
  }
}

/** Loads the client; nothing is connected before the first question. */
export const openQdrantSource = async (options: SourceOptions): Promise<MemorySource & AsyncDisposable> =>
  new QdrantSource(await QdrantLink.create(options.target), options);

/**
 * Owns the calls to a Qdrant. What comes of one is a value, and comes in time (G1): nothing here throws but with the
 * reason of the caller's signal.
 *
 * L1. Each call has a deadline; then its request is ended. It may be done all the same, which is harmless (S1).
 * L2. Nothing that a link says holds the key.
 * L3. An answer is what its schema says, or there is no Qdrant.
 * L4. Qdrant closes a connection that was idle for 5 s; a process that was busy meanwhile, or waited for a processor,
 *     sees it too late. What failed by that is asked once more.
 */
import type { ZodType } from 'zod';
import type { QdrantTarget } from '../../config/memory/qdrant-settings.ts';
import type { QdrantApi } from './client.ts';
import { failureOf, isOfClosedConnection, type LinkOutcome, NO_QDRANT } from './link-failure.ts';

export interface CallTerms<T> {
  /** Of `result` of the answer. */
  readonly schema: ZodType<T>;
  readonly withinMs: number;
  /** The answer itself is it: there is no `result`. */
  readonly isBare?: boolean;
}

/** Asks one thing of it; `init` must be passed on, for it ends the request. */
export type Ask = (api: QdrantApi, init: RequestInit) => Promise<{ readonly data: unknown }>;

const resultOf = (data: unknown): unknown =>
  typeof data === 'object' && data !== null && 'result' in data ? data.result : undefined;

export class QdrantLink implements AsyncDisposable {
  readonly target: QdrantTarget;
  readonly #api: QdrantApi;
  readonly #closed = new AbortController();

  constructor(target: QdrantTarget, api: QdrantApi) {
    this.target = target;
    this.#api = api;
  }

  /** Loads the client; nothing is connected. */
  static async create(target: QdrantTarget): Promise<QdrantLink> {
    const { createApi } = await import('./client.ts');
    return new QdrantLink(target, createApi(target));
  }

  /** To another collection of the same Qdrant; closed by itself. */
  of(collection: string): QdrantLink {
    return new QdrantLink({ ...this.target, collection }, this.#api);
  }

  get collection(): string {
    return this.target.collection;
  }

  /** @throws the signal's reason, when that is aborted; nothing else */
  async call<T>(
    ask: Ask,
    { schema, withinMs, isBare = false }: CallTerms<T>,
    signal: AbortSignal,
  ): Promise<LinkOutcome<T>> {
    signal.throwIfAborted();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), withinMs);
    try {
      const init = { signal: AbortSignal.any([signal, late.signal, this.#closed.signal]) };
      const { data } = await this.#askOpen(ask, init); // L1
      const parsed = schema.safeParse(isBare ? data : resultOf(data));
      return parsed.success ? { kind: 'done', value: parsed.data } : { kind: 'away', why: NO_QDRANT }; // L3
    } catch (thrown) {
      signal.throwIfAborted();
      if (this.#closed.signal.aborted) return { kind: 'away', why: 'the link is closed' };
      if (late.signal.aborted) return { kind: 'away', why: `no answer within ${withinMs} ms` };
      return failureOf(thrown, this.target.apiKey); // L2
    } finally {
      clearTimeout(timer);
    }
  }

  /** L4 */
  async #askOpen(ask: Ask, init: RequestInit): ReturnType<Ask> {
    try {
      return await ask(this.#api, init);
    } catch (thrown) {
      if (!isOfClosedConnection(thrown)) throw thrown;
      return ask(this.#api, init);
    }
  }

  /** Ends what is under way; its idle connections hold no process alive. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
  }
}

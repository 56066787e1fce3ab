/**
 * Owns the client of an endpoint of the kind of OpenAI that makes dense vectors of texts: batched, kept on disk.
 *
 * D1. Fail-open: whatever the endpoint does, there is an outcome in bounded time, and what was made before stays made.
 * D2. The key goes to that endpoint alone, and is in nothing that is told.
 */
import { join } from 'node:path';
import { z } from 'zod';
import type { EmbeddingsSettings } from '../../config/memory/memory-settings.ts';
import { errorMessage } from '../../model/error.ts';
import { EmbeddingCache, type DenseVector } from './embedding-cache.ts';
import { excerptOf, failureOfStatus, type EmbeddingFailure } from './embedding-failure.ts';

export interface DenseOutcome {
  /** One for each text, in order; `undefined`: it could not be made, or the text has nothing in it. */
  readonly vectors: readonly (DenseVector | undefined)[];
  /** Why some are missing. */
  readonly failure?: EmbeddingFailure;
}

type Made = { readonly kind: 'made'; readonly vectors: readonly DenseVector[] } | EmbeddingFailure;

/** A model that does not take a text as long as a document takes this much of it. */
const SHORT_CHARS = 1_000;
const NUMBER_CHARS = 32;
const MAX_NOT_TAKEN = 4;
const FRAME_BYTES = 1024 * 1024;

const answerSchema = z.object({ data: z.array(z.object({ index: z.int(), embedding: z.array(z.number()) })) });

/** `undefined`: it is longer than any answer. */
const readBody = async (response: Response, maxBytes: number): Promise<string | undefined> => {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return undefined; // leaving the loop closes the connection
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined; // said by whoever looks at it
  }
};

const urlOf = (base: string): string => {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/embeddings`;
  return url.href;
};

/** `fetch failed` says nothing; its cause does. */
const reasonOf = (thrown: unknown): string => {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return errorMessage(cause ?? thrown) || errorMessage(thrown);
};

export class DenseClient {
  readonly model: string;
  readonly dimension: number;
  readonly #settings: EmbeddingsSettings;
  readonly #cache: EmbeddingCache;
  readonly #url: string;
  #failure: EmbeddingFailure | undefined;
  /** Texts that were sent alone, of those asked for last. */
  #notTakenCount = 0;

  /** `dir`: where vectors are kept; made when the first one is. */
  constructor(settings: EmbeddingsSettings, dir: string) {
    this.#settings = settings;
    this.model = settings.model;
    this.dimension = settings.dimension;
    this.#url = urlOf(settings.url);
    this.#cache = new EmbeddingCache({ dir, of: `${settings.url} ${settings.model}`, dimension: settings.dimension });
  }

  /** Of the last texts that were asked for; `undefined`: all were made. */
  get failure(): EmbeddingFailure | undefined {
    return this.#failure;
  }

  /** As the store wants it; {@link failure} says why some are missing. Rejects with the signal's reason alone. */
  async encode(texts: readonly string[], signal: AbortSignal): Promise<DenseOutcome['vectors']> {
    return (await this.tryEncode(texts, signal)).vectors;
  }

  /** After a failure that is not of one text nothing more is asked for. Rejects with the signal's reason alone. */
  async tryEncode(texts: readonly string[], signal: AbortSignal): Promise<DenseOutcome> {
    signal.throwIfAborted();
    const given = texts.map((text) => text.toWellFormed());
    const vectors = await Promise.all(
      given.map(async (text) => (text.trim() === '' ? undefined : await this.#cache.read(text))),
    );
    const known = new Map(given.map((text, n) => [text, vectors[n]] as const));
    const missing = [...new Set(given.filter((text) => text.trim() !== '' && known.get(text) === undefined))];
    this.#failure = undefined;
    this.#notTakenCount = 0;
    for (let at = 0; at < missing.length; at += this.#settings.batch) {
      const failure = await this.#make(missing.slice(at, at + this.#settings.batch), known, signal);
      this.#failure = failure ?? this.#failure;
      if (failure !== undefined && this.#isForAll(failure)) break;
    }
    const made = given.map((text) => known.get(text));
    return this.#failure === undefined ? { vectors: made } : { vectors: made, failure: this.#failure };
  }

  /** One text that is not taken is no reason to leave out the others; several are, for it may be the model that is not known. */
  #isForAll({ kind }: EmbeddingFailure): boolean {
    return kind !== 'not-taken' || this.#notTakenCount >= MAX_NOT_TAKEN;
  }

  /** A batch that is not taken is halved, down to the text that is the reason; of that one the beginning is sent. */
  async #make(
    texts: readonly string[],
    into: Map<string, DenseVector | undefined>,
    signal: AbortSignal,
  ): Promise<EmbeddingFailure | undefined> {
    let made = await this.#ask(texts, signal);
    const [first = ''] = texts;
    if (made.kind === 'not-taken' && texts.length > 1) {
      const half = texts.length >> 1;
      const failure = await this.#make(texts.slice(0, half), into, signal);
      if (failure !== undefined && this.#isForAll(failure)) return failure;
      return (await this.#make(texts.slice(half), into, signal)) ?? failure;
    }
    if (made.kind === 'not-taken' && first.length > SHORT_CHARS)
      made = await this.#ask([first.slice(0, SHORT_CHARS).toWellFormed()], signal);
    if (made.kind === 'not-taken') this.#notTakenCount += 1;
    if (made.kind !== 'made') return made;
    const { vectors } = made;
    await Promise.all(
      texts.map(async (text, n) => {
        const vector = vectors[n];
        into.set(text, vector);
        if (vector !== undefined) await this.#cache.write(text, vector);
      }),
    );
    return undefined;
  }

  async #ask(texts: readonly string[], signal: AbortSignal): Promise<Made> {
    const { apiKey, model, timeoutMs } = this.#settings;
    const late = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'accept-encoding': 'identity',
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey.reveal()}` }),
        },
        body: JSON.stringify({ model, input: texts, encoding_format: 'float' }),
        redirect: 'manual', // D2: another address is not followed
        signal: AbortSignal.any([signal, late]),
      });
      const body = await readBody(response, FRAME_BYTES + texts.length * this.dimension * NUMBER_CHARS);
      if (!response.ok) return failureOfStatus(response.status, excerptOf(body ?? '', apiKey));
      return this.#read(body, texts.length);
    } catch (thrown) {
      signal.throwIfAborted();
      if (late.aborted) return { kind: 'away', why: `no answer within ${timeoutMs} ms` };
      return { kind: 'away', why: excerptOf(reasonOf(thrown), apiKey) };
    }
  }

  #read(body: string | undefined, count: number): Made {
    if (body === undefined) return { kind: 'garbage', why: 'the answer is longer than such vectors are' };
    const answer = answerSchema.safeParse(parsed(body));
    if (!answer.success) {
      const said = excerptOf(body, this.#settings.apiKey);
      return { kind: 'garbage', why: `the answer has no "data" with vectors: ${said || '(empty)'}` };
    }
    const byIndex = new Map(answer.data.data.map(({ index, embedding }) => [index, embedding]));
    const vectors: DenseVector[] = [];
    for (let n = 0; n < count; n += 1) {
      const vector = byIndex.get(n);
      if (vector === undefined) return { kind: 'garbage', why: `the answer lacks vector ${n} of ${count}` };
      if (vector.length !== this.dimension) {
        const why = `${this.model} gives ${vector.length} numbers, and memory.embeddings.dimension says ${this.dimension}`;
        return { kind: 'other-dimension', why };
      }
      vectors.push(vector.map(Math.fround)); // as they come back from the disk
    }
    return { kind: 'made', vectors };
  }
}

/** As a home's settings want it, with its vectors in the home; `undefined`: they name no endpoint. */
export const createDense = (settings: EmbeddingsSettings | undefined, runDir: string): DenseClient | undefined =>
  settings === undefined ? undefined : new DenseClient(settings, join(runDir, 'memory', 'embeddings'));

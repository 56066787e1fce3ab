/**
 * Owns the sparse vector of a text: BM25 without IDF, which whoever searches puts on (Qdrant by its modifier, the bus by
 * counting).
 *
 * E1. The average length is fixed, so a document has the same vector whatever else there is, and scores can be compared
 *     between homes, and between Qdrant and the bus.
 * E2. A change of what comes out of here is a new {@link MEMORY_SCHEMA}: vectors of two kinds do not go together.
 */
import type { SparseVector } from './sparse-vector.ts';
import { isStopWord } from './stop-words.ts';
import { readableOf, Tokenizer } from './tokenizer.ts';
import { MAX_TOKENS } from './tokens.ts';

export interface Bm25 {
  /** How soon more of the same says no more. */
  readonly k1: number;
  /** How much long documents are held back; 0: not at all. */
  readonly b: number;
  /** In tokens. */
  readonly averageLength: number;
}

/** Chosen by `scripts/bench/recall.ts`. */
export const BM25: Bm25 = { k1: 1.2, b: 0.75, averageLength: 150 };

export interface Term {
  /** As it stands in the question, in lower case. */
  readonly token: string;
  readonly hash: number;
}

const SLOTS = 4 * MAX_TOKENS; // a power of two; a quarter of it is used at most
const SHOWN_CHARS = 64;

/** How often each token is in a text. Made once, used again for each text. */
class Counter {
  readonly #keys = new Uint32Array(SLOTS);
  readonly #counts = new Uint16Array(SLOTS); // 0: free
  readonly #used = new Uint16Array(MAX_TOKENS);
  readonly distinct = new Uint32Array(MAX_TOKENS);
  size = 0;

  add(hash: number): void {
    const at = this.#slotOf(hash);
    if (this.#counts[at] === 0) {
      this.#keys[at] = hash;
      this.#used[this.size] = at;
      this.distinct[this.size] = hash;
      this.size += 1;
    }
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  countOf(hash: number): number {
    return this.#counts[this.#slotOf(hash)] ?? 0;
  }

  clear(): void {
    for (let n = 0; n < this.size; n += 1) this.#counts[this.#used[n] ?? 0] = 0;
    this.size = 0;
  }

  #slotOf(hash: number): number {
    let at = hash & (SLOTS - 1);
    while (this.#counts[at] !== 0 && this.#keys[at] !== hash) at = (at + 1) & (SLOTS - 1);
    return at;
  }
}

/** Four digits behind the point: a vector on the wire is half as long, and both ways count with the same. */
const rounded = (value: number): number => Math.round(value * 10_000) / 10_000;

export class SparseEncoder {
  readonly #tokenizer: Tokenizer;
  readonly #counter = new Counter();
  readonly #bm25: Bm25;

  constructor(bm25: Bm25 = BM25, tokenizer: Tokenizer = new Tokenizer()) {
    this.#bm25 = bm25;
    this.#tokenizer = tokenizer;
  }

  /** Empty: the text has no word. Never throws. */
  document(text: string): SparseVector {
    const { count, hashes } = this.#tokenizer.tokens(text);
    const counter = this.#counter;
    let length = 0;
    for (let n = 0; n < count; n += 1) {
      const hash = hashes[n] ?? 0;
      if (isStopWord(hash)) continue;
      counter.add(hash);
      length += 1;
    }
    const indices = Array.from(counter.distinct.subarray(0, counter.size).sort());
    const values = indices.map((hash) => this.#valueOf(counter.countOf(hash), length));
    counter.clear();
    return { indices, values };
  }

  /** Of the vector of a document only the values of those hashes, in that order; `undefined`: it has no word. */
  valuesOf(text: string, nthOf: ReadonlyMap<number, number>): readonly number[] | undefined {
    const { count, hashes } = this.#tokenizer.tokens(text);
    const times = Array.from({ length: nthOf.size }, () => 0);
    let length = 0;
    for (let n = 0; n < count; n += 1) {
      const hash = hashes[n] ?? 0;
      if (isStopWord(hash)) continue;
      length += 1;
      const nth = nthOf.get(hash);
      if (nth !== undefined) times[nth] = (times[nth] ?? 0) + 1;
    }
    return length === 0 ? undefined : times.map((one) => this.#valueOf(one, length));
  }

  #valueOf(times: number, length: number): number {
    const { k1, b, averageLength } = this.#bm25;
    return rounded((times * (k1 + 1)) / (times + k1 * (1 - b + (b * length) / averageLength)));
  }

  /** Each token once, in the order of the question. */
  terms(words: string): readonly Term[] {
    const { count, hashes, starts, ends } = this.#tokenizer.tokens(words);
    const text = readableOf(words);
    const terms = new Map<number, Term>();
    for (let n = 0; n < count; n += 1) {
      const hash = hashes[n] ?? 0;
      if (isStopWord(hash) || terms.has(hash)) continue;
      const start = starts[n] ?? 0;
      terms.set(hash, { hash, token: text.slice(start, Math.min(ends[n] ?? 0, start + SHOWN_CHARS)).toLowerCase() });
    }
    return [...terms.values()];
  }

  question(words: string): SparseVector {
    const indices = this.terms(words)
      .map(({ hash }) => hash)
      .sort((a, b) => a - b);
    return { indices, values: indices.map(() => 1) };
  }
}

const encoder = new SparseEncoder();

/** Of a point's text. Empty: it has no word, and gets no vector. Never throws. */
export const encodeDocument = (text: string): SparseVector => encoder.document(text);

/** Of such a vector only the values of those hashes, in that order; 0: it has it not. `undefined`: the text has no word. */
export const documentValues = (text: string, nthOf: ReadonlyMap<number, number>): readonly number[] | undefined =>
  encoder.valuesOf(text, nthOf);

/** Of what is searched for. Empty: nothing is found by it. Never throws. */
export const encodeQuestion = (words: string): SparseVector => encoder.question(words);

/** What a question looks for, in its order. */
export const termsOf = (words: string): readonly Term[] => encoder.terms(words);

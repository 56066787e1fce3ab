/**
 * Owns the calls that match best of those seen so far, scored by BM25 over all calls of the pod (G6: a few hundred are
 * kept, however many there are).
 *
 * B1. How rare a word is, is known at the end alone. When there are too many, the best by what is known so far are kept,
 *     several times as many as are asked for.
 */
import type { SparseVector } from '../encode/sparse-vector.ts';
import { encodeDocument } from '../encode/sparse.ts';

const KEPT = 256;

interface Candidate<T> {
  readonly call: T;
  /** How much each word of the question says of it. */
  readonly weights: readonly number[];
}

export class BestCalls<T extends { readonly id: string }> {
  readonly #words: ReadonlyMap<number, number>;
  readonly #having: number[];
  #candidates: Candidate<T>[] = [];
  /** All calls, those too that match nothing. */
  callCount = 0;
  matchCount = 0;

  constructor({ indices }: SparseVector) {
    this.#words = new Map(indices.map((hash, at) => [hash, at]));
    this.#having = indices.map(() => 0);
  }

  /** Each counts for how rare a word is; `call` is asked for one that matches: `undefined`: it is not wanted. */
  add(text: string, call: () => T | undefined): void {
    this.callCount += 1;
    const weights = this.#weightsOf(text);
    const wanted = weights === undefined ? undefined : call();
    if (weights === undefined || wanted === undefined) return;
    this.matchCount += 1;
    this.#candidates.push({ call: wanted, weights });
    if (this.#candidates.length >= 2 * KEPT) this.#candidates = this.#ranked().slice(0, KEPT); // B1
  }

  /** The best first; of equals the newest. */
  best(limit: number): readonly (T & { readonly score: number })[] {
    return this.#ranked()
      .slice(0, Math.min(limit, KEPT))
      .map((one) => ({ ...one.call, score: this.#scoreOf(one) }));
  }

  #ranked(): Candidate<T>[] {
    return this.#candidates
      .map((one) => ({ one, score: this.#scoreOf(one) }))
      .sort((a, b) => b.score - a.score || (a.one.call.id < b.one.call.id ? 1 : -1))
      .map(({ one }) => one);
  }

  #scoreOf({ weights }: Candidate<T>): number {
    return weights.reduce((sum, weight, at) => sum + weight * this.#idf(at), 0);
  }

  /** As Qdrant's modifier `idf` has it. */
  #idf(at: number): number {
    const count = this.#having[at] ?? 0;
    return Math.log((this.callCount - count + 0.5) / (count + 0.5) + 1);
  }

  #weightsOf(text: string): readonly number[] | undefined {
    const { indices, values } = encodeDocument(text);
    let weights: number[] | undefined;
    for (const [nth, hash] of indices.entries()) {
      const at = this.#words.get(hash);
      if (at === undefined) continue;
      this.#having[at] = (this.#having[at] ?? 0) + 1;
      weights ??= this.#having.map(() => 0);
      weights[at] = values[nth] ?? 0;
    }
    return weights;
  }
}

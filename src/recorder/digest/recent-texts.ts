/** Owns a bounded set of texts, the least recently seen of which make room for new ones (G6). */
import { ownCopy } from '../../bus/read/own-copy.ts';

interface Seen {
  readonly text: string;
  count: number;
  /** Counts up with each text that is added. */
  lastAt: number;
}

export class RecentTexts {
  readonly #maxCount: number;
  readonly #seen = new Map<string, Seen>();
  #at = 0;

  constructor(maxCount: number) {
    this.#maxCount = maxCount;
  }

  get size(): number {
    return this.#seen.size;
  }

  /** `isPart`: of a text that is much larger, and not to be kept because of it. */
  add(text: string, isPart: boolean): void {
    this.#at += 1;
    const known = this.#seen.get(text);
    if (known !== undefined) {
      known.count += 1;
      known.lastAt = this.#at;
      return;
    }
    if (this.#seen.size >= this.#maxCount) this.#removeOldest();
    const own = isPart ? ownCopy(text) : text;
    this.#seen.set(own, { text: own, count: 1, lastAt: this.#at });
  }

  /** The last seen last. */
  get texts(): readonly string[] {
    return [...this.#seen.values()].sort((a, b) => a.lastAt - b.lastAt).map(({ text }) => text);
  }

  /** Those seen most often first; of equals the last seen. */
  get byCount(): readonly string[] {
    return [...this.#seen.values()].sort((a, b) => b.count - a.count || b.lastAt - a.lastAt).map(({ text }) => text);
  }

  #removeOldest(): void {
    let oldest: Seen | undefined;
    for (const seen of this.#seen.values()) if (oldest === undefined || seen.lastAt < oldest.lastAt) oldest = seen;
    if (oldest !== undefined) this.#seen.delete(oldest.text);
  }
}

/** Owns which events were seen of late: an event of two files is told once, in bounded memory (G6). */
import { ownCopy } from '../read/own-copy.ts';

/** Copies of one event are neighbours in time: the second comes long before so many others did. */
const REMEMBERED_COUNT = 50_000;

export class RecentIds {
  readonly #maxCount: number;
  /** Of two generations the older is forgotten at once. */
  #young = new Set<string>();
  #old = new Set<string>();

  constructor(maxCount = REMEMBERED_COUNT) {
    this.#maxCount = maxCount;
  }

  /** Whether the id was not there before; from now on it is. */
  add(id: string): boolean {
    if (this.#young.has(id) || this.#old.has(id)) return false;
    this.#young.add(ownCopy(id));
    if (this.#young.size >= this.#maxCount) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    return true;
  }
}

/** Owns the best hits so far, one of each entity, in bounded memory (M2 of `memory-source.ts`). */

import { byScore, type Ranked } from '../by-score.ts';

export interface Scored extends Ranked {
  readonly entity: string;
}

export class BestHits<T extends Scored> {
  readonly #limit: number;
  readonly #byEntity = new Map<string, T>();
  #worst: T | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What it gives way to is forgotten: of an entity that comes back with a better one that one counts. */
  offer(hit: T): void {
    const known = this.#byEntity.get(hit.entity);
    if (known !== undefined) {
      if (byScore(hit, known) < 0) this.#put(hit);
      return;
    }
    if (this.#byEntity.size < this.#limit) {
      this.#put(hit);
      return;
    }
    const worst = (this.#worst ??= this.ranked.at(-1));
    if (worst === undefined || byScore(hit, worst) > 0) return;
    this.#byEntity.delete(worst.entity);
    this.#put(hit);
  }

  get ranked(): readonly T[] {
    return [...this.#byEntity.values()].toSorted(byScore);
  }

  #put(hit: T): void {
    this.#byEntity.set(hit.entity, hit);
    this.#worst = undefined;
  }
}

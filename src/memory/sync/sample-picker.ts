/** Owns some ids out of all that came by: the newest few, and older ones the rarer the longer ago they came (G6). */

const NEWEST = 4;
/** Of those that came at a power of two: 32 are 4,000,000,000. */
const OLDER = 32;

export class SamplePicker {
  #newest: string[] = [];
  #older: string[] = [];
  #count = 0;
  #nextAt = 1;

  get ids(): readonly string[] {
    return [...new Set([...this.#older, ...this.#newest])];
  }

  add(id: string): void {
    this.#count += 1;
    this.#newest = [...this.#newest.slice(1 - NEWEST), id];
    if (this.#count < this.#nextAt) return;
    this.#nextAt = this.#count * 2;
    this.#older = [...this.#older, id].slice(-OLDER);
  }

  keep(isKept: (id: string) => boolean): void {
    this.#older = this.#older.filter(isKept);
    this.#newest = this.#newest.filter(isKept);
  }

  /** Goes on from what another one had. */
  restore(ids: readonly string[]): void {
    this.#older = ids.slice(0, -NEWEST);
    this.#newest = ids.slice(-NEWEST);
    this.#count = 2 ** this.#older.length;
    this.#nextAt = this.#count * 2;
  }
}

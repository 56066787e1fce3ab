/** Owns a set of texts in little memory: 64-bit fingerprints in typed arrays, about 20 bytes each (G6). */

const FIRST_SLOTS = 1 << 12;

export class FingerprintIndex {
  /** Number of the text plus 1, or 0: free. */
  #slots = new Uint32Array(FIRST_SLOTS);
  #high = new Uint32Array(FIRST_SLOTS / 2);
  #low = new Uint32Array(FIRST_SLOTS / 2);
  #count = 0;
  #textHigh = 0;
  #textLow = 0;

  get count(): number {
    return this.#count;
  }

  /** The number of the text, from 0 in the order of adding; -1: it was not added. */
  find(text: string): number {
    this.#digest(text);
    return (this.#slots[this.#slot()] ?? 0) - 1;
  }

  has(text: string): boolean {
    return this.find(text) !== -1;
  }

  /** The number of the text, added if it was not there. */
  add(text: string): number {
    this.#digest(text);
    const slot = this.#slot();
    const found = this.#slots[slot] ?? 0;
    if (found > 0) return found - 1;
    if (this.#count === this.#high.length) {
      this.#grow();
      return this.add(text);
    }
    this.#high[this.#count] = this.#textHigh;
    this.#low[this.#count] = this.#textLow;
    this.#count += 1;
    this.#slots[slot] = this.#count;
    return this.#count - 1;
  }

  /** Where the text that was digested last is, or belongs. */
  #slot(): number {
    const mask = this.#slots.length - 1;
    let slot = this.#textLow & mask;
    for (let number = this.#slots[slot] ?? 0; number !== 0; number = this.#slots[slot] ?? 0) {
      if (this.#low[number - 1] === this.#textLow && this.#high[number - 1] === this.#textHigh) break;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #grow(): void {
    const high = new Uint32Array(this.#high.length * 2);
    high.set(this.#high);
    this.#high = high;
    const low = new Uint32Array(this.#low.length * 2);
    low.set(this.#low);
    this.#low = low;
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let number = 0; number < this.#count; number += 1) {
      this.#textHigh = high[number] ?? 0;
      this.#textLow = low[number] ?? 0;
      this.#slots[this.#slot()] = number + 1;
    }
  }

  #digest(text: string): void {
    const print = fingerprint(text);
    this.#textHigh = print.high;
    this.#textLow = print.low;
  }
}

export interface Fingerprint {
  /** 32 bits each, unsigned. */
  readonly high: number;
  readonly low: number;
}

/** 64 bits of a text, well mixed; not for secrets. */
export const fingerprint = (text: string): Fingerprint => {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    high = Math.imul(high ^ char, 0x9e3779b1);
    low = Math.imul(low ^ char, 0x5f356495);
    high = (high << 13) | (high >>> 19);
    low = (low << 7) | (low >>> 25);
  }
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  low = Math.imul(low ^ (low >>> 16), 0x27d4eb2f) ^ Math.imul(high ^ (high >>> 13), 0x165667b1);
  return { high: high >>> 0, low: low >>> 0 };
};

/** Owns a word in the making, of which nothing is kept but its hash: FNV-1a, 32 bits, over what its characters fold to. */

export const BASIS = 0x81_1c_9d_c5 | 0;
const PRIME = 0x01_00_01_93;
const INVERSE = 0x35_9c_44_9b; // of the prime, modulo 2^32

export const mixed = (hash: number, code: number): number => Math.imul(hash ^ code, PRIME);
/** What it was before that character. */
export const unmixed = (hash: number, code: number): number => Math.imul(hash, INVERSE) ^ code;

/** From the part of an identifier up to a whole path. */
export class Span {
  hash = BASIS;
  start = 0;
  /** How many of the smaller ones it has; 0: it is not open. */
  members = 0;
  /** The number of the first token that was made in it. */
  first = 0;
  chars = 0;

  open(start: number, first: number): void {
    this.hash = BASIS;
    this.start = start;
    this.members = 1;
    this.first = first;
    this.chars = 0;
  }

  mix(code: number): void {
    this.hash = mixed(this.hash, code);
    this.chars += 1;
  }
}

/** Owns the tokens of one text: their hashes, and where each stands. */

export const MAX_TOKENS = 8_192;

/** Good until the next text is read. */
export interface Tokens {
  readonly count: number;
  readonly hashes: Uint32Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/** Made once, filled again for each text. What comes after {@link MAX_TOKENS} is left out. */
export class TokenBuffer implements Tokens {
  readonly hashes = new Uint32Array(MAX_TOKENS);
  readonly starts = new Uint32Array(MAX_TOKENS);
  readonly ends = new Uint32Array(MAX_TOKENS);
  count = 0;

  add(hash: number, start: number, end: number): void {
    const at = this.count;
    if (at >= MAX_TOKENS) return;
    this.hashes[at] = hash;
    this.starts[at] = start;
    this.ends[at] = end;
    this.count = at + 1;
  }
}

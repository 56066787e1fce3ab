/** Owns the last line of every writer in every file that was read: in little memory, since there may be very many (G6). */
import type { ChainHash } from '../../chain.ts';
import { FingerprintIndex } from './fingerprint-index.ts';

export interface LastLine {
  readonly seq: number;
  /** Whether its hash is that one. */
  readonly hasHash: (h: ChainHash) => boolean;
}

/** 48 bits of a hash: enough to tell one from another. */
const digest = (h: ChainHash): number => Number.parseInt(h.slice(0, 12), 16);

export class HeadTable {
  readonly #index = new FingerprintIndex();
  readonly #seqs: number[] = [];
  readonly #hashes: number[] = [];

  /** Each writer of a file once. `h` is `undefined` where the last line could not be read. */
  set(file: string, writer: string, { seq, h }: { readonly seq: number; readonly h: ChainHash | undefined }): void {
    const number = this.#index.add(`${file}\n${writer}`);
    this.#seqs[number] = seq;
    this.#hashes[number] = h === undefined ? -1 : digest(h);
  }

  find(file: string, writer: string): LastLine | undefined {
    const number = this.#index.find(`${file}\n${writer}`);
    if (number === -1) return undefined;
    return { seq: this.#seqs[number] ?? 0, hasHash: (h) => this.#hashes[number] === digest(h) };
  }
}

/** Owns the last line of every writer in every file that was read: in little memory, since there may be very many (G6). */
import type { ChainHash } from '../../chain.ts';
import type { Head } from '../../../model/message.ts';
import { FingerprintIndex } from './fingerprint-index.ts';

const FIRST_COUNT = 1 << 11;

export interface LastLine {
  readonly seq: number;
  /** Whether its hash is that one. */
  readonly hasHash: (h: ChainHash) => boolean;
}

/** 48 bits of a hash: enough to tell one from another. */
const digest = (h: ChainHash): number => Number.parseInt(h.slice(0, 12), 16);

export class HeadTable {
  readonly #index = new FingerprintIndex();
  #seqs = new Float64Array(FIRST_COUNT);
  #hashes = new Float64Array(FIRST_COUNT);

  /** Each writer of a file once. `h` is `undefined` where the last line could not be read. */
  set(file: string, writer: string, { seq, h }: { readonly seq: number; readonly h: ChainHash | undefined }): void {
    const number = this.#index.add(`${file}\n${writer}`);
    if (number === this.#seqs.length) this.#grow();
    this.#seqs[number] = seq;
    this.#hashes[number] = h === undefined ? -1 : digest(h);
  }

  find(file: string, writer: string): LastLine | undefined {
    const number = this.#index.find(`${file}\n${writer}`);
    if (number === -1) return undefined;
    return { seq: this.#seqs[number] ?? 0, hasHash: (h) => this.#hashes[number] === digest(h) };
  }

  /** Whether that is the last line of its writer in its file. */
  holds({ file, writer, seq, h }: Head): boolean {
    const last = this.find(file, writer);
    return last?.seq === seq && last.hasHash(h);
  }

  #grow(): void {
    const seqs = new Float64Array(this.#seqs.length * 2);
    seqs.set(this.#seqs);
    this.#seqs = seqs;
    const hashes = new Float64Array(this.#hashes.length * 2);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
  }
}

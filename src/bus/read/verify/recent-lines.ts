/** Owns the lines of the alpha bus that were read last: what a line tells of others stood there shortly before (G6). */
import type { Head } from '../../../model/message.ts';
import { FingerprintIndex } from './fingerprint-index.ts';

const REMEMBERED_COUNT = 65_536;

const keyOf = ({ writer, seq, h }: Pick<Head, 'writer' | 'seq' | 'h'>): string => `${writer} ${seq} ${h}`;

export class RecentLines {
  /** Of two generations the older is forgotten at once. */
  #young = new FingerprintIndex();
  #old = new FingerprintIndex();

  add(line: Pick<Head, 'writer' | 'seq' | 'h'>): void {
    this.#young.add(keyOf(line));
    if (this.#young.count < REMEMBERED_COUNT) return;
    this.#old = this.#young;
    this.#young = new FingerprintIndex();
  }

  has(head: Head): boolean {
    const key = keyOf(head);
    return this.#young.has(key) || this.#old.has(key);
  }
}

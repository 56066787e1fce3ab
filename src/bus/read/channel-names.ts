/** Owns the names of all channels of a bus: there may be very many, so they are held as bytes (G6). */
import { opendirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../model/error.ts';
import { type BusFileName, channelsDir } from '../layout.ts';

const PLAIN = '.jsonl';
const GZ = '.gz';
const FOLDER = 'channels/';
const ENTRIES_AT_ONCE = 1024;

export class ChannelNames {
  /** File names without `.gz`, in order, each once, one after the other. */
  readonly #names: Buffer;
  /** Where each ends. */
  readonly #ends: Uint32Array;

  private constructor(entries: readonly string[]) {
    this.#names = Buffer.from(entries.join(''), 'utf8');
    this.#ends = new Uint32Array(entries.length);
    let end = 0;
    for (const [number, entry] of entries.entries()) {
      end += Buffer.byteLength(entry);
      this.#ends[number] = end;
    }
  }

  /** Those of a folder without channels: none. @throws a system error. */
  static read(busDir: string): ChannelNames {
    const entries: string[] = [];
    const dir = tryOpenDir(channelsDir(busDir));
    try {
      for (let entry = dir?.readSync() ?? null; entry !== null; entry = dir?.readSync() ?? null) {
        const plain = entry.name.endsWith(GZ) ? entry.name.slice(0, -GZ.length) : entry.name;
        if (plain.endsWith(PLAIN) && !plain.startsWith('.')) entries.push(plain);
      }
    } finally {
      dir?.closeSync();
    }
    entries.sort();
    return new ChannelNames(entries.filter((entry, at) => entry !== entries[at - 1]));
  }

  get count(): number {
    return this.#ends.length;
  }

  /** By number, from 0, in order. */
  at(number: number): BusFileName | undefined {
    const entry = this.#entry(number);
    return entry === undefined ? undefined : `channels/${entry.slice(0, -PLAIN.length)}.jsonl`;
  }

  has(name: string): boolean {
    const wanted = name.slice(FOLDER.length);
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entry(middle) ?? '') < wanted) low = middle + 1;
      else high = middle;
    }
    return name.startsWith(FOLDER) && this.#entry(low) === wanted;
  }

  *[Symbol.iterator](): Generator<BusFileName> {
    for (let number = 0; number < this.count; number += 1) {
      const name = this.at(number);
      if (name !== undefined) yield name;
    }
  }

  #entry(number: number): string | undefined {
    const end = this.#ends[number];
    return end === undefined ? undefined : this.#names.toString('utf8', this.#ends[number - 1] ?? 0, end);
  }
}

const tryOpenDir = (path: string) => {
  try {
    return opendirSync(path, { bufferSize: ENTRIES_AT_ONCE });
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return undefined; // no channel yet
    throw thrown;
  }
};

/** Bytes of all files of a folder, those of folders in it not counted; 0: it is not there. */
export const sizeOfFolder = (path: string): number => {
  const dir = tryOpenDir(path);
  let bytes = 0;
  for (let entry = dir?.readSync() ?? null; entry !== null; entry = dir?.readSync() ?? null) {
    if (entry.isFile()) bytes += statSync(join(path, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  dir?.closeSync();
  return bytes;
};

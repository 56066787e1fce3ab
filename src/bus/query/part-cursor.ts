/**
 * Owns a walk through one part of the bus: what was found in it and not yet taken, and how to go on.
 *
 * P1. What is found is held up to a quota, and a few lines of many without those around them (G6).
 * P2. A parked cursor holds no file and no buffer: only the byte at which it goes on.
 */
import { NikaError } from '../../model/error.ts';
import { type Chunk, readChunks, slicesOf } from '../read/chunks.ts';
import type { BusFilePart } from '../read/files.ts';
import { linesOf } from '../read/lines.ts';
import { firstTs } from './beginning.ts';
import { type LineFilter, tsOf } from './line-filter.ts';
import { rankOf } from './parts.ts';
import { ownCopy } from '../read/own-copy.ts';

export interface FoundLine {
  /** The raw line without its line feed. */
  readonly text: string;
  /** Which of the buses that were asked, from 0. */
  readonly bus: number;
}

export interface CursorOptions {
  readonly part: BusFilePart;
  readonly bus: number;
  readonly filter: LineFilter;
  readonly signal: AbortSignal | undefined;
  /** Told of bytes on disk that are done with. */
  readonly onDone: (bytes: number) => void;
  /** Told of a part that cannot be read to its end; without it that is thrown. */
  readonly onUnreadable: ((error: NikaError) => void) | undefined;
}

interface Held {
  readonly line: FoundLine;
  /** Its time, or that of a line before it where the clock went back: a file is told in its own order. */
  readonly at: string;
}

/** Texts of this size are gone at the next small collection of garbage, and so little is found too much. */
const SLICE_BYTES = 32 * 1024;

const isUnreadable = (thrown: unknown): thrown is NikaError =>
  thrown instanceof NikaError && thrown.code === 'NIKA_BUS_UNREADABLE';

type Reader =
  | { readonly kind: 'parked' }
  | { readonly kind: 'open'; readonly chunks: AsyncGenerator<Chunk>; slices: Generator<Chunk> | undefined }
  | { readonly kind: 'ended' };

export class PartCursor implements AsyncDisposable {
  readonly #options: CursorOptions;
  #reader: Reader = { kind: 'parked' };
  #held: Held[] = [];
  #taken = 0;
  /** Where to go on: uncompressed bytes. */
  #position = 0;
  #donePosition = 0;
  #at: string;

  constructor(options: CursorOptions) {
    this.#options = options;
    this.#at = firstTs(options.part);
  }

  /** Time of the next line that was found; before the first was looked for, a time that none comes before. */
  get at(): string {
    return this.#held[this.#taken]?.at ?? this.#at;
  }

  get isEmpty(): boolean {
    return this.#taken >= this.#held.length;
  }

  get isEnded(): boolean {
    return this.#reader.kind === 'ended';
  }

  get isOpen(): boolean {
    return this.#reader.kind === 'open';
  }

  /** Of lines of the same time those of channels come first: an entity's own order stands in its channel alone. */
  get rank(): number {
    return rankOf(this.#options.part.path);
  }

  get isCompressed(): boolean {
    return this.#options.part.compressed;
  }

  take(): FoundLine | undefined {
    const held = this.#held[this.#taken];
    if (held === undefined) return undefined;
    this.#taken += 1;
    return held.line;
  }

  /** Looks on until about `quotaBytes` were found (P1) or the part ends. */
  async fill(quotaBytes: number): Promise<void> {
    this.#held = [];
    this.#taken = 0;
    let bytes = 0;
    while (bytes < quotaBytes) {
      const slice = await this.#nextSlice();
      if (slice === undefined) return;
      bytes += this.#search(slice);
    }
  }

  /** Lets go of file and buffer (P2). */
  async park(): Promise<void> {
    if (this.#reader.kind !== 'open') return;
    const { chunks } = this.#reader;
    this.#reader = { kind: 'parked' };
    await chunks.return(undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.park();
  }

  /** The next lines of the part; `undefined` at its end. */
  async #nextSlice(): Promise<Chunk | undefined> {
    const { part, signal } = this.#options;
    if (this.#reader.kind === 'ended') return undefined;
    if (this.#reader.kind === 'parked') {
      const options = signal === undefined ? {} : { signal };
      const chunks = readChunks(part, { ...options, fromByte: this.#position });
      this.#reader = { kind: 'open', chunks, slices: undefined };
    }
    const reader = this.#reader;
    for (;;) {
      const slice = reader.slices?.next();
      if (slice?.done === false) return slice.value;
      const chunk = await this.#nextChunk(reader.chunks);
      if (chunk === undefined) break;
      reader.slices = slicesOf(chunk, SLICE_BYTES);
    }
    this.#reader = { kind: 'ended' };
    this.#tellDone(part.sizeBytes);
    return undefined;
  }

  async #nextChunk(chunks: AsyncGenerator<Chunk>): Promise<Chunk | undefined> {
    const { onUnreadable } = this.#options;
    try {
      const { done, value } = await chunks.next();
      return done === true ? undefined : value;
    } catch (thrown) {
      if (onUnreadable === undefined || !isUnreadable(thrown)) throw thrown;
      onUnreadable(thrown);
      return undefined;
    }
  }

  /** Looks through some lines; how many bytes were found. */
  #search(slice: Chunk): number {
    const { filter, bus } = this.#options;
    const found = linesOf(slice).filter(({ kind, text }) => kind !== 'torn' && filter(text));
    const bytes = found.reduce((sum, { text }) => sum + text.length, 0);
    const isSparse = 2 * bytes < slice.bytes.byteLength;
    for (const line of found) {
      const text = isSparse ? ownCopy(line.text) : line.text; // P1
      const ts = tsOf(text);
      if (ts > this.#at) this.#at = ts;
      this.#held.push({ line: { text, bus }, at: this.#at });
    }
    this.#position += slice.bytes.byteLength;
    if (!this.isCompressed) this.#tellDone(this.#position);
    return bytes;
  }

  #tellDone(position: number): void {
    if (position <= this.#donePosition) return;
    this.#options.onDone(position - this.#donePosition);
    this.#donePosition = position;
  }
}

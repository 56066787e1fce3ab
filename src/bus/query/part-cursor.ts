/**
 * Owns a walk through one part of the bus: what was found in it and not yet taken, and how to go on.
 *
 * P1. What is found is held up to a quota, and a few lines of many without those around them (G6).
 * P2. A parked cursor holds no file and no buffer: only the byte at which it goes on. A compressed part cannot go on from
 *     a byte: what is still to be found in it is spilled instead.
 */
import { errnoOf, NikaError } from '../../model/error.ts';
import { type Chunk, readChunks, slicesOf } from '../read/chunks.ts';
import type { BusFilePart } from '../read/files.ts';
import { linesOf } from '../read/lines.ts';
import { firstTimeKey } from './beginning.ts';
import { type LineFilter, timeKeyOf } from './line-filter.ts';
import { rankOf } from './parts.ts';
import type { Spill, Spilled } from './spill.ts';
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

/** Texts of this size are gone at the next small collection of garbage, and so little is found too much. */
const SLICE_BYTES = 32 * 1024;

const isUnreadable = (thrown: unknown): thrown is NikaError =>
  thrown instanceof NikaError && thrown.code === 'NIKA_BUS_UNREADABLE';

type Reader =
  | { readonly kind: 'parked' }
  | { readonly kind: 'open'; readonly chunks: AsyncGenerator<Chunk>; slices: Generator<Chunk> | undefined }
  | { readonly kind: 'spilled'; readonly spill: Spill; readonly run: Spilled }
  | { readonly kind: 'ended' };

export interface LookOptions {
  /** About so many bytes are looked for (P1). */
  readonly quotaBytes: number;
  /** So many are read at once, from when the part is opened. */
  readonly stepBytes: number;
}

export class PartCursor implements AsyncDisposable {
  readonly #options: CursorOptions;
  #reader: Reader = { kind: 'parked' };
  #held: string[] = [];
  /** The time of each, or that of a line before it where the clock went back: a file is told in its own order. */
  #times: number[] = [];
  #taken = 0;
  /** Where to go on: uncompressed bytes. */
  #position = 0;
  #donePosition = 0;
  /** The latest time so far. */
  #latest: number;
  /** Of lines of the same time those of channels come first: an entity's own order stands in its channel alone. */
  readonly rank: number;

  constructor(options: CursorOptions) {
    this.#options = options;
    this.#latest = firstTimeKey(options.part);
    this.rank = rankOf(options.part.path);
  }

  /** Time of the next line that was found; before the first was looked for, a time that none comes before. */
  get at(): number {
    return this.#times[this.#taken] ?? this.#latest;
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

  get isCompressed(): boolean {
    return this.#options.part.compressed;
  }

  take(): FoundLine | undefined {
    const text = this.#held[this.#taken];
    if (text === undefined) return undefined;
    this.#taken += 1;
    return { text, bus: this.#options.bus };
  }

  /** Looks on until enough was found (P1) or the part ends. */
  async lookOn({ quotaBytes, stepBytes }: LookOptions): Promise<void> {
    this.#held = [];
    this.#times = [];
    this.#taken = 0;
    if (this.#reader.kind === 'spilled') {
      this.#hold(this.#reader.spill.take(this.#reader.run, quotaBytes));
      return;
    }
    let bytes = 0;
    while (bytes < quotaBytes) {
      const slice = await this.#nextSlice(stepBytes);
      if (slice === undefined) return;
      const found = this.#search(slice);
      this.#hold(found);
      for (const text of found) bytes += text.length;
    }
  }

  /** Looks through all that is left and puts what it finds there. False: there is no room; then it is as it was. */
  async spill(spill: Spill): Promise<boolean> {
    if (this.#reader.kind !== 'open') return true;
    const position = this.#position;
    const run = spill.begin();
    try {
      for (let slice = await this.#nextSlice(0); slice !== undefined; slice = await this.#nextSlice(0)) {
        spill.append(run, this.#search(slice));
      }
    } catch (thrown) {
      if (errnoOf(thrown) === undefined) throw thrown;
      await this.park();
      this.#position = position;
      return false;
    }
    this.#reader = { kind: 'spilled', spill, run };
    return true;
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

  /** The next lines of the part, opened if it is parked; `undefined` at its end. */
  async #nextSlice(stepBytes: number): Promise<Chunk | undefined> {
    const { part, signal } = this.#options;
    if (this.#reader.kind === 'ended' || this.#reader.kind === 'spilled') return undefined;
    if (this.#reader.kind === 'parked') {
      const options = signal === undefined ? {} : { signal };
      const chunks = readChunks(part, { ...options, fromByte: this.#position, stepBytes });
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

  /** The lines of the slice that are asked for; of few of them each has memory of its own. */
  #search(slice: Chunk): readonly string[] {
    const { filter } = this.#options;
    const found: string[] = [];
    let bytes = 0;
    for (const { kind, text } of linesOf(slice)) {
      if (kind === 'torn' || !filter(text)) continue;
      found.push(text);
      bytes += text.length;
    }
    this.#position += slice.bytes.byteLength;
    if (!this.isCompressed) this.#tellDone(this.#position);
    return 2 * bytes < slice.bytes.byteLength ? found.map(ownCopy) : found; // P1
  }

  #hold(texts: readonly string[]): void {
    for (const text of texts) {
      this.#latest = Math.max(this.#latest, timeKeyOf(text));
      this.#held.push(text);
      this.#times.push(this.#latest);
    }
  }

  #tellDone(position: number): void {
    if (position <= this.#donePosition) return;
    this.#options.onDone(position - this.#donePosition);
    this.#donePosition = position;
  }
}

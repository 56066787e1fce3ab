/**
 * Owns the cutting of a part's bytes into chunks of whole lines, in bounded memory whatever stands in the file (G6).
 *
 * C1. Between two chunks at most {@link HELD_MAX_BYTES} are held. A line longer than that is given out in pieces, each
 *     cut where a line may begin, so that a whole line glued to the end of megabytes of rubbish is still found.
 */
import { type BusFilePart } from './files.ts';
import { openByteSource, STEP_BYTES } from './byte-source.ts';
import { LINE_START } from './salvage.ts';

/** Some lines of a part. Bytes and ends are used again: they hold until the next chunk is asked for. */
export interface Chunk {
  readonly bytes: Buffer;
  /** Where each line ends: the index of its line feed, or of the end of `bytes`. The next one begins after it. */
  readonly ends: Uint32Array;
  readonly count: number;
  /** Number of the first line, from 1 in the part, or in what was asked for of it. */
  readonly firstLine: number;
  /** `lines`: each has its line feed. `rest`: the last line, which has none. `piece`: a part of a line too long (C1). */
  readonly kind: 'lines' | 'rest' | 'piece';
}

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** Where to begin, in uncompressed bytes: the beginning of a line. */
  readonly fromByte?: number;
  /** How many bytes are read at once; a chunk may be as large, or as one line. Less of it takes less memory. */
  readonly stepBytes?: number;
}

const HELD_MAX_BYTES = 1024 * 1024;
/** How much of the end of a piece is looked through for the beginning of a line. */
const TAIL_BYTES = 192 * 1024;
const LINE_FEED = 10;

class LineCutter implements Disposable {
  readonly #stepBytes: number;
  #bytes: Buffer;
  /** How many bytes at the beginning of `bytes` belong to a line whose end was not read yet. */
  held = 0;
  #ends: Uint32Array;
  #line = 1;

  constructor(stepBytes: number) {
    this.#stepBytes = stepBytes;
    this.#bytes = Buffer.allocUnsafeSlow(stepBytes < STEP_BYTES ? 2 * stepBytes : HELD_MAX_BYTES + STEP_BYTES);
    this.#ends = new Uint32Array(stepBytes < STEP_BYTES ? 64 : 1024);
  }

  /** With room for one step more than is held. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Whole lines in the first `filled` bytes, of which those before `held` have no line feed. */
  cut(filled: number): Chunk | undefined {
    let count = 0;
    for (let end = this.bytes.indexOf(LINE_FEED, this.held); end !== -1 && end < filled;) {
      if (count === this.#ends.length) this.#grow();
      this.#ends[count] = end;
      count += 1;
      end = this.bytes.indexOf(LINE_FEED, end + 1);
    }
    if (count === 0) return undefined;
    const last = (this.#ends[count - 1] ?? 0) + 1;
    return this.#chunk('lines', last, count);
  }

  /** All but the end of a line that is too long (C1). */
  piece(filled: number): Chunk {
    const candidate = this.bytes.subarray(0, filled).indexOf(LINE_START, filled - TAIL_BYTES, 'latin1');
    this.#ends[0] = candidate === -1 ? filled - TAIL_BYTES : candidate;
    return this.#chunk('piece', this.#ends[0], 1);
  }

  rest(): Chunk {
    this.#ends[0] = this.held;
    return this.#chunk('rest', this.held, 1);
  }

  /** Gives it back, ready for another part. */
  [Symbol.dispose](): void {
    this.held = 0;
    this.#line = 1;
    if (this.#stepBytes === STEP_BYTES && spareCutters.length < MAX_SPARE_CUTTERS) spareCutters.push(this);
  }

  /** Moves what follows the chunk to the beginning. */
  keep(from: number, filled: number): void {
    this.#bytes.copyWithin(0, from, filled);
    this.held = filled - from;
    if (this.held + this.#stepBytes <= this.#bytes.byteLength) return;
    const grown = Buffer.allocUnsafeSlow(Math.min(2 * this.#bytes.byteLength, HELD_MAX_BYTES + this.#stepBytes));
    this.#bytes.copy(grown, 0, 0, this.held);
    this.#bytes = grown;
  }

  #chunk(kind: Chunk['kind'], end: number, count: number): Chunk {
    const firstLine = this.#line;
    if (kind === 'lines') this.#line += count;
    return { bytes: this.bytes.subarray(0, end), ends: this.#ends, count, firstLine, kind };
  }

  #grow(): void {
    const grown = new Uint32Array(this.#ends.length * 2);
    grown.set(this.#ends);
    this.#ends = grown;
  }
}

/** Cutters of parts that are done: with thousands of small files, making them anew would cost more than reading. */
const spareCutters: LineCutter[] = [];
const MAX_SPARE_CUTTERS = 2;

/** The chunk in smaller ones of whole lines: about `sizeBytes` each, or one line. */
export function* slicesOf(chunk: Chunk, sizeBytes: number): Generator<Chunk> {
  const { bytes, ends, count, firstLine, kind } = chunk;
  if (kind !== 'lines') {
    yield chunk;
    return;
  }
  for (let from = 0, start = 0; from < count;) {
    let to = from + 1;
    while (to < count && (ends[to] ?? 0) - start < sizeBytes) to += 1;
    const end = (ends[to - 1] ?? 0) + 1;
    const own = ends.slice(from, to).map((at) => at - start);
    yield { kind, bytes: bytes.subarray(start, end), ends: own, count: to - from, firstLine: firstLine + from };
    from = to;
    start = end;
  }
}

/**
 * The lines of a part as bytes. Memory: about 2 MiB, or a few times `stepBytes`.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason when it is aborted.
 */
export async function* readChunks(part: BusFilePart, options: ReadOptions = {}): AsyncGenerator<Chunk> {
  const { signal, fromByte = 0, stepBytes = STEP_BYTES } = options;
  await using source = await openByteSource(part, { fromByte, stepBytes });
  using cutter = (stepBytes === STEP_BYTES ? spareCutters.pop() : undefined) ?? new LineCutter(stepBytes);
  for (;;) {
    signal?.throwIfAborted();
    const count = await source.read(cutter.bytes, cutter.held);
    if (count === 0) break;
    const filled = cutter.held + count;
    const chunk = cutter.cut(filled) ?? (filled > HELD_MAX_BYTES ? cutter.piece(filled) : undefined);
    if (chunk !== undefined) yield chunk;
    cutter.keep(chunk?.bytes.byteLength ?? 0, filled);
  }
  if (cutter.held > 0) yield cutter.rest();
}

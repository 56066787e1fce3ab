/**
 * Owns the reading of lines of some types from a file of the bus, from a place on: for whoever adds up what stands there
 * and goes on later. Nearly all bytes hold no such line, and are passed over as bytes.
 *
 * G1. Read is what was there when it began, up to the last whole line: two who begin at the same time end at one place.
 */
import { ALPHA, type BusFileName } from '../layout.ts';
import { type Chunk, readChunks, slicesOf } from '../read/chunks.ts';
import { type BusFilePart, findBusFile } from '../read/files.ts';
import { linesOf } from '../read/lines.ts';
import { beginningOf, type BusPlace, partsFrom, type PartsFromOptions } from './bus-place.ts';
import { typeFilter } from './line-filter.ts';

export interface ReadTypesOptions extends PartsFromOptions {
  readonly busDir: string;
  readonly types: readonly string[];
  /** Default: the alpha bus. */
  readonly file?: BusFileName;
  /** Parts for which it says no are passed over. `begins`: as in a place. */
  readonly wants?: (part: BusFilePart, begins: string) => boolean;
  /** Told of bytes on disk as they were read. */
  readonly onRead?: (bytes: number, totalBytes: number) => void;
}

export interface TypedLines {
  /** Those of the types; often none. */
  readonly texts: readonly string[];
  /** Behind them: where to go on. */
  readonly end: BusPlace;
  /** When that part of the file was last written to, as it was listed. */
  readonly changedAtMs: number;
}

const SLICE_BYTES = 32 * 1024;

const markOf = (type: string): Buffer => Buffer.from(`"type":${JSON.stringify(type)}`);

/** What of a chunk lies before a byte, in whole lines; `undefined`: nothing (G1). */
const before = (chunk: Chunk, bytes: number): Chunk | undefined => {
  if (chunk.bytes.byteLength <= bytes) return chunk;
  let count = 0;
  while (count < chunk.count && (chunk.ends[count] ?? Infinity) < bytes) count += 1;
  if (chunk.kind !== 'lines' || count === 0) return undefined;
  return { ...chunk, count, bytes: chunk.bytes.subarray(0, (chunk.ends[count - 1] ?? 0) + 1) };
};

class PartReader {
  readonly #marks: readonly Buffer[];
  readonly #filters: readonly ((text: string) => boolean)[];

  constructor(types: readonly string[]) {
    this.#marks = types.map(markOf);
    this.#filters = types.map(typeFilter);
  }

  /** From that byte to where the part ended when it was listed. */
  async *read(part: BusFilePart, fromByte: number, signal: AbortSignal): AsyncGenerator<TypedLines> {
    const begins = await beginningOf(part, signal);
    let byte = fromByte;
    for await (const whole of readChunks(part, { fromByte, signal })) {
      const chunk = part.compressed ? whole : before(whole, part.sizeBytes - byte);
      if (chunk === undefined) return;
      if (chunk.kind === 'rest' && !part.compressed) return; // it may still be written to: it is read again
      byte += chunk.bytes.byteLength;
      yield { texts: this.#wantedOf(chunk), end: { begins, byte }, changedAtMs: part.mtimeMs };
      if (chunk !== whole) return;
    }
  }

  #wantedOf(chunk: Chunk): readonly string[] {
    if (!this.#hasMark(chunk.bytes)) return [];
    const texts: string[] = [];
    for (const slice of slicesOf(chunk, SLICE_BYTES)) {
      if (!this.#hasMark(slice.bytes)) continue;
      for (const { kind, text } of linesOf(slice)) {
        if (kind !== 'torn' && this.#filters.some((filter) => filter(text))) texts.push(text);
      }
    }
    return texts;
  }

  #hasMark(bytes: Buffer): boolean {
    return this.#marks.some((mark) => bytes.includes(mark));
  }
}

/**
 * Piece by piece, in the order of writing. `lost`: the place to begin at is not there any more.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason when it is aborted.
 */
export async function* readTypes(options: ReadTypesOptions): AsyncGenerator<TypedLines | 'lost'> {
  const { busDir, types, file: name = ALPHA, signal, wants, onRead } = options;
  const file = findBusFile(busDir, name);
  if (file === undefined) return;
  const found = await partsFrom(options, file.parts);
  if (found === undefined) {
    yield 'lost';
    return;
  }
  const reader = new PartReader(types);
  const totalBytes = found.parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let { fromByte } = found;
  let readBytes = 0;
  for (const part of found.parts) {
    if (wants === undefined || wants(part, await beginningOf(part, signal))) {
      for await (const piece of reader.read(part, fromByte, signal)) {
        yield piece;
        if (!part.compressed) onRead?.(readBytes + piece.end.byte, totalBytes);
      }
    }
    fromByte = 0;
    readBytes += part.sizeBytes;
    onRead?.(readBytes, totalBytes);
  }
}

/** Where the file ends now; `undefined`: nothing stands there. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
export const endOf = async (busDir: string, signal: AbortSignal, name = ALPHA): Promise<BusPlace | undefined> => {
  const part = findBusFile(busDir, name)?.parts.at(-1);
  if (part === undefined || part.compressed || part.sizeBytes === 0) return undefined;
  return { begins: await beginningOf(part, signal), byte: part.sizeBytes };
};

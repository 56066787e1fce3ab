/**
 * Owns one file of the bus that is being followed: how far it was read, and what happened to it since.
 *
 * F1. A line counts once its line feed is there, or once it parses without; a torn end is read again with what follows.
 * F2. What a file is, its beginning tells, not its name or inode: a full alpha bus goes on under another name, and a
 *     removed file's inode is soon another file's.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ALPHA, segmentFile } from '../layout.ts';
import { type Chunk, readChunks } from '../read/chunks.ts';
import type { BusFilePart } from '../read/files.ts';
import { linesOf } from '../read/lines.ts';
import { segmentNumbers } from '../segments.ts';
import { BEGINNING_BYTES, tryReadBeginning } from './beginning.ts';

interface Look {
  readonly part: BusFilePart;
  readonly beginning: Buffer;
}

/** A line is at most this long, so its beginning is not further back. */
const ALIGN_BYTES = 128 * 1024;
const LINE_FEED = 10;

const readAt = (fd: number, position: number, count: number): Buffer => {
  const buffer = Buffer.alloc(count);
  return buffer.subarray(0, readSync(fd, buffer, 0, count, position));
};

/** All of one file, whatever its name becomes meanwhile; `undefined`: there is none, or it may not be read. */
const tryWithFile = <T>(path: string, use: (fd: number) => T): T | undefined => {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined; // removed, renamed or compressed: an expected state of a followed file
  }
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
};

const look = (path: string, fd: number): Look => {
  const { size, mtimeMs, ino } = fstatSync(fd);
  return {
    part: { path, compressed: false, sizeBytes: size, mtimeMs, ino },
    beginning: readAt(fd, 0, BEGINNING_BYTES),
  };
};

const isSame = (beginning: Buffer, known: Buffer): boolean => beginning.subarray(0, known.byteLength).equals(known);

/** Where the last line begins that has no line feed; the end, where each has one. */
const endOfLines = (fd: number, sizeBytes: number): number => {
  if (sizeBytes === 0 || readAt(fd, sizeBytes - 1, 1)[0] === LINE_FEED) return sizeBytes;
  const from = Math.max(0, sizeBytes - ALIGN_BYTES);
  const feed = readAt(fd, from, sizeBytes - from).lastIndexOf(LINE_FEED);
  return feed === -1 && from > 0 ? sizeBytes : from + feed + 1;
};

/** Where in a file the follower is. */
interface Place {
  readonly part: BusFilePart;
  /** Uncompressed bytes. */
  position: number;
}

async function* readOn(place: Place, signal: AbortSignal): AsyncGenerator<readonly string[]> {
  for await (const chunk of readChunks(place.part, { fromByte: place.position, signal })) {
    const lines = linesOf(chunk);
    const texts = lines.flatMap(({ kind, text }) => (kind === 'torn' ? [] : [text]));
    if (texts.length > 0) yield texts;
    if (isOver(chunk, lines)) place.position += chunk.bytes.byteLength; // F1
  }
}

export class FollowedFile {
  readonly #path: string;
  #position = 0;
  #beginning: Buffer = Buffer.alloc(0);
  /** Of the alpha bus: the newest segment that was read, or was there before. */
  #lastSegment = 0;
  #leftSegment: Place | undefined;

  /** Follows what is there from its beginning, or, as of now, from its end. */
  constructor(path: string, from: 'beginning' | 'end') {
    this.#path = path;
    if (from === 'end') this.#skipToEnd();
    if (this.#isAlpha) this.#lastSegment = this.#segments().at(-1) ?? 0;
  }

  /** Whole lines that came since the last time; some may come twice (F1). */
  async *readNew(signal: AbortSignal): AsyncGenerator<readonly string[]> {
    yield* this.#readSegments(signal);
    const seen = tryWithFile(this.#path, (fd) => look(this.#path, fd));
    if (seen === undefined || !isSame(seen.beginning, this.#beginning)) {
      yield* this.#readSegments(signal); // it became one just now
      this.#restart();
    }
    if (seen === undefined) return;
    this.#beginning = seen.beginning;
    const { part } = seen;
    if (part.sizeBytes < this.#position) this.#position = part.sizeBytes; // its end was cut off: what was told, was told
    if (part.sizeBytes === this.#position) return;
    const place = { part, position: this.#position };
    try {
      yield* readOn(place, signal);
    } finally {
      this.#position = place.position;
    }
  }

  get #isAlpha(): boolean {
    return basename(this.#path) === ALPHA;
  }

  #segments(): readonly number[] {
    try {
      return segmentNumbers(dirname(this.#path));
    } catch {
      return []; // the folder is gone or not there yet
    }
  }

  #skipToEnd(): void {
    tryWithFile(this.#path, (fd) => {
      const { part, beginning } = look(this.#path, fd);
      this.#position = endOfLines(fd, part.sizeBytes);
      this.#beginning = beginning;
    });
  }

  #restart(): void {
    this.#position = 0;
    this.#beginning = Buffer.alloc(0);
  }

  /** What the alpha bus left behind when it became a segment, and all segments that came after it, compressed or not (F2). */
  async *#readSegments(signal: AbortSignal): AsyncGenerator<readonly string[]> {
    if (!this.#isAlpha) return;
    // A writer looks each millisecond whether the file was renamed: till then its lines go to the segment.
    const left = this.#leftSegment;
    if (left !== undefined && tryReadBeginning(left.part) !== undefined) yield* readOn(left, signal);
    const segments = this.#segments();
    this.#lastSegment = Math.min(this.#lastSegment, segments.at(-1) ?? 0); // a folder made anew counts from 1 again
    for (const number of segments.filter((number) => number > this.#lastSegment)) {
      this.#lastSegment = number;
      const segment = this.#placeIn(number);
      if (segment === undefined) continue;
      this.#leftSegment = segment;
      yield* readOn(segment, signal);
    }
  }

  /** Where a segment is to be read on: at the beginning, if it is not what was followed until now. */
  #placeIn(number: number): Place | undefined {
    const plain = join(dirname(this.#path), segmentFile(number));
    const candidates = [
      { path: plain, compressed: false },
      { path: `${plain}.gz`, compressed: true },
    ];
    for (const candidate of candidates) {
      const beginning = tryReadBeginning(candidate);
      if (beginning === undefined) continue;
      const part = { ...candidate, sizeBytes: 0, mtimeMs: 0 };
      const isMine = this.#beginning.byteLength > 0 && isSame(beginning, this.#beginning);
      const position = isMine ? this.#position : 0;
      if (isMine) this.#restart();
      return { part, position };
    }
    return undefined;
  }
}

const isOver = (chunk: Chunk, lines: ReturnType<typeof linesOf>): boolean =>
  chunk.kind !== 'rest' || lines.every(({ kind }) => kind !== 'torn');

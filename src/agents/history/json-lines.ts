/**
 * Owns the reading of a file of JSON lines: piece by piece, each line with its number.
 *
 * J1. Memory holds one piece and one line (G6); a line that is longer than {@link MAX_LINE_BYTES} is passed over and told.
 * J2. No descriptor is held between two pieces: a session may have hundreds of files.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { errorMessage } from '../../model/error.ts';
import { isFields } from './fields.ts';
import { type Fields } from '../read-fields.ts';
import type { ReadOptions } from './told.ts';

const FIRST_PIECE_BYTES = 64 * 1024;
const PIECE_BYTES = 1024 * 1024;
export const MAX_LINE_BYTES = 64 * 1024 * 1024;
const LINE_FEED = 10;

const tryParse = (text: string): Fields | string => {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : 'it is no JSON object';
  } catch (thrown) {
    return (
      errorMessage(thrown)
        .split('\n', 1)[0]
        ?.replace(/, ".*$/s, '') ?? 'it is no JSON'
    );
  }
};

export class JsonLines {
  readonly path: string;
  readonly #options: ReadOptions;
  /** Where to read on. */
  #position = 0;
  #pieceBytes = FIRST_PIECE_BYTES;
  /** What was read and not given yet. */
  #rest: Buffer = Buffer.alloc(0);
  #at = 0;
  #isAtEnd = false;
  #line = 0;
  /** Bytes of a line that is too long, so far. */
  #skippedBytes = 0;

  constructor(path: string, options: ReadOptions) {
    this.path = path;
    this.#options = options;
  }

  /** Number of the line that was given last. */
  get line(): number {
    return this.#line;
  }

  /** The next line that is a JSON object; what is none is told. `undefined` at the end. */
  next(): Fields | undefined {
    for (;;) {
      const end = this.#rest.indexOf(LINE_FEED, this.#at);
      if (end === -1 && !this.#isAtEnd) {
        this.#readOn();
        continue;
      }
      if (end === -1 && this.#at >= this.#rest.length) return undefined;
      const found = this.#take(end === -1 ? this.#rest.length : end, end === -1);
      if (found !== undefined) return found;
    }
  }

  #take(end: number, isLast: boolean): Fields | undefined {
    const start = this.#at;
    this.#at = end + 1;
    this.#line += 1;
    if (this.#skippedBytes > 0) {
      this.#skippedBytes = 0;
      this.#tell(`it has more than ${MAX_LINE_BYTES / 1024 / 1024} MiB`);
      return undefined;
    }
    const text = this.#rest.toString('utf8', start, end);
    if (text.trim() === '') return undefined;
    const parsed = tryParse(text);
    if (typeof parsed !== 'string') return parsed;
    if (!(isLast && this.#options.isOpen)) this.#tell(isLast ? `it is cut off: ${parsed}` : parsed);
    return undefined;
  }

  #tell(why: string): void {
    this.#options.onUnreadable({ file: this.path, line: this.#line, why });
  }

  #readOn(): void {
    const kept = this.#rest.subarray(this.#at);
    const isTooLong = kept.length > MAX_LINE_BYTES;
    if (isTooLong) this.#skippedBytes += kept.length;
    const piece = this.#readPiece();
    this.#rest = isTooLong || kept.length === 0 ? piece : Buffer.concat([kept, piece]);
    this.#at = 0;
    // A line of many pieces would be put together again and again.
    this.#pieceBytes = Math.max(Math.min(PIECE_BYTES, this.#pieceBytes * 2), this.#rest.length);
  }

  #readPiece(): Buffer {
    const buffer = Buffer.allocUnsafe(this.#pieceBytes);
    try {
      const fd = openSync(this.path, 'r');
      try {
        const count = readSync(fd, buffer, 0, buffer.length, this.#position);
        this.#position += count;
        this.#isAtEnd = count === 0;
        this.#options.onBytes(count);
        return buffer.subarray(0, count);
      } finally {
        closeSync(fd);
      }
    } catch (thrown) {
      this.#isAtEnd = true;
      this.#options.onUnreadable({ file: this.path, line: 0, why: errorMessage(thrown) });
      return buffer.subarray(0, 0);
    }
  }
}

const nothing = (): void => undefined;

/** At most the first so many lines of a file, for a look at how it begins. Nothing is told. */
export function* firstLines(path: string, count: number): Generator<Fields> {
  const lines = new JsonLines(path, { isOpen: true, onUnreadable: nothing, onBytes: nothing });
  for (let at = 0; at < count; at += 1) {
    const record = lines.next();
    if (record === undefined) return;
    yield record;
  }
}

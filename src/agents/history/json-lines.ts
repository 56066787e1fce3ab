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

/** Of hundreds of files of subagents each is begun at once. */
const FIRST_PIECE_BYTES = 16 * 1024;
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
  #piece: Buffer = Buffer.alloc(0);
  /** What of it was given. */
  #at = 0;
  /** How the line began, in the pieces before. */
  #begun: Buffer[] = [];
  #begunBytes = 0;
  #isAtEnd = false;
  #line = 0;

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
      const end = this.#piece.indexOf(LINE_FEED, this.#at);
      if (end === -1 && !this.#isAtEnd) {
        this.#begin(this.#piece.subarray(this.#at));
        this.#readPiece();
        continue;
      }
      if (end === -1 && this.#at >= this.#piece.length && this.#begunBytes === 0) return undefined;
      const isLast = end === -1;
      const found = this.#take(this.#piece.subarray(this.#at, isLast ? this.#piece.length : end), isLast);
      this.#at = isLast ? this.#piece.length : end + 1;
      if (found !== undefined) return found;
    }
  }

  /** A line goes on in the next piece. */
  #begin(part: Buffer): void {
    this.#begunBytes += part.length;
    if (this.#begunBytes > MAX_LINE_BYTES) this.#begun = []; // J1
    else if (part.length > 0) this.#begun.push(part);
  }

  #take(rest: Buffer, isLast: boolean): Fields | undefined {
    const begun = this.#begun;
    const bytes = this.#begunBytes + rest.length;
    this.#begun = [];
    this.#begunBytes = 0;
    this.#line += 1;
    if (bytes > MAX_LINE_BYTES) {
      this.#tell(`it has more than ${MAX_LINE_BYTES / 1024 / 1024} MiB`);
      return undefined;
    }
    const text = (begun.length === 0 ? rest : Buffer.concat([...begun, rest])).toString('utf8');
    if (text.trim() === '') return undefined;
    const parsed = tryParse(text);
    if (typeof parsed !== 'string') return parsed;
    if (!(isLast && this.#options.isOpen)) this.#tell(isLast ? `it is cut off: ${parsed}` : parsed);
    return undefined;
  }

  #tell(why: string): void {
    this.#options.onUnreadable({ file: this.path, line: this.#line, why });
  }

  #readPiece(): void {
    const buffer = Buffer.allocUnsafe(this.#pieceBytes);
    this.#pieceBytes = Math.min(PIECE_BYTES, this.#pieceBytes * 4);
    this.#at = 0;
    this.#piece = buffer.subarray(0, this.#readInto(buffer));
    this.#isAtEnd = this.#piece.length === 0;
  }

  #readInto(buffer: Buffer): number {
    try {
      const fd = openSync(this.path, 'r');
      try {
        const count = readSync(fd, buffer, 0, buffer.length, this.#position);
        this.#position += count;
        this.#options.onBytes(count);
        return count;
      } finally {
        closeSync(fd);
      }
    } catch (thrown) {
      this.#options.onUnreadable({ file: this.path, line: 0, why: errorMessage(thrown) });
      return 0;
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

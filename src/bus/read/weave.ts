/**
 * Owns what weaves a session into the alpha bus (G8): its first and its last line name the line that was the last one
 * before them, and the head of every writer that had come since.
 *
 * A1. `alpha_head` is the last whole line when it was read, `seen` the last line of each other writer after what is told
 *     already: one line of this kind tells, by way of those it names, of all that stood before its `alpha_head`.
 * A2. So it is read backward only to the nearest `alpha_head` of such a line. Of a line that was read before and written
 *     after another one, nothing is taken to be told that it had not read.
 * A3. It is bounded: {@link MAX_BYTES}, {@link MAX_MS}, and {@link MAX_SEEN}. What lies beyond is not told.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Head } from '../../model/message.ts';
import { ALPHA, busPath, segmentNumber } from '../layout.ts';
import { HASH_SUFFIX_CHARS, tryParseLine } from '../line.ts';
import { linesBackward } from './backward-lines.ts';
import { type LineHeader, tryReadHeader } from './verify/form.ts';

/** As it stands in `data` of a session's first and last line. */
export interface Weave {
  readonly alpha_head: Head | null;
  readonly seen: Head[];
}

const MAX_BYTES = 16 * 1024 * 1024;
const MAX_MS = 50;
const MAX_SEEN = 1000;
const CHECK_EVERY_LINES = 256;
const HASH_AT_END = /^,"h":"([0-9a-f]{64})"\}$/;

const headOf = (text: string, { writer, seq }: LineHeader): Head | undefined => {
  const h = HASH_AT_END.exec(text.slice(-HASH_SUFFIX_CHARS))?.[1];
  return h === undefined ? undefined : { file: ALPHA, writer, seq, h };
};

const keyOf = (writer: unknown, seq: unknown): string => `${String(writer)} ${String(seq)}`;

/** The line that a session's first or last line has read last, by its key, if it tells all that it saw (A2). */
const readPointOf = (text: string, { type }: LineHeader): string | undefined => {
  if (type !== 'session_start' && type !== 'session_end_summary') return undefined;
  const data = text.includes('"seen":[') ? tryParseLine(text)?.data : undefined;
  if (!Array.isArray(data?.['seen'])) return undefined;
  const head = data['alpha_head'];
  if (typeof head !== 'object' || head === null || !('writer' in head && 'seq' in head)) return undefined;
  return keyOf(head.writer, head.seq);
};

/** The alpha bus and its segments, the last one first, as far as they are not compressed. */
const plainParts = (busDir: string): readonly string[] => {
  const numbered = readdirSync(busDir).flatMap((name) => {
    const number = segmentNumber(name);
    return number === undefined ? [] : [{ name, number }];
  });
  const names = numbered.sort((a, b) => b.number - a.number).map(({ name }) => name);
  const packed = names.findIndex((name) => name.endsWith('.gz'));
  const plain = packed === -1 ? names : names.slice(0, packed);
  const alpha = busPath(busDir, ALPHA);
  const isThere = statSync(alpha, { throwIfNoEntry: false }) !== undefined;
  return [...(isThere ? [alpha] : []), ...plain.map((name) => join(busDir, name))];
};

class WeaveReader {
  readonly #own: string;
  readonly #seen = new Map<string, Head>();
  readonly #readPoints = new Set<string>();
  readonly #untilMs = performance.now() + MAX_MS;
  #bytes = 0;
  #lineCount = 0;
  #last: Head | null = null;

  constructor(own: string) {
    this.#own = own;
  }

  get weave(): Weave {
    return { alpha_head: this.#last, seen: [...this.#seen.values()] };
  }

  /** False: that is enough (A2, A3). */
  add(text: string): boolean {
    this.#bytes += text.length;
    this.#lineCount += 1;
    const header = tryReadHeader(text);
    const head = header === undefined ? undefined : headOf(text, header);
    if (header !== undefined && head !== undefined) {
      if (this.#readPoints.has(keyOf(head.writer, head.seq))) return false;
      this.#last ??= head;
      if (head.writer !== this.#own && !this.#seen.has(head.writer)) this.#seen.set(head.writer, head);
      const readPoint = readPointOf(text, header);
      if (readPoint !== undefined) this.#readPoints.add(readPoint);
    }
    const isLate = this.#lineCount % CHECK_EVERY_LINES === 0 && performance.now() > this.#untilMs;
    return !isLate && this.#bytes < MAX_BYTES && this.#seen.size < MAX_SEEN;
  }
}

/**
 * What a line of the writer `own` is to tell of the alpha bus as it is now. Light, since every pod starts and ends with it:
 * usually a few kB are read (A2). Never throws: what cannot be read is not told.
 */
export const readWeave = (busDir: string, own: string): Weave => {
  const reader = new WeaveReader(own);
  try {
    for (const path of plainParts(busDir)) {
      for (const text of linesBackward(path, MAX_BYTES)) if (!reader.add(text)) return reader.weave;
    }
  } catch {
    // no bus yet, or it cannot be read: the session goes on without (G1)
  }
  return reader.weave;
};

/** So many heads of 135 bytes have room in a line beside what else it tells. */
export const SEEN_PER_LINE = 100;

/**
 * Owns the lines of a part of the bus as text, the salvaged ones too (design, section 5), for all who read messages.
 *
 * R1. Every whole line is given, in order; glued to a torn one or without its line feed it is `salvaged` or `whole` all the same.
 * R2. `whole` by its form: it begins and ends as a line does and nothing else begins within. Only lines of doubtful form
 *     are parsed here; a line that was damaged inside may still not parse.
 */
import { HASH_SUFFIX_CHARS, tryParseLine } from '../line.ts';
import { type Chunk, readChunks, type ReadOptions, slicesOf } from './chunks.ts';
import type { BusFilePart } from './files.ts';
import { LINE_START, salvage } from './salvage.ts';

export interface RawLine {
  /** Shares the memory of its whole batch (about 64 kB): whoever keeps a few of many should copy them. */
  readonly text: string;
  /** From 1 in its part. Pieces of one line bear the same number. */
  readonly line: number;
  /** `salvaged`: cut out of a line that does not parse. `torn`: what else was in it, never a message. */
  readonly kind: 'whole' | 'salvaged' | 'torn';
}

export type { ReadOptions } from './chunks.ts';

/** Texts of this size are gone at the next small collection of garbage; larger ones pile up. */
const SLICE_BYTES = 64 * 1024;
const SUFFIX_START = ',"h":"';
const SUFFIX_END = '"}';

const endsAsLine = (text: string, start: number, end: number): boolean =>
  text.startsWith(SUFFIX_START, Math.max(start, end - HASH_SUFFIX_CHARS)) && text.startsWith(SUFFIX_END, end - 2);

/** One line that does not look like one: parsed, else cut into what can be read of it. */
const addDoubtful = (lines: RawLine[], text: string, line: number): void => {
  if (text === '') return;
  if (tryParseLine(text) !== undefined) {
    lines.push({ text, line, kind: 'whole' });
    return;
  }
  for (const { start, end, kind } of salvage(text)) {
    lines.push({ text: text.slice(start, end), line, kind: kind === 'whole' ? 'salvaged' : 'torn' });
  }
};

const addLines = (lines: RawLine[], chunk: Chunk): void => {
  const text = chunk.bytes.toString('utf8');
  let line = chunk.firstLine;
  let begins = text.indexOf(LINE_START);
  for (let start = 0; start < text.length; line += 1) {
    const feed = text.indexOf('\n', start);
    const end = feed === -1 ? text.length : feed;
    const isBegun = begins === start;
    while (begins !== -1 && begins <= start) begins = text.indexOf(LINE_START, begins + 1);
    const isAlone = begins === -1 || begins > end;
    if (isBegun && isAlone && endsAsLine(text, start, end))
      lines.push({ text: text.slice(start, end), line, kind: 'whole' });
    else addDoubtful(lines, text.slice(start, end), line);
    start = end + 1;
  }
};

/** The lines of a chunk as text, for whoever must know where in the file each of them stands. */
export const linesOf = (chunk: Chunk): readonly RawLine[] => {
  const lines: RawLine[] = [];
  if (chunk.kind === 'lines') addLines(lines, chunk);
  else addDoubtful(lines, chunk.bytes.toString('utf8'), chunk.firstLine);
  return lines;
};

/**
 * The lines of a part in batches of about 64 kB. Empty lines are nothing.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason when it is aborted.
 */
export async function* readLines(part: BusFilePart, options: ReadOptions = {}): AsyncGenerator<readonly RawLine[]> {
  for await (const chunk of readChunks(part, options)) {
    for (const slice of slicesOf(chunk, SLICE_BYTES)) {
      const lines = linesOf(slice);
      if (lines.length > 0) yield lines;
    }
  }
}

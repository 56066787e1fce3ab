/** Owns the last line of the alpha bus: what a session's first line is woven to. Light, since every pod starts with it. */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Head } from '../../model/message.ts';
import { ALPHA, segmentNumber } from '../layout.ts';
import { LINE_MAX_BYTES, tryParseLine } from '../line.ts';
import { salvage } from './salvage.ts';

/** Enough for nearly all lines; the second try is enough for any. */
const TAIL_BYTES = [8 * 1024, 3 * LINE_MAX_BYTES];

const headOf = (text: string): Head | undefined => {
  const line = tryParseLine(text);
  return line === undefined ? undefined : { file: ALPHA, writer: line.writer, seq: line.seq, h: line.h };
};

/** The head of the last whole line in `text`, which may begin within a line and end with a torn one. */
const lastHeadIn = (text: string): Head | undefined => {
  for (const candidate of text.split('\n').reverse()) {
    const whole = headOf(candidate);
    if (whole !== undefined) return whole;
    const piece = salvage(candidate).findLast(({ kind }) => kind === 'whole');
    if (piece !== undefined) return headOf(candidate.slice(piece.start, piece.end));
  }
  return undefined;
};

const lastHeadOf = (path: string): Head | undefined => {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    for (const wanted of TAIL_BYTES) {
      const tail = Buffer.alloc(Math.min(wanted, size));
      const count = readSync(fd, tail, 0, tail.byteLength, size - tail.byteLength);
      const head = lastHeadIn(tail.toString('utf8', 0, count));
      if (head !== undefined || size <= wanted) return head;
    }
    return undefined;
  } finally {
    closeSync(fd);
  }
};

const lastSegment = (dir: string): string | undefined => {
  const numbered = readdirSync(dir).flatMap((name) => {
    const number = segmentNumber(name);
    return number === undefined ? [] : [{ name, number }];
  });
  const last = numbered.sort((a, b) => a.number - b.number).at(-1);
  return last === undefined || last.name.endsWith('.gz') ? undefined : join(dir, last.name);
};

const tryLastHeadOf = (path: string | undefined): Head | undefined => {
  try {
    return path === undefined ? undefined : lastHeadOf(path);
  } catch {
    return undefined; // not there, or not readable: the session begins without a head
  }
};

const tryLastSegment = (dir: string): string | undefined => {
  try {
    return lastSegment(dir);
  } catch {
    return undefined; // no bus yet
  }
};

/**
 * The head of the last whole line on the alpha bus, by whomever; `path` is that of `alpha_bus.jsonl`. Where that is
 * empty or not there, of the last full segment, if it is not compressed; else `null`. Reads the end of the file only
 * (well under a millisecond) and never throws.
 */
export const readLastHead = (path: string): Head | null =>
  tryLastHeadOf(path) ?? tryLastHeadOf(tryLastSegment(dirname(path))) ?? null;

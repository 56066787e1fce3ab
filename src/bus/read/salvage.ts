/**
 * Owns what can be read of a line that is none: a torn one with whole ones glued to it (design, section 5).
 *
 * S1. A piece is whole only if it parses as a bus line. Within torn text it must also end where the line ends or where
 *     something new begins, so that an object inside a torn body is not taken for a line.
 * S2. The work is bounded, whatever the text.
 */
import { tryParseLine } from '../line.ts';

/** Each line begins so. Inside a JSON string its quotes would be escaped: elsewhere it is a glued line or a nested object. */
export const LINE_START = '{"ts":"';

export interface Piece {
  /** Index of its first character in the line. */
  readonly start: number;
  /** Index after its last one. */
  readonly end: number;
  readonly kind: 'whole' | 'torn';
}

const MAX_SCANNED_CHARS = 16 * 1024 * 1024;

const QUOTE = 34;
const BACKSLASH = 92;
const OPEN = 123;
const CLOSE = 125;

/** Index after the brace that closes the object beginning at `start`; -1: none does. Strings are passed over. */
const endOfObject = (text: string, start: number): number => {
  let depth = 0;
  let inString = false;
  for (let at = start; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (inString) {
      if (char === BACKSLASH) at += 1;
      else if (char === QUOTE) inString = false;
    } else if (char === QUOTE) inString = true;
    else if (char === OPEN) depth += 1;
    else if (char === CLOSE) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return -1;
};

/** The pieces of a line that does not parse as it stands, in order, without gaps. Bytes read as Latin-1 will do. */
export const salvage = (text: string): readonly Piece[] => {
  const pieces: Piece[] = [];
  let tornFrom = 0;
  let scanned = 0;
  let start = text.indexOf(LINE_START);
  while (start !== -1 && scanned < MAX_SCANNED_CHARS) {
    const end = endOfObject(text, start);
    scanned += (end === -1 ? text.length : end) - start; // S2
    const mayEndThere = start === tornFrom || end === text.length || text.startsWith('{', end); // S1
    if (end !== -1 && mayEndThere && tryParseLine(text.slice(start, end)) !== undefined) {
      if (start > tornFrom) pieces.push({ start: tornFrom, end: start, kind: 'torn' });
      pieces.push({ start, end, kind: 'whole' });
      tornFrom = end;
      start = text.indexOf(LINE_START, end);
    } else {
      start = text.indexOf(LINE_START, start + 1);
    }
  }
  if (tornFrom < text.length) pieces.push({ start: tornFrom, end: text.length, kind: 'torn' });
  return pieces;
};

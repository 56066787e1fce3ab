/**
 * Owns where a value in a text begins and ends: in quotes of any level of JSON in JSON (`\"x\"`, `\\\"x\\\"`), or without.
 *
 * Q1. A quote of level n is escaped by k = 2^n - 1 backslashes. The same level's end has as many, or as many and pairs of
 *     escaped backslashes; fewer mean that an outer text ends here.
 */
const BACKSLASH = 92;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const MAX_BACKSLASHES = 15;

export interface ValueRange {
  readonly start: number;
  readonly end: number;
}

/** `"`, `'` or a backtick. */
export const isQuote = (code: number): boolean => code === 34 || code === 39 || code === 96;

/** Index of the quote that opens here, behind its backslashes; -1: none opens here. */
export const openingQuote = (text: string, from: number): number => {
  let at = from;
  while (at - from < MAX_BACKSLASHES && text.charCodeAt(at) === BACKSLASH) at += 1;
  return isQuote(text.charCodeAt(at)) ? at : -1;
};

/** What stands in the quotes that open at `quoteAt`; without a closing one, what stands before the end of the line. */
export const quotedValue = (text: string, from: number, quoteAt: number): ValueRange => {
  const quote = text.charCodeAt(quoteAt);
  const level = quoteAt - from;
  let start = quoteAt + 1;
  const opening = text.slice(from, start);
  if (text.startsWith(opening + opening, start)) start += 2 * opening.length; // """x"""
  let backslashes = 0;
  for (let i = start; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) {
      backslashes += 1;
      continue;
    }
    if (code === quote) {
      if (backslashes < level) return { start, end: i - backslashes }; // Q1
      if (backslashes % (2 * level + 2) === level) return { start, end: i - level }; // Q1
    }
    if (code === LINE_FEED || code === CARRIAGE_RETURN) return { start, end: i - backslashes };
    backslashes = 0;
  }
  return { start, end: text.length };
};

const HARD = 1;
const SOFT = 2;
/** What ends a value without quotes: always (space, quotes), or where it looks like the end (`,` `;` `&` brackets). */
const ENDING = new Uint8Array(65536);
for (let code = 0; code <= 32; code += 1) ENDING[code] = HARD;
for (const char of `"'\`\u007f\u00a0\u2028\u2029\ufeff`) ENDING[char.charCodeAt(0)] = HARD;
for (const char of ',;&|)]}<>') ENDING[char.charCodeAt(0)] = SOFT;

const NEXT_PAIR = /[\w.%-]{1,64}=/y;

const isPairAt = (text: string, at: number): boolean => {
  NEXT_PAIR.lastIndex = at;
  return NEXT_PAIR.test(text);
};

/** `\n`, `\"`, `\u0026`: an escape of an enclosing text, not part of the value. */
const isEscape = (text: string, at: number): boolean =>
  'nrtbfu"\'\\'.includes(text.charAt(at + 1)) && at + 1 < text.length;

const endsSoftly = (text: string, at: number): boolean =>
  at + 1 >= text.length || ENDING[text.charCodeAt(at + 1)] !== 0 || isPairAt(text, at + 1);

/**
 * End of the value without quotes that begins at `from`, looking no further than `limit`. `isStrict`: each comma, semicolon
 * and bar ends it (code); else only where what follows does not belong to it.
 */
export const unquotedEnd = (text: string, from: number, limit: number, isStrict: boolean): number => {
  const end = Math.min(limit, text.length);
  for (let i = from; i < end; i += 1) {
    const code = text.charCodeAt(i);
    const ending = ENDING[code];
    if (ending === HARD || (code === BACKSLASH && isEscape(text, i))) return i;
    if (ending !== SOFT) continue;
    if (isStrict ? code === 44 || code === 59 : endsSoftly(text, i)) return i;
  }
  return end;
};

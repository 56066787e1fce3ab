/**
 * Owns the way over each text (G7): one pass tells what kinds of characters there are and stops only at separators and dashes,
 * where a name may stand before a secret; a second one jumps from end to end of long runs of letters and digits, where a token
 * may stand. Linear, 1 to 3 ns a character.
 */
import { findAssigned } from './redact-assignment.ts';
import { findBehindFlag } from './redact-flag.ts';
import { findPrivateKey } from './redact-private-key.ts';
import type { Subject } from './redact-subject.ts';
import { findTokens, MIN_RUN_CHARS } from './redact-token.ts';
import { findUrlSecret } from './redact-url.ts';

/** Part of a run: letters, digits, `_`, `-`. */
const RUN = 1;
/** Separators and dashes. */
const STOP = 2;
/** JSON must escape it: quote, backslash, control characters, surrogates (a lone one is escaped too). */
export const NEEDS_ESCAPE = 4;
/** More than one byte of UTF-8. */
export const IS_WIDE = 8;

const BITS = new Uint8Array(65_536).fill(IS_WIDE);
for (let code = 0; code < 128; code += 1) BITS[code] = code < 32 ? NEEDS_ESCAPE : 0;
for (const char of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-') BITS[char.charCodeAt(0)] = RUN;
BITS['-'.charCodeAt(0)] = RUN | STOP;
for (const char of ':=>') BITS[char.charCodeAt(0)] = STOP;
for (const char of '"\\') BITS[char.charCodeAt(0)] = NEEDS_ESCAPE;
for (let code = 0xd800; code < 0xe000; code += 1) BITS[code] = NEEDS_ESCAPE | IS_WIDE;

const COLON = 58;
const HYPHEN = 45;

const isRun = (text: string, at: number): boolean => ((BITS[text.charCodeAt(at)] as number) & RUN) !== 0;

const lookAtDash = (subject: Subject, at: number): void => {
  const { text } = subject;
  const isTwo = text.charCodeAt(at + 1) === HYPHEN;
  if (isTwo && text.charCodeAt(at - 1) === HYPHEN) return;
  if (isTwo && text.charCodeAt(at + 2) === HYPHEN) findPrivateKey(subject, at);
  else if (isTwo || at === 0 || !isRun(text, at - 1)) findBehindFlag(subject, at);
};

const lookAt = (subject: Subject, at: number): void => {
  const code = subject.text.charCodeAt(at);
  if (code === HYPHEN) return lookAtDash(subject, at);
  findAssigned(subject, at);
  if (code === COLON) findUrlSecret(subject, at);
};

/** Runs of {@link MIN_RUN_CHARS} and more: looked for from behind, so that a shorter one is jumped over. */
const findRuns = (subject: Subject): void => {
  const { text } = subject;
  const { length } = text;
  let start = 0;
  while (start + MIN_RUN_CHARS <= length) {
    let at = start + MIN_RUN_CHARS - 1;
    while (at >= start && isRun(text, at)) at -= 1;
    if (at >= start) {
      start = at + 1;
      continue;
    }
    let end = start + MIN_RUN_CHARS;
    while (end < length && isRun(text, end)) end += 1;
    findTokens(subject, start, end);
    start = end + 1;
  }
};

/** Finds the secrets of `subject` and gives the kinds of its characters ({@link NEEDS_ESCAPE}, {@link IS_WIDE}). */
export const scanText = (subject: Subject): number => {
  const { text } = subject;
  const { length } = text;
  let kinds = 0;
  for (let i = 0; i < length; i += 1) {
    const bits = BITS[text.charCodeAt(i)] as number;
    kinds |= bits;
    if ((bits & STOP) !== 0) lookAt(subject, i);
  }
  findRuns(subject);
  return kinds;
};

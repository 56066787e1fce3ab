/**
 * Owns the one pass over each text (G7): it tells what kinds of characters there are and stops only where a secret may be:
 * at separators, at dashes that begin a word, at long runs of letters and digits. Linear, about 1 to 4 ns a character.
 */
import { findAssigned } from './redact-assignment.ts';
import { findBehindFlag } from './redact-flag.ts';
import { findPrivateKey } from './redact-private-key.ts';
import type { Subject } from './redact-subject.ts';
import { findTokens, MIN_RUN_CHARS } from './redact-token.ts';
import { findUrlSecret } from './redact-url.ts';

/** Part of a run: letters, digits, `_`, `-`. */
const RUN = 1;
const DASH = 2;
const SEPARATOR = 4;
/** JSON must escape it: quote, backslash, control characters, surrogates (a lone one is escaped too). */
export const NEEDS_ESCAPE = 8;
/** More than one byte of UTF-8. */
export const IS_WIDE = 16;

const BITS = new Uint8Array(65_536).fill(IS_WIDE);
for (let code = 0; code < 128; code += 1) BITS[code] = code < 32 ? NEEDS_ESCAPE : 0;
for (const char of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-') BITS[char.charCodeAt(0)] = RUN;
BITS['-'.charCodeAt(0)] = RUN | DASH;
for (const char of ':=>') BITS[char.charCodeAt(0)] = SEPARATOR;
for (const char of '"\\') BITS[char.charCodeAt(0)] = NEEDS_ESCAPE;
for (let code = 0xd800; code < 0xe000; code += 1) BITS[code] = NEEDS_ESCAPE | IS_WIDE;

const COLON = 58;
const HYPHEN = 45;

const lookAtSeparator = (subject: Subject, at: number): void => {
  findAssigned(subject, at);
  if (subject.text.charCodeAt(at) === COLON) findUrlSecret(subject, at);
};

/** Inside of a run: behind the `n` of an escaped line feed. */
const beginsDashes = (text: string, at: number): boolean =>
  text.charCodeAt(at + 1) === HYPHEN && text.charCodeAt(at - 1) !== HYPHEN;

const lookAtDash = (subject: Subject, at: number): void => {
  const { text } = subject;
  if (text.charAt(at + 1) === '-' && text.charAt(at + 2) === '-') findPrivateKey(subject, at);
  else findBehindFlag(subject, at);
};

/** Finds the secrets of `subject` and gives the kinds of its characters ({@link NEEDS_ESCAPE}, {@link IS_WIDE}). */
export const scanText = (subject: Subject): number => {
  const { text } = subject;
  const { length } = text;
  let kinds = 0;
  let runStart = 0;
  for (let i = 0; i < length; i += 1) {
    const bits = BITS[text.charCodeAt(i)] as number;
    kinds |= bits;
    if ((bits & RUN) !== 0) {
      if ((bits & DASH) !== 0 && (i === runStart || beginsDashes(text, i))) lookAtDash(subject, i);
      continue;
    }
    if (i - runStart >= MIN_RUN_CHARS) findTokens(subject, runStart, i);
    runStart = i + 1;
    if ((bits & SEPARATOR) !== 0) lookAtSeparator(subject, i);
  }
  if (length - runStart >= MIN_RUN_CHARS) findTokens(subject, runStart, length);
  return kinds;
};

/**
 * Owns the way over each text (G7): the engine's own search jumps to the few characters before which a name or behind which a
 * key may stand, and long runs of letters and digits, where a token may stand, are found by jumping over the short ones.
 * Linear: about 1 ns a character, and some 50 ns for each `:` and `=`.
 */
import { findAssigned } from './redact-assignment.ts';
import { findLongFlag, findShortFlag, FLAGS_OF_CURL, SHORT_FLAG } from './redact-flag.ts';
import { findInElement } from './redact-element.ts';
import { findInNetrc } from './redact-netrc.ts';
import { findPasswordHash } from './redact-password-hash.ts';
import { findPrivateKey, findPuttyKey } from './redact-private-key.ts';
import type { Subject } from './redact-subject.ts';
import { findSplitToken, findTokens, MIN_RUN_CHARS } from './redact-token.ts';
import { findUrlSecret } from './redact-url.ts';

const HYPHEN = 45;

const scanSeparators = (subject: Subject): void => {
  const { text } = subject;
  let colonAt = text.indexOf(':');
  let equalsAt = text.indexOf('=');
  for (;;) {
    if (colonAt !== -1 && (equalsAt === -1 || colonAt < equalsAt)) {
      findAssigned(subject, colonAt);
      findUrlSecret(subject, colonAt);
      findPuttyKey(subject, colonAt);
      colonAt = text.indexOf(':', colonAt + 1);
    } else if (equalsAt === -1) return;
    else {
      findAssigned(subject, equalsAt);
      equalsAt = text.indexOf('=', equalsAt + 1);
    }
  }
};

const scanDashes = (subject: Subject): void => {
  const { text } = subject;
  for (let at = text.indexOf('--'); at !== -1; at = text.indexOf('--', at)) {
    const start = at;
    while (text.charCodeAt(at) === HYPHEN) at += 1;
    if (at - start > 2) findPrivateKey(subject, start);
    else findLongFlag(subject, start);
  }
};

const scanFlags = (subject: Subject, pattern: RegExp): void => {
  pattern.lastIndex = 0;
  for (let found = pattern.exec(subject.text); found !== null; found = pattern.exec(subject.text)) {
    findShortFlag(subject, found.index, pattern.lastIndex);
  }
};

const scanShortFlags = (subject: Subject): void => {
  scanFlags(subject, SHORT_FLAG);
  if (!subject.text.includes('curl')) return;
  subject.resumeAt = 0;
  scanFlags(subject, FLAGS_OF_CURL);
};

const scanDollars = (subject: Subject): void => {
  const { text } = subject;
  for (let at = text.indexOf('$'); at !== -1; at = text.indexOf('$', at + 1)) findPasswordHash(subject, at);
};

const scanWord = (subject: Subject, word: string): void => {
  const { text } = subject;
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + word.length)) findInNetrc(subject, at);
};

const scanNetrc = (subject: Subject): void => {
  if (!subject.text.includes('machine')) return;
  scanWord(subject, 'machine');
  scanWord(subject, 'default');
};

const scanElements = (subject: Subject): void => {
  const { text } = subject;
  for (let at = text.indexOf('</'); at !== -1; at = text.indexOf('</', at + 2)) findInElement(subject, at);
};

const scanUnderscores = (subject: Subject): void => {
  const { text } = subject;
  for (let at = text.indexOf('_'); at !== -1; at = text.indexOf('_', at + 1)) findSplitToken(subject, at);
};

/** Letters, digits, `_`, `-`. */
const IS_RUN = new Uint8Array(65_536);
for (const char of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-') IS_RUN[char.charCodeAt(0)] = 1;

/** Runs of {@link MIN_RUN_CHARS} and more: looked for from behind, so that a shorter one is jumped over. */
const scanRuns = (subject: Subject): void => {
  const { text } = subject;
  const { length } = text;
  let start = 0;
  while (start + MIN_RUN_CHARS <= length) {
    let at = start + MIN_RUN_CHARS - 1;
    while (at >= start && IS_RUN[text.charCodeAt(at)] === 1) at -= 1;
    if (at >= start) {
      start = at + 1;
      continue;
    }
    let end = start + MIN_RUN_CHARS;
    while (end < length && IS_RUN[text.charCodeAt(end)] === 1) end += 1;
    findTokens(subject, start, end);
    start = end + 1;
  }
};

const HAS_STOP = /[:=<-]/;
const WAYS = [
  scanSeparators,
  scanDashes,
  scanShortFlags,
  scanDollars,
  scanNetrc,
  scanElements,
  scanUnderscores,
  scanRuns,
] as const;

/** Finds the secrets of `subject`. */
export const scanText = (subject: Subject): void => {
  const { text } = subject;
  if (text.length < MIN_RUN_CHARS && !HAS_STOP.test(text)) return; // most of the short ones
  for (const scan of WAYS) {
    subject.resumeAt = 0;
    scan(subject);
  }
};

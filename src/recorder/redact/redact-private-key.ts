/**
 * Owns private keys in PEM, OpenSSH, PGP and PuTTY form (G7), whole or in part: a beginning without an end (cut, `head`), an end
 * without a beginning (`tail`), with real line feeds or with `\n` in an enclosing text, indented, quoted, commented.
 *
 * K1. Each search goes over a place at most once: the next end is remembered, and what was taken is behind us.
 */
import { addSpan, type Subject } from './redact-subject.ts';

const LABEL = String.raw`[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}`;
/** One dash more than there should be: a line that a diff takes away. */
const BEGIN = new RegExp(`-{4,6} ?BEGIN ${LABEL}`, 'y');
const END_HERE = new RegExp(`-{4,6} ?END ${LABEL}`, 'y');
const NEXT_END = new RegExp(`-{4,5} ?END ${LABEL}`, 'g');
/** 64 KiB: more than any key; an end further away belongs to something else. */
const MAX_KEY_CHARS = 65_536;
const HAS_KEY = /[A-Za-z0-9+/]{20}/;
/** Shortest line that is taken for a line of a key when nothing but its look says so. */
const LINE_CHARS = 16;
const HEADER_LINES = 6;

/** What stands between two lines of a key: breaks, indentation, quotes, `+`, `|`, `>`, `#`, `,`, diffs, numbers of `cat -n`. */
const BETWEEN = /(?:\s|\\[nrt\\"']|["'`]|[,;+|>#*.](?=[\s"'`,\\])|-(?=[A-Za-z0-9+/]{16})|\d{1,6}[\t→:|]){0,200}/y;
const KEY_LINE = /[A-Za-z0-9+/]{1,10000}={0,3}/y;
const HEADER_LINE = /[A-Z][A-Za-z-]{1,30}: (?:[^\n\r\\"'`]{0,200})/y;

const lengthAt = (pattern: RegExp, text: string, at: number): number => {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex - at : 0;
};

/** Where the next end of a private key begins; Infinity: there is none. */
const nextEnd = (subject: Subject, from: number): number => {
  if (subject.keyEndAt >= from) return subject.keyEndAt; // K1
  NEXT_END.lastIndex = from;
  subject.keyEndAt = NEXT_END.exec(subject.text)?.index ?? Number.POSITIVE_INFINITY;
  return subject.keyEndAt;
};

/** How far the lines of a key reach, from behind its beginning; `from`: there are none. */
const endOfLines = (subject: Subject, from: number): number => {
  const { text, isCut } = subject;
  let end = from;
  let headers = 0;
  for (;;) {
    const lineAt = end + lengthAt(BETWEEN, text, end);
    const header = headers < HEADER_LINES ? lengthAt(HEADER_LINE, text, lineAt) : 0;
    if (header > 0) {
      headers += 1;
      end = lineAt + header;
      continue;
    }
    const length = lengthAt(KEY_LINE, text, lineAt);
    const reachesCut = isCut && lineAt + length === text.length;
    if (length === 0 || (length < LINE_CHARS && !reachesCut && end === from)) return end;
    const next = text.charCodeAt(lineAt + length);
    if (length < LINE_CHARS && (next === 32 || next === 58)) return end; // a word of what comes after the key
    end = lineAt + length;
    if (length < LINE_CHARS) return end;
  }
};

/** Behind the end that belongs to the key, if it is near enough and no other key begins before it. */
const endOfBlock = (subject: Subject, from: number): number | undefined => {
  const endAt = nextEnd(subject, from);
  if (endAt - from > MAX_KEY_CHARS) return undefined;
  const inside = subject.text.slice(from, endAt);
  if (inside.includes('-BEGIN') || !HAS_KEY.test(inside)) return undefined;
  return endAt + lengthAt(END_HERE, subject.text, endAt);
};

const findFromBegin = (subject: Subject, start: number, headerEnd: number): void => {
  const end = endOfBlock(subject, headerEnd) ?? endOfLines(subject, headerEnd);
  if (end === headerEnd) return; // a mention, not a key
  addSpan(subject, { start, end, kind: 'private-key', isForm: true });
  subject.resumeAt = Math.max(subject.resumeAt, end); // K1
};

const WHOLE_LINE_CHARS = 40;

const isKeyChar = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 47 && code <= 57) || code === 43 || code === 61;

/** How many characters before `at` stand between two lines. */
const betweenBefore = (text: string, at: number): number => {
  if (text.charAt(at - 2) === '\\' && 'nrt'.includes(text.charAt(at - 1))) return 2;
  return ` \t\r\n\\"'\`,;|>`.includes(text.charAt(at - 1)) ? 1 : 0;
};

/** Where the lines of a key begin that end before `at`; `at`: there are none. */
const startOfLines = (text: string, floor: number, at: number): number => {
  let start = at;
  for (;;) {
    let lineEnd = start;
    for (let step = 1; step > 0 && lineEnd > floor; lineEnd -= step) step = betweenBefore(text, lineEnd);
    let line = lineEnd;
    while (line > floor && isKeyChar(text.charCodeAt(line - 1))) line -= 1;
    if (text.charAt(line - 1) === '\\') line += 1; // the n of an escaped line feed
    if (lineEnd - line < (start === at ? 1 : WHOLE_LINE_CHARS)) return start;
    start = line;
  }
};

/** The lines of a key before an end whose beginning is not in the text. */
const findBeforeEnd = (subject: Subject, at: number): void => {
  const floor = Math.max(subject.resumeAt, at - MAX_KEY_CHARS);
  const start = startOfLines(subject.text, floor, at);
  if (at - start < WHOLE_LINE_CHARS) return;
  addSpan(subject, { start, end: at, kind: 'private-key', isForm: true });
};

/** Looks at the dashes at `at`: does a private key begin or end here? */
export const findPrivateKey = (subject: Subject, at: number): void => {
  if (at < subject.resumeAt) return;
  const begin = lengthAt(BEGIN, subject.text, at);
  if (begin > 0) findFromBegin(subject, at, at + begin);
  else if (lengthAt(END_HERE, subject.text, at) > 0) findBeforeEnd(subject, at);
};

const PRIVATE_LINES = 'Private-Lines';
const MAX_PUTTY_LINES = 1_000;
/** The number of lines behind the name; then the lines. */
const LINE_COUNT = /:[ \t]{0,4}(\d{1,4})/y;

/** Looks at the `:` at `at`: is it that of PuTTY's `Private-Lines: 14`? As many lines are the key. */
export const findPuttyKey = (subject: Subject, at: number): void => {
  const { text } = subject;
  if (at < subject.resumeAt || !text.startsWith(PRIVATE_LINES, at - PRIVATE_LINES.length)) return;
  LINE_COUNT.lastIndex = at;
  const count = LINE_COUNT.exec(text)?.[1];
  if (count === undefined) return;
  const from = LINE_COUNT.lastIndex;
  const start = from + lengthAt(BETWEEN, text, from);
  let end = from;
  for (let line = 0; line < Math.min(Number(count), MAX_PUTTY_LINES); line += 1) {
    const lineAt = end + lengthAt(BETWEEN, text, end);
    const length = lengthAt(KEY_LINE, text, lineAt);
    if (length === 0 || (line === 0 && length < LINE_CHARS && lineAt + length < text.length)) break;
    end = lineAt + length;
  }
  if (end <= start) return;
  addSpan(subject, { start, end, kind: 'private-key', isForm: true });
  subject.resumeAt = Math.max(subject.resumeAt, end); // K1
};

/**
 * Owns tokens that give themselves away by their form (G7), looked for in long runs of letters, digits, `_` and `-` only.
 *
 * T1. A form is tried where a word begins: at the start of a run, behind `_` or `-`, behind an escape (`\n`, `%22`, a colour).
 */
import { addSpan, type Subject } from './redact-subject.ts';
import { SECRET_FORMS } from './secret-patterns.ts';

/** No known token has a shorter run; nearly all words are shorter. */
export const MIN_RUN_CHARS = 16;

interface Form {
  readonly kind: string;
  readonly start: string;
  readonly pattern: RegExp;
}

/** Forms by their first two characters: which there are, and the lists. */
const FIRST_TWO = new Uint8Array(16_384);
const forms = new Map<number, Form[]>();
for (const { kind, starts, source } of SECRET_FORMS) {
  const pattern = new RegExp(source, 'y');
  for (const start of starts) {
    const key = (start.charCodeAt(0) << 7) | start.charCodeAt(1);
    FIRST_TWO[key] = 1;
    const list = forms.get(key) ?? [];
    list.push({ kind, start, pattern });
    forms.set(key, list);
  }
}

/** Adds the token that begins at `at`, if one does, and gives its end; else `at`. */
const tryForms = (subject: Subject, at: number): number => {
  const { text } = subject;
  const key = (text.charCodeAt(at) << 7) | text.charCodeAt(at + 1);
  if (FIRST_TWO[key & 16_383] !== 1) return at;
  let last = at;
  for (const { kind, start, pattern } of forms.get(key) ?? []) {
    if (!text.startsWith(start, at)) continue;
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found === null) continue;
    const end = at + found[0].length;
    const from = found[1] === undefined ? at : end - found[1].length;
    addSpan(subject, { start: from, end, kind, isForm: true });
    if (from === at) last = Math.max(last, end);
  }
  return last;
};

const DOT = 46;
const JWT_PART = /\.[\w-]*/y;
const MAX_JWT_PARTS = 4;

/** A JWT, or as much of one as is there: a header `eyJ…` up to the run's end, then a dot and what follows. */
const findJwt = (subject: Subject, start: number, runEnd: number): void => {
  const { text, isCut } = subject;
  const reachesCut = isCut && runEnd === text.length;
  if (!reachesCut && (text.charCodeAt(runEnd) !== DOT || !/[\w.-]/.test(text.charAt(runEnd + 1)))) return;
  let end = runEnd;
  for (let parts = 0; parts < MAX_JWT_PARTS; parts += 1) {
    JWT_PART.lastIndex = end;
    if (!JWT_PART.test(text)) break;
    end = JWT_PART.lastIndex;
  }
  addSpan(subject, { start, end, kind: 'jwt', isForm: true });
};

const isAlphanumeric = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57);

const isBase64 = (code: number): boolean =>
  isAlphanumeric(code) || code === 43 || code === 47 || code === 95 || code === 45;

/** How many characters at the start of a run belong to an escape that is glued to it (T1); 0: it begins with a word. */
const escapeChars = (text: string, runStart: number): number => {
  const before = text.charCodeAt(runStart - 1);
  if (before === 92) return 'nrtbf'.includes(text.charAt(runStart)) ? 1 : text.charAt(runStart) === 'u' ? 5 : 0;
  if (before === 37) return 2;
  if (before !== 91 && before !== 59) return 0;
  return text.slice(runStart, runStart + 4).indexOf('m') + 1; // ESC [ 3 2 m
};

const MAX_PREFIX_CHARS = 24;
const MAX_BASE64_PREFIX_CHARS = 64;

/** Forms with a dot near their beginning (`hvs.`, `dp.pt.`): their first part is too short to be a run of its own. */
const tryBeforeDot = (subject: Subject, runStart: number): void => {
  const { text } = subject;
  const floor = Math.max(0, runStart - MAX_PREFIX_CHARS);
  let at = runStart - 1;
  for (; at > floor; at -= 1) {
    const code = text.charCodeAt(at - 1);
    if (code === DOT) tryForms(subject, at);
    else if (!isAlphanumeric(code)) break;
  }
  tryForms(subject, at);
  const escape = escapeChars(text, at);
  if (escape > 0) tryForms(subject, at + escape);
};

/** Forms of base64, whose first part may end at a `+` or `/` soon. */
const tryBeforeBase64 = (subject: Subject, runStart: number): void => {
  const { text } = subject;
  const floor = Math.max(0, runStart - MAX_BASE64_PREFIX_CHARS);
  let at = runStart;
  while (at > floor && isBase64(text.charCodeAt(at - 1))) at -= 1;
  tryForms(subject, at);
  const escape = escapeChars(text, at);
  if (escape > 0) tryForms(subject, at + escape);
};

const TELEGRAM = /\d{8,12}:AA[\w-]{32,}/y;

const findTelegram = (subject: Subject, runStart: number): void => {
  const { text } = subject;
  let at = runStart - 1;
  while (at > 0 && runStart - at < 13 && text.charCodeAt(at - 1) >= 48 && text.charCodeAt(at - 1) <= 57) at -= 1;
  TELEGRAM.lastIndex = at;
  const found = TELEGRAM.exec(text);
  if (found === null) return;
  addSpan(subject, { start: at, end: at + found[0].length, kind: 'telegram-bot-token', isForm: true });
};

const LETTER_C = 99;
const LETTER_E = 101;
const LETTER_R = 114;
const BEARER = /[\w.~+/-]{16,}={0,2}/y;
const BASIC = /[A-Za-z0-9+/]{8,4096}={0,2}/y;

/** `Bearer x` and `Basic x` where no `Authorization` stands before them. */
const findCredentials = (subject: Subject, runStart: number): void => {
  const { text } = subject;
  const last = text.charCodeAt(runStart - 2) | 32;
  if (last !== LETTER_R && last !== LETTER_C) return;
  const before = text.slice(Math.max(0, runStart - 7), runStart).toLowerCase();
  const pattern = before === 'bearer ' ? BEARER : before.endsWith('basic ') ? BASIC : undefined;
  if (pattern === undefined) return;
  pattern.lastIndex = runStart;
  const found = pattern.exec(text)?.[0];
  if (found === undefined) return;
  const isSecret =
    pattern === BEARER
      ? /\d/.test(found.slice(0, 64))
      : /^[ -~]*:[ -~]*$/.test(Buffer.from(found, 'base64').toString('latin1'));
  if (isSecret)
    addSpan(subject, { start: runStart, end: runStart + found.length, kind: 'authorization', isForm: false });
};

const lookBefore = (subject: Subject, runStart: number): void => {
  const before = subject.text.charCodeAt(runStart - 1);
  if (before === DOT) tryBeforeDot(subject, runStart);
  else if (before === 58) findTelegram(subject, runStart);
  else if (before === 32) findCredentials(subject, runStart);
  else if (before === 47 || before === 43) tryBeforeBase64(subject, runStart);
};

/** Forms of base64 behind a `_`: a `+` or `/` may cut them into runs that are all too short. */
const SPLIT_STARTS = SECRET_FORMS.filter(({ source }) => source.includes('+/'))
  .flatMap(({ starts }) => starts)
  .filter((start) => start.endsWith('_'));
const BEFORE_UNDERSCORE: ReadonlySet<number> = new Set(SPLIT_STARTS.map((start) => start.charCodeAt(start.length - 2)));

/** Looks at the `_` at `at`: does a token of base64 begin before it? */
export const findSplitToken = (subject: Subject, at: number): void => {
  const { text } = subject;
  if (!BEFORE_UNDERSCORE.has(text.charCodeAt(at - 1))) return;
  for (const start of SPLIT_STARTS) {
    const from = at + 1 - start.length;
    if (from >= 0 && text.startsWith(start, from)) tryForms(subject, from);
  }
};

/** A token is longer than this, so none begins so near to a run's end. */
const MIN_TAIL_CHARS = 8;

/** Looks at the run `[start, end)` of at least {@link MIN_RUN_CHARS}: does a token stand in it? */
export const findTokens = (subject: Subject, start: number, end: number): void => {
  const { text } = subject;
  if (start > 0) lookBefore(subject, start);
  const wordAt = start + (start > 0 ? escapeChars(text, start) : 0);
  let jwtAt = -1;
  let isWordStart = true; // T1
  for (let at = start; at < end - MIN_TAIL_CHARS; at += 1) {
    const code = text.charCodeAt(at);
    if (isWordStart || at === wordAt) {
      if (code === LETTER_E && jwtAt === -1 && text.startsWith('eyJ', at)) jwtAt = at;
      const last = tryForms(subject, at);
      if (last > at) at = last - 1;
    }
    isWordStart = code === 95 || code === 45;
  }
  if (jwtAt !== -1) findJwt(subject, jwtAt, end);
};

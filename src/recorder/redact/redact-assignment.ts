/**
 * Owns secrets that are told by a name before them (G7): `name=value`, `name: value`, `"name": "value"`, `name => value`, in
 * text, in code, and in JSON inside of strings.
 *
 * N1. What is looked at around one separator is bounded, unless a secret is found; then the search goes on behind it.
 */
import { mayEndSecretName, type SecretName, secretName } from './redact-name.ts';
import { secretInHeader } from './redact-header.ts';
import { isQuote, openingQuote, quotedValue, unquotedEnd, type ValueRange } from './redact-quote.ts';
import { addSpan, type Subject } from './redact-subject.ts';
import { isSecretValue, QUOTED_PLACE, type ValueStyle } from './redact-value.ts';

const EQUALS = 61;
const COLON = 58;
const GREATER = 62;
const LESS = 60;
const SPACE = 32;
const TAB = 9;
const BACKSLASH = 92;
const ESCAPE = 27;

const MAX_NAME_CHARS = 64;
const MAX_SPACES = 32;
/** How much of a value without quotes is looked at before it is known to be a secret (N1). */
const LOOKED_AT_CHARS = 48;
/** As much of the rest of a line. */
const REST_CHARS = 512;

const isBlank = (code: number): boolean => code === SPACE || code === TAB;

const isNameChar = (code: number): boolean =>
  (code >= 97 && code <= 122) ||
  (code >= 65 && code <= 90) ||
  (code >= 48 && code <= 57) ||
  code === 95 ||
  code === 45 ||
  code === 46;

interface NameRange {
  readonly start: number;
  readonly end: number;
  readonly isQuoted: boolean;
  /** Whether a space stands between name and separator. */
  readonly isSpaced: boolean;
}

const skipBlanksBack = (text: string, from: number): number => {
  let at = from;
  while (at > 0 && from - at < MAX_SPACES && isBlank(text.charCodeAt(at - 1))) at -= 1;
  return at;
};

/** What may stand between a name and its separator: `?` `!` `+` `|` `:`, brackets, quotes. */
const DECORATION = new Uint8Array(65_536);
for (const char of `?!+|:]"'\``) DECORATION[char.charCodeAt(0)] = 1;

/** Steps over what stands between name and separator, back to behind the name's last character. */
const skipDecoration = (text: string, from: number): number => {
  let at = from;
  if ('?!+|:'.includes(text.charAt(at - 1)) && at > 0) at -= text.charAt(at - 2) === text.charAt(at - 1) ? 2 : 1;
  at = skipBlanksBack(text, at);
  if (text.charAt(at - 1) === ']') at -= text.charAt(at - 2) === '[' ? 2 : 1;
  if (at > 0 && isQuote(text.charCodeAt(at - 1))) {
    at -= 1;
    while (at > 0 && text.charCodeAt(at - 1) === BACKSLASH) at -= 1;
  }
  return at;
};

/** Of what stands for a secret: its kind is no name. */
const MARKER_START = '[redacted:';

/** The name that ends before the separator at `at`, if it can be one of a secret. */
const nameBefore = (text: string, at: number): NameRange | undefined => {
  const unspaced = skipBlanksBack(text, at);
  const last = text.charCodeAt(unspaced - 1);
  if (!isNameChar(last) && DECORATION[last] !== 1) return undefined;
  const end = isNameChar(last) ? unspaced : skipDecoration(text, unspaced);
  if (end < 2 || !mayEndSecretName(text, end)) return undefined;
  let start = end;
  while (start > 0 && end - start < MAX_NAME_CHARS && isNameChar(text.charCodeAt(start - 1))) start -= 1;
  if (start === end || text.startsWith(MARKER_START, start - MARKER_START.length)) return undefined;
  const isQuoted = end < unspaced && text.charAt(unspaced - 1) !== ']';
  return { start, end, isQuoted, isSpaced: unspaced < at || isBlank(text.charCodeAt(end)) };
};

/** Where the value begins; -1: the separator is none (`==`, `::`, `=>` without a value). */
const valueStart = (text: string, at: number, separator: number): number => {
  const next = text.charCodeAt(at + 1);
  if (separator === COLON) return next === COLON || next === EQUALS ? -1 : at + 1;
  const before = text.charCodeAt(at - 1);
  if (next === EQUALS || before === EQUALS || before === 33 || before === LESS || before === GREATER || before === 126)
    return -1;
  return next === GREATER ? at + 2 : at + 1;
};

const ANSI_COLOUR = /(?:(?:\u001B|\\{1,15}(?:u001[bB]|x1[bB]|e|033))\[[\d;]{0,16}m){1,8}/y; // oxlint-disable-line eslint/no-control-regex
const STRING_PREFIX = /[rbfuRBFUL@$]{1,2}(?=\\{0,15}["'])/y;

const skipAt = (pattern: RegExp, text: string, at: number): number => {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
};

const isQuoteOrEscape = (code: number): boolean => isQuote(code) || code === BACKSLASH;

/** Where the value's text begins: behind blanks, a colour, the `f` of `f"x"`. */
const valueText = (text: string, from: number): number => {
  let start = from;
  while (start - from < MAX_SPACES && isBlank(text.charCodeAt(start))) start += 1;
  const first = text.charCodeAt(start);
  if (first === ESCAPE || first === BACKSLASH) start = skipAt(ANSI_COLOUR, text, start);
  const mayHavePrefix = isQuoteOrEscape(text.charCodeAt(start + 1)) || isQuoteOrEscape(text.charCodeAt(start + 2));
  return mayHavePrefix ? skipAt(STRING_PREFIX, text, start) : start;
};

const MAX_TYPE_CHARS = 48;
const TYPE_AND_EQUALS = /[^=\n;,(){}]{1,48}=\s{0,4}(?=\\{0,15}["'`])/y;
const LINE_START = /(?:^|[\n\r"'`]|\\n)[ \t]*(?:- )?$/;
const COMMAND_OR_QUERY = /(?:^|[\s"';&?])(?:export |-e |--env |env |set )?$/;

const styleOf = (text: string, name: NameRange, separator: number, isTight: boolean): ValueStyle => {
  if (!isTight || separator === COLON) return 'loose';
  const before = text.slice(Math.max(0, name.start - 8), name.start);
  const isUpper = !/[a-z]/.test(text.slice(name.start, name.end));
  if (/[?&]$/.test(before) || /(?:export|env|-e) $/.test(before)) return 'env';
  return isUpper && COMMAND_OR_QUERY.test(before) ? 'env' : 'tight';
};

const restOfLine = (text: string, from: number): number => {
  const near = text.slice(from, from + REST_CHARS);
  const end = near.search(/[\r\n"'`]|\\[nr"'\\]|\s#/);
  return from + near.slice(0, end === -1 ? near.length : end).trimEnd().length;
};

interface Found {
  readonly name: SecretName;
  readonly range: NameRange;
  readonly separator: number;
}

const styleOfFound = (text: string, from: number, { range, separator }: Found): ValueStyle =>
  styleOf(text, range, separator, !range.isSpaced && !isBlank(text.charCodeAt(from - 1)));

/** Without the punctuation at its end: it belongs to what is around it. */
const withoutTrailing = (value: string, punctuation: string): string => {
  let { length } = value;
  while (length > 0 && punctuation.includes(value.charAt(length - 1))) length -= 1;
  return value.slice(0, length);
};

/** The secret without quotes that stands in `[from, end)` and perhaps behind it, if there is one. */
const unquotedSecret = (subject: Subject, from: number, found: Found): ValueRange | undefined => {
  const { text } = subject;
  const { name, range, separator } = found;
  const style = styleOfFound(text, from, found);
  const isStrict = style === 'loose';
  if (style !== 'env' && '([{<'.includes(text.charAt(from))) return undefined; // code, or nothing
  const end = unquotedEnd(text, from, from + LOOKED_AT_CHARS, isStrict);
  const value = withoutTrailing(text.slice(from, end), style === 'env' ? ')]},;' : ')]},;:.');
  const isLast = (): boolean => restOfLine(text, from) <= end;
  const isSpaced = isBlank(text.charCodeAt(from - 1));
  const place = { style, isLast, isSpaced, next: text.charAt(from + value.length) };
  if (!isSecretValue(value, name, place)) return undefined;
  if (end === from + LOOKED_AT_CHARS) return { start: from, end: unquotedEnd(text, end, text.length, isStrict) };
  const isYaml = isStrict && separator === COLON && name.strength === 'password';
  if (isYaml && LINE_START.test(text.slice(Math.max(0, range.start - 80), range.start))) {
    return { start: from, end: restOfLine(text, from) };
  }
  return { start: from, end: from + value.length };
};

/** Behind a type, `password: string = "x"`; `from`: none stands there. */
const behindType = (text: string, from: number): number =>
  text.slice(from, from + MAX_TYPE_CHARS).includes('=') ? skipAt(TYPE_AND_EQUALS, text, from) : from;

/** What follows a quote that closes rather than opens: `input('Password: ')`, `'--password=' + x`. */
const BEHIND_CLOSING_QUOTE = /^\s*[),;\]}+]/;

const quotedSecret = (
  text: string,
  from: number,
  quoteAt: number,
  { name, range, separator }: Found,
): ValueRange | undefined => {
  const value = quotedValue(text, from, quoteAt);
  if (!range.isQuoted && BEHIND_CLOSING_QUOTE.test(text.slice(value.start, value.start + 8))) return undefined;
  const style = range.isQuoted && separator === COLON ? 'field' : 'quoted';
  const isSecret = isSecretValue(text.slice(value.start, value.end), name, { ...QUOTED_PLACE, style });
  return isSecret ? value : undefined;
};

/** The secret that begins at or behind `from`, if there is one. */
const secretAt = (subject: Subject, from: number, found: Found): ValueRange | undefined => {
  const { text } = subject;
  const { name, separator } = found;
  const start = valueText(text, from);
  const quoteAt = openingQuote(text, start);
  if (name.strength === 'authorization' || name.strength === 'cookie') {
    return secretInHeader(text, quoteAt === -1 ? start : quoteAt + 1, { strength: name.strength, isWhole: false });
  }
  if (quoteAt !== -1) {
    const isCommand = separator === EQUALS && start === from && text.charAt(quoteAt) === '`'; // x=`pass show x`
    return isCommand ? undefined : quotedSecret(text, start, quoteAt, found);
  }
  const unquoted = unquotedSecret(subject, start, found);
  if (unquoted !== undefined || separator !== COLON) return unquoted;
  const defaultAt = behindType(text, start);
  const defaultQuoteAt = defaultAt === start ? -1 : openingQuote(text, defaultAt);
  return defaultQuoteAt === -1 ? undefined : quotedSecret(text, defaultAt, defaultQuoteAt, found);
};

/** `name: DB_PASSWORD` before `value: x`, as in lists of environment variables. */
const NAME_OF_VALUE =
  /\b(?:name|key)\\{0,15}["']?\s{0,4}[:=]\s{0,4}\\{0,15}["']?([\w.-]{1,64})\\{0,15}["']?,?(?:\s|\\[nr]){0,40}(?:- )?\\{0,15}["']?$/i;

const nameOfValue = (text: string, valueAt: number): SecretName | undefined => {
  const before = NAME_OF_VALUE.exec(text.slice(Math.max(0, valueAt - 160), valueAt));
  return before?.[1] === undefined ? undefined : secretName(before[1]);
};

const foundBefore = (text: string, at: number, separator: number): Found | undefined => {
  const range = nameBefore(text, at);
  if (range === undefined) return undefined;
  const word = text.slice(range.start, range.end);
  const name = word === 'value' || word === 'Value' ? nameOfValue(text, range.start) : secretName(word);
  return name === undefined ? undefined : { name, range, separator };
};

/** Looks at the `:` or `=` at `at`: is it between the name of a secret and the secret? */
export const findAssigned = (subject: Subject, at: number): void => {
  const { text } = subject;
  if (at < subject.resumeAt) return;
  const separator = text.charCodeAt(at);
  const found = foundBefore(text, at, separator);
  if (found === undefined) return;
  const from = valueStart(text, at, separator);
  if (from === -1) return;
  const secret = secretAt(subject, from, found);
  if (secret === undefined || secret.end <= secret.start) return;
  addSpan(subject, { ...secret, kind: found.name.kind, isForm: false });
  subject.resumeAt = secret.end; // N1
};

/** The value of an argument that begins at `from`: in quotes, or up to the next space. */
export const argumentRange = (text: string, from: number): ValueRange => {
  const quoteAt = openingQuote(text, from);
  if (quoteAt !== -1) return quotedValue(text, from, quoteAt);
  return { start: from, end: unquotedEnd(text, from, text.length, false) };
};

/** Redacts the value of a flag, `--password value`, if it is a secret. */
export const redactArgument = (subject: Subject, name: SecretName, { start, end }: ValueRange): void => {
  const { text } = subject;
  const place = { ...QUOTED_PLACE, style: 'env' } as const;
  if (text.charAt(start) === '-' || !isSecretValue(text.slice(start, end), name, place)) return;
  addSpan(subject, { start, end, kind: name.kind, isForm: false });
  subject.resumeAt = end;
};

/** A field of an object, name and value known: which part of the value is a secret. */
export const secretOfField = (value: string, name: SecretName): ValueRange | undefined => {
  if (name.strength === 'authorization' || name.strength === 'cookie') {
    return secretInHeader(value, 0, { strength: name.strength, isWhole: true });
  }
  const isSecret = isSecretValue(value, name, { ...QUOTED_PLACE, style: 'field' });
  return isSecret ? { start: 0, end: value.length } : undefined;
};

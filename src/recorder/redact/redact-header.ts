/** Owns secrets in headers (G7): `Authorization: Bearer x` keeps its scheme, `Cookie: a=b` keeps nothing. */
import type { ValueRange } from './redact-quote.ts';
import { isPlaceholder } from './redact-value.ts';

const SCHEME =
  /(?:Bearer|Basic|Digest|Token|ApiKey|Api-Key|Key|Negotiate|NTLM|Hawk|HMAC|OAuth|GoogleLogin|SSWS|Splunk|GenieKey|DPoP|AWS4-HMAC-SHA256)[ =]+/iy;
const LONE_WORD = /^(?!https?:)[^\s,;(){}[\]]{8,}$/;
const TWO_WORDS = /^[A-Za-z][\w-]{1,30}\s+\S{8,}$/;
/** "Basic auth is needed": short words without digits. */
const PROSE = /^[^\s=\d]{1,15}\s[^=\d]*$/;
const HAS_DIGIT = /\d/;
const COOKIE = /^\s*[\w.%$!#&*+^|~-]{1,128}=[^;\s]/;
const LINE_END = /[\r\n"'`]|\\[nr"'`\\]/g;
const LOOKED_AT_CHARS = 300;

const lineEnd = (text: string): number => {
  LINE_END.lastIndex = 0;
  return LINE_END.exec(text)?.index ?? text.length;
};

/** How many characters at the start of an `authorization` value are no secret; `undefined`: none of it is one. */
const lengthOfScheme = (value: string): number | undefined => {
  SCHEME.lastIndex = 0;
  const scheme = SCHEME.exec(value)?.[0].length ?? 0;
  const rest = value.slice(scheme);
  if (isPlaceholder(rest)) return undefined;
  if (scheme > 0) return PROSE.test(rest) ? undefined : scheme;
  return HAS_DIGIT.test(rest) && (LONE_WORD.test(rest) || TWO_WORDS.test(rest)) ? 0 : undefined;
};

const isCookie = (value: string): boolean =>
  COOKIE.test(value) && value.split(';').some((pair) => !isPlaceholder(pair.slice(pair.indexOf('=') + 1).trim()));

/**
 * Which part of the header value that begins at `start` is a secret, if any is. It ends with its line, at a quote, or at an
 * escape of one of both in an enclosing text; with `isWhole` at the end of the text.
 */
export const secretInHeader = (
  text: string,
  start: number,
  { strength, isWhole }: { readonly strength: 'authorization' | 'cookie'; readonly isWhole: boolean },
): ValueRange | undefined => {
  const near = text.slice(start, start + LOOKED_AT_CHARS);
  const nearEnd = isWhole ? near.length : lineEnd(near);
  const head = near.slice(0, nearEnd).trimEnd();
  const skipped = strength === 'cookie' ? (isCookie(head) ? 0 : undefined) : lengthOfScheme(head);
  if (skipped === undefined || head.length <= skipped) return undefined;
  if (nearEnd < near.length) return { start: start + skipped, end: start + head.length };
  const end = isWhole ? text.length : start + lineEnd(text.slice(start));
  return { start: start + skipped, end };
};

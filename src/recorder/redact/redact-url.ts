/** Owns passwords in URLs (G7), `scheme://user:PASSWORD@host`: user and host stay; and addresses that are secrets themselves. */
import { addSpan, type Subject } from './redact-subject.ts';
import { isPlaceholder } from './redact-value.ts';
import { SECRET_URLS } from './secret-patterns.ts';

const SLASH = 47;
const BACKSLASH = 92;
const OPENING_BRACKET = 91;
const MAX_ODD_PASSWORD_CHARS = 128;
const KEY_AS_USER_MIN_CHARS = 20;
const SHORTEST_ADDRESS_CHARS = 11; // discord.com

/** What ends the part of a URL that names user and host. */
const ENDS_AUTHORITY = new Uint8Array(65536);
for (let code = 0; code <= 32; code += 1) ENDS_AUTHORITY[code] = 1;
for (const char of `/?#"'\`<>\\`) ENDS_AUTHORITY[char.charCodeAt(0)] = 1;

const addresses = SECRET_URLS.map(({ kind, source }) => ({ kind, pattern: new RegExp(source, 'y') }));

/** A password with `/`, `?` or `#` in it, which should have been encoded: not a port, up to an `@` with a host behind it. */
const ODD_PASSWORD = new RegExp(`:(?!\\d{1,5}[/?#])([^\\s@"'\`<>\\\\]{1,${MAX_ODD_PASSWORD_CHARS}})@[\\w[]`, 'y');

interface Authority {
  readonly end: number;
  /** First `:` and last `@`; -1: none. */
  readonly colonAt: number;
  readonly atAt: number;
}

/** Linear over all of a text: what is read ends at a `/`, and the next URL begins behind it. */
const readAuthority = (text: string, from: number): Authority => {
  let colonAt = -1;
  let atAt = -1;
  let i = from;
  for (; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (ENDS_AUTHORITY[code] === 1) break;
    if (code === 64) atAt = i;
    else if (code === 58 && colonAt === -1) colonAt = i;
  }
  return { end: i, colonAt, atAt };
};

const addPassword = (subject: Subject, start: number, end: number): void => {
  if (end <= start || isPlaceholder(subject.text.slice(start, end))) return;
  addSpan(subject, { start, end, kind: 'url-password', isForm: false });
};

/** Length of the part with user and host. */
const findPassword = (subject: Subject, from: number): number => {
  const authority = readAuthority(subject.text, from);
  if (authority.colonAt !== -1 || authority.atAt !== -1) redactPassword(subject, from, authority);
  return authority.end - from;
};

const redactPassword = (subject: Subject, from: number, { end, colonAt, atAt }: Authority): void => {
  const { text } = subject;
  if (text.charCodeAt(from) === OPENING_BRACKET) return; // an address of IPv6, or redacted before
  if (atAt !== -1 && colonAt !== -1 && colonAt < atAt) return addPassword(subject, colonAt + 1, atAt);
  if (atAt !== -1) {
    const isKey = atAt - from >= KEY_AS_USER_MIN_CHARS && /\d/.test(text.slice(from, atAt));
    return isKey ? addPassword(subject, from, atAt) : undefined;
  }
  if (colonAt === -1) return;
  if (end === text.length && subject.isCut) return addPassword(subject, colonAt + 1, end);
  if (end === colonAt + 1 || !text.slice(end, end + MAX_ODD_PASSWORD_CHARS).includes('@')) return;
  ODD_PASSWORD.lastIndex = colonAt;
  const odd = ODD_PASSWORD.exec(text);
  if (odd?.[1] !== undefined) addPassword(subject, colonAt + 1, colonAt + 1 + odd[1].length);
};

/** `//`, or `\/\/` as JSON of some languages has it, once or more often escaped. */
const SLASHES = /\\{0,15}\/\\{0,15}\//y;

/** Looks at the `:` at `at`: is it in a URL that tells a secret? */
export const findUrlSecret = (subject: Subject, at: number): void => {
  const { text } = subject;
  const next = text.charCodeAt(at + 1);
  if (next !== SLASH && next !== BACKSLASH) return;
  SLASHES.lastIndex = at + 1;
  if (!SLASHES.test(text)) return;
  const from = SLASHES.lastIndex;
  if (findPassword(subject, from) < SHORTEST_ADDRESS_CHARS) return;
  for (const { kind, pattern } of addresses) {
    pattern.lastIndex = from;
    const found = pattern.exec(text);
    if (found?.[1] === undefined) continue;
    const end = from + found[0].length;
    addSpan(subject, { start: end - found[1].length, end, kind, isForm: true });
    return;
  }
};

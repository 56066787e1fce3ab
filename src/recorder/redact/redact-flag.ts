/** Owns secrets behind flags of commands (G7): `--password value`, `curl -u user:value`, `sshpass -p value`. */
import { argumentRange, redactArgument } from './redact-assignment.ts';
import { mayEndSecretName, type SecretName, secretName } from './redact-name.ts';
import type { Subject } from './redact-subject.ts';

const MAX_FLAG_CHARS = 48;
const MAX_USER_CHARS = 128;
const LOOKED_BACK_CHARS = 300;

/** Between flag and value: spaces, or what separates two strings of a list in JSON. */
const BETWEEN = /(?:[ \t]{1,8}|\\{0,15}["'],\s{0,8}(?=\\{0,15}["']))/y;

interface ShortFlag {
  readonly name: SecretName;
  /** What must stand before it on its line. */
  readonly command: RegExp;
  readonly isUserAndPassword: boolean;
}

const PASSWORD: SecretName = { kind: 'password', strength: 'password', minChars: 1, bare: 'password' };

const SHORT_FLAGS: Readonly<Record<string, ShortFlag>> = {
  u: { name: PASSWORD, command: /\bcurl\b[^\n|;]*$/, isUserAndPassword: true },
  p: {
    name: PASSWORD,
    command: /\b(?:sshpass|(?:docker|podman|nerdctl|helm|az|oc) (?:registry )?login)\b[^\n|;]*$/,
    isUserAndPassword: false,
  },
  a: { name: PASSWORD, command: /\bredis-cli\b[^\n|;]*$/, isUserAndPassword: false },
};

/** Where one of them may stand. */
export const SHORT_FLAG = new RegExp(`-[${Object.keys(SHORT_FLAGS).join('')}](?=[\\s"'\\\\])`, 'g');

const lengthAt = (pattern: RegExp, text: string, at: number): number => {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex - at : 0;
};

const isFlagChar = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 45 || code === 95;

const findLongFlag = (subject: Subject, at: number): void => {
  const { text } = subject;
  const start = at + 2;
  let end = start;
  while (end - start < MAX_FLAG_CHARS && isFlagChar(text.charCodeAt(end))) end += 1;
  if (end - start < 2 || !mayEndSecretName(text, end)) return;
  const name = secretName(text.slice(start, end));
  if (name === undefined) return;
  const between = lengthAt(BETWEEN, text, end);
  if (between > 0) redactArgument(subject, name, argumentRange(text, end + between));
};

const findShortFlag = (subject: Subject, at: number, flag: ShortFlag): void => {
  const { text } = subject;
  const between = lengthAt(BETWEEN, text, at + 2);
  if (between === 0 || !flag.command.test(text.slice(Math.max(0, at - LOOKED_BACK_CHARS), at))) return;
  const argument = argumentRange(text, at + 2 + between);
  const { start, end } = argument;
  if (!flag.isUserAndPassword) return redactArgument(subject, flag.name, argument);
  const colonAt = text.slice(start, Math.min(end, start + MAX_USER_CHARS)).indexOf(':');
  if (colonAt !== -1) redactArgument(subject, flag.name, { start: start + colonAt + 1, end });
};

/** Looks at the dash at `at`: does a flag begin there, and a secret behind it? */
export const findBehindFlag = (subject: Subject, at: number): void => {
  const { text } = subject;
  if (at < subject.resumeAt) return;
  const letter = text.charAt(at + 1);
  if (letter === '-') return findLongFlag(subject, at);
  const flag = Object.hasOwn(SHORT_FLAGS, letter) ? SHORT_FLAGS[letter] : undefined;
  if (flag !== undefined) findShortFlag(subject, at, flag);
};

/** The name of the secret that follows `arguments_[index]` in a list of arguments: `['--password', 'x']`. */
export const nameOfNextArgument = (arguments_: readonly unknown[], index: number): SecretName | undefined => {
  const flag = arguments_[index];
  if (typeof flag !== 'string' || !flag.startsWith('-') || flag.length > MAX_FLAG_CHARS + 2) return undefined;
  if (flag.startsWith('--')) return secretName(flag.slice(2));
  const short =
    flag.length === 2 && Object.hasOwn(SHORT_FLAGS, flag.charAt(1)) ? SHORT_FLAGS[flag.charAt(1)] : undefined;
  return short?.command.test(`${arguments_.slice(0, Math.min(index, 3)).join(' ')} `) === true ? short.name : undefined;
};

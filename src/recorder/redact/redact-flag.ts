/** Owns secrets behind flags of commands (G7): `--password value`, `curl -u user:value`, `sshpass -p value`, `mysql -pvalue`. */
import { argumentRange, redactArgument } from './redact-assignment.ts';
import { mayEndSecretName, PASSWORD_NAME, type SecretName, secretName } from './redact-name.ts';
import { openingQuote, type ValueRange } from './redact-quote.ts';
import type { Subject } from './redact-subject.ts';

const MAX_FLAG_CHARS = 48;
const MAX_USER_CHARS = 128;
const LOOKED_BACK_CHARS = 300;

/** Between flag and value: spaces, or what separates two strings of a list in JSON. */
const BETWEEN = /(?:[ \t]{1,8}|\\{0,15}["'],\s{0,8}(?=\\{0,15}["']))/y;

/** What must stand before a flag on its line. */
const CURL = /\bcurl\b[^\n|;]*$/;
const LOGIN = /\b(?:sshpass|(?:docker|podman|nerdctl|helm|az|oc) (?:registry )?login)\b[^\n|;]*$/;
const MYSQL = /\b(?:mysql\w{0,12}|mariadb[\w-]{0,12}|mycli)\b[^\n|;]*$/;
const REDIS = /\bredis-cli\b[^\n|;]*$/;

interface ShortFlag {
  /** Of commands whose value stands behind a space. */
  readonly spaced: readonly RegExp[];
  /** Of commands whose value may be glued to the letter. */
  readonly glued: readonly RegExp[];
  readonly isUserAndPassword: boolean;
}

const OF_CURL: ShortFlag = { spaced: [CURL], glued: [CURL], isUserAndPassword: true };
const SHORT_FLAGS: Readonly<Record<string, ShortFlag>> = {
  u: OF_CURL,
  U: OF_CURL,
  p: { spaced: [LOGIN], glued: [LOGIN, MYSQL], isUserAndPassword: false },
  a: { spaced: [REDIS], glued: [], isUserAndPassword: false },
};
/** `curl --user name:password` */
const USER_FLAGS: readonly string[] = ['user', 'proxy-user'];

/** Where one of them may stand; looked for in every text. */
export const SHORT_FLAG = /-[uUpa]/g;
/** As the last of several: `curl -sSu name:password`. Only looked for where there is a `curl`. */
export const FLAGS_OF_CURL = /(?<![\w-])-[A-Za-z]{1,6}[uU](?=[\s"'\\])/g;
/** `docker run -p8080:80`, where `mysql` may well stand before it. */
const PORTS = /^[\d.]+(?::\d+)+$/;

const lengthAt = (pattern: RegExp, text: string, at: number): number => {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex - at : 0;
};

const isFlagChar = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 45 || code === 95;

const mayStandBehind = (commands: readonly RegExp[], before: string): boolean =>
  commands.some((command) => command.test(before));

const beforeFlag = (text: string, at: number): string => text.slice(Math.max(0, at - LOOKED_BACK_CHARS), at);

/** Of `name:password`, the password. */
const redactUser = (subject: Subject, { start, end }: ValueRange): void => {
  const colonAt = subject.text.slice(start, Math.min(end, start + MAX_USER_CHARS)).indexOf(':');
  if (colonAt !== -1) redactArgument(subject, PASSWORD_NAME, { start: start + colonAt + 1, end });
};

const findUserFlag = (subject: Subject, at: number, end: number): void => {
  const { text } = subject;
  const between = text.charAt(end) === '=' ? 1 : lengthAt(BETWEEN, text, end);
  if (between > 0 && CURL.test(beforeFlag(text, at))) redactUser(subject, argumentRange(text, end + between));
};

/** Looks at the `--` at `at`: does a flag begin there, and a secret behind it? */
export const findLongFlag = (subject: Subject, at: number): void => {
  const { text } = subject;
  if (at < subject.resumeAt) return;
  const start = at + 2;
  let end = start;
  while (end - start < MAX_FLAG_CHARS && isFlagChar(text.charCodeAt(end))) end += 1;
  if (end - start < 2) return;
  if (text.startsWith('user', end - 4) && USER_FLAGS.includes(text.slice(start, end))) findUserFlag(subject, at, end);
  if (!mayEndSecretName(text, end)) return;
  const name = secretName(text.slice(start, end));
  if (name === undefined) return;
  const between = lengthAt(BETWEEN, text, end);
  if (between > 0) redactArgument(subject, name, argumentRange(text, end + between));
};

/** `-p'x y'`: not the quote that closes what is around `-p`. */
const opensValue = (text: string, at: number, end: number): boolean =>
  /\s/.test(text.charAt(at - 1)) &&
  /[^\s,;:.)\]}]/.test(text.charAt(openingQuote(text, end) + 1)) &&
  openingQuote(text, end) !== -1;

/** What of `[at, end)`, a dash and letters, begins the value of its last letter; -1: nothing does. */
const shortValueAt = (text: string, at: number, end: number, { spaced, glued }: ShortFlag): number => {
  const between = lengthAt(BETWEEN, text, end);
  if (between > 0) return mayStandBehind(spaced, beforeFlag(text, at)) ? end + between : -1;
  const isGlued = end - at === 2 && (/[^\s"'\\]/.test(text.charAt(end)) || opensValue(text, at, end));
  return isGlued && mayStandBehind(glued, beforeFlag(text, at)) ? end : -1;
};

/** Looks at the dash and letters in `[at, end)`: are they a flag, and is there a secret behind it? */
export const findShortFlag = (subject: Subject, at: number, end: number): void => {
  const { text } = subject;
  const before = text.charCodeAt(at - 1);
  if (at < subject.resumeAt || isFlagChar(before)) return; // `re-use`, `--path`: nearly all
  const letter = text.charAt(end - 1);
  const flag = Object.hasOwn(SHORT_FLAGS, letter) ? SHORT_FLAGS[letter] : undefined;
  if (flag === undefined || (end - at > 2 && !flag.isUserAndPassword)) return;
  const valueAt = shortValueAt(text, at, end, flag);
  if (valueAt === -1) return;
  const argument = argumentRange(text, valueAt);
  if (flag.isUserAndPassword) return redactUser(subject, argument);
  if (!PORTS.test(text.slice(argument.start, argument.end))) redactArgument(subject, PASSWORD_NAME, argument);
};

/** How many arguments are looked at for the command. */
const LOOKED_AT_ARGUMENTS = 3;

const commandBefore = (arguments_: readonly unknown[], index: number): string =>
  `${arguments_.slice(0, Math.min(index, LOOKED_AT_ARGUMENTS)).join(' ')} `;

/** The name of the secret that follows `arguments_[index]` in a list of arguments: `['--password', 'x']`. */
export const nameOfNextArgument = (arguments_: readonly unknown[], index: number): SecretName | undefined => {
  const flag = arguments_[index];
  if (typeof flag !== 'string' || !flag.startsWith('-') || flag.length > MAX_FLAG_CHARS + 2) return undefined;
  if (USER_FLAGS.includes(flag.slice(2)))
    return CURL.test(commandBefore(arguments_, index)) ? PASSWORD_NAME : undefined;
  if (flag.startsWith('--')) return secretName(flag.slice(2));
  const short = /^-[A-Za-z]{1,7}$/.test(flag) ? SHORT_FLAGS[flag.slice(-1)] : undefined;
  if (short === undefined || (flag.length > 2 && !short.isUserAndPassword)) return undefined;
  return mayStandBehind(short.spaced, commandBefore(arguments_, index)) ? PASSWORD_NAME : undefined;
};

/** The name of the secret that `arguments_[index]` holds itself, glued to its flag: `['mysql', '-px']`. */
export const nameOfOwnArgument = (arguments_: readonly unknown[], index: number): SecretName | undefined => {
  const argument = arguments_[index];
  if (typeof argument !== 'string') return undefined;
  const [, letter = '', value] = /^-([uUp])([^-].*)$/s.exec(argument) ?? [];
  if (value === undefined) return undefined;
  const holds = letter === 'p' ? !PORTS.test(value) : value.includes(':');
  const commands = SHORT_FLAGS[letter]?.glued ?? [];
  return holds && mayStandBehind(commands, commandBefore(arguments_, index)) ? PASSWORD_NAME : undefined;
};

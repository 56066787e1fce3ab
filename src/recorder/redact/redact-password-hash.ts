/** Owns hashes of passwords as `crypt` and its kin write them (G7): `$6$salt$hash` of `/etc/shadow`, `$2b$…`, `$argon2id$…`. */
import { addSpan, type Subject } from './redact-subject.ts';

const CHARS = '[./A-Za-z0-9]';
const END = '(?![./A-Za-z0-9])';

const FORMS = [
  String.raw`(?:1|apr1|5|6|md5)\$(?:rounds=\d{1,9}\$)?${CHARS}{1,16}\$${CHARS}{22,86}${END}`,
  String.raw`2[abxy]?\$\d\d\$${CHARS}{53}${END}`,
  String.raw`g?y\$${CHARS}{1,24}\$${CHARS}{1,86}\$${CHARS}{43}${END}`,
  String.raw`7\$${CHARS}{11,97}\$${CHARS}{43}${END}`,
  String.raw`argon2(?:id?|d)\$(?:v=\d{1,3}\$)?m=\d{1,10},t=\d{1,6},p=\d{1,4}\$[+/A-Za-z0-9]{8,128}\$[+/A-Za-z0-9]{16,256}`,
  String.raw`scrypt\$ln=\d{1,3},r=\d{1,3},p=\d{1,3}\$[+/A-Za-z0-9]{8,128}\$[+/A-Za-z0-9]{16,256}`,
  String.raw`pbkdf2-sha\d{1,3}\$\d{1,9}\$${CHARS}{1,128}\$${CHARS}{16,256}`,
];
const HASH = new RegExp(String.raw`\$(?:${FORMS.join('|')})`, 'y');
/** What may stand behind the first `$`: one look spares nearly all others the rest. */
const FIRST = '12567agmpsy';

/** Looks at the `$` at `at`: does a hash of a password begin here? */
export const findPasswordHash = (subject: Subject, at: number): void => {
  const { text } = subject;
  if (at < subject.resumeAt || !FIRST.includes(text.charAt(at + 1)) || at + 1 >= text.length) return;
  HASH.lastIndex = at;
  if (!HASH.test(text)) return;
  addSpan(subject, { start: at, end: HASH.lastIndex, kind: 'password-hash', isForm: true });
  subject.resumeAt = HASH.lastIndex;
};

/** Owns passwords of `.netrc` (G7), where nothing but their order tells: `machine host login name password value`. */
import { argumentRange, redactArgument } from './redact-assignment.ts';
import { PASSWORD_NAME } from './redact-name.ts';
import type { Subject } from './redact-subject.ts';

/** Spaces and line feeds, also those of an enclosing text. */
const GAP = String.raw`(?:[ \t\r\n]|\\{1,15}[nrt]){1,16}`;
const WORD = String.raw`[^\s\\"']{1,200}`;
const LOGIN = `(?:login|account)${GAP}${WORD}${GAP}`;
/** A name without a dot is a host only where a login follows: "the machine learning password". */
const HOST = String.raw`[\w-]{1,63}\.[\w.-]{1,190}(?::\d{1,5})?`;

const ENTRY = new RegExp(
  `(?:(?:machine${GAP}${WORD}|default)${GAP}(?:${LOGIN}){1,2}|machine${GAP}${HOST}${GAP})password${GAP}`,
  'y',
);

/** What stands before a part of a word; the n of an escaped line feed does not. */
const INSIDE_WORD = /(?:^|[^\\])[\w.-]$/;

/** Looks at the `machine` or `default` at `at`: does an entry with a password begin here? */
export const findInNetrc = (subject: Subject, at: number): void => {
  const { text } = subject;
  if (at < subject.resumeAt || INSIDE_WORD.test(text.slice(Math.max(0, at - 2), at))) return;
  ENTRY.lastIndex = at;
  if (ENTRY.test(text)) redactArgument(subject, PASSWORD_NAME, argumentRange(text, ENTRY.lastIndex));
};

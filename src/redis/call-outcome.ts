/** Owns what may come of a call to Redis, as a value, and how an error of ioredis or of a server becomes one. Pure. */
import { errnoOf, errorMessage } from '../model/error.ts';
import type { Secret } from '../model/secret.ts';

export type CallOutcome<T = unknown> =
  | { readonly kind: 'done'; readonly value: T }
  /** Redis answered that it will not; nothing was changed, unless a script says otherwise. */
  | { readonly kind: 'refused'; readonly code: string; readonly why: string }
  /** Nothing was sent. */
  | { readonly kind: 'unsent'; readonly why: string }
  /** Sent, and no answer came: it may have been done, or may still be. */
  | { readonly kind: 'unknown'; readonly why: string };

const MAX_WHY = 300;

/** Codes that a Redis before 7 puts into the middle of a script's error. */
const INNER_CODE = /\b(WRONGTYPE|NOPERM|NOAUTH|OOM|READONLY|MISCONF|NOREPLICAS|NOSCRIPT|LOADING|BUSY|MASTERDOWN)\b/;

/** `WRONGTYPE`, `NOPERM`, `OOM` …; `ERR` for all that has no code of its own. */
export const codeOf = (message: string): string => {
  const inner = INNER_CODE.exec(message)?.[1];
  if (inner !== undefined) return inner;
  if (
    /^ERR ACL failure in script|has no permissions to (run|access)|executing the script can't (run|access)/.test(
      message,
    )
  )
    return 'NOPERM';
  return /^([A-Z][A-Z0-9]+)\b/.exec(message)?.[1] ?? 'ERR';
};

/** Words of ioredis → words for a person. */
const PLAIN: readonly (readonly [RegExp, string])[] = [
  [/^Socket timeout\. Expecting data, but didn't receive any in (\d+)ms\.$/, 'no answer for $1 ms'],
  [/^Reached the max retries per request limit .*$/, 'the connection was lost before the answer came'],
  [
    /^(Connection is closed\.|Command aborted due to connection close)$/,
    'the connection was lost before the answer came',
  ],
  [/^(Unknown RESP type|Protocol error)\b.*$/, 'what answers there is no Redis'],
  [/^Command timed out$/, 'no answer in time'],
  [/^.*\bNOAUTH\b.*$/, 'NOAUTH: it asks for a password'],
  [/^WRONGPASS\b.*$/, 'WRONGPASS: it does not take this user and password'],
  [/^.*\bOOM\b.*$/, 'OOM: it refuses writes, its memory is full (maxmemory)'],
  [/^.*\bMISCONF\b.*$/, 'MISCONF: it refuses writes, it cannot save its data to disk'],
  [/^.*\bREADONLY\b.*$/, 'READONLY: it refuses writes, it is a replica'],
  [/^Failed to refresh slots cache\.\s*/, 'no node of the Cluster can be asked. '],
];

const ownText = (thrown: unknown): string => {
  if (thrown instanceof AggregateError && thrown.message === '') return thrown.errors.map(errorMessage).join(', ');
  const text = errorMessage(thrown);
  const inner = thrown instanceof Error && 'lastNodeError' in thrown ? errorMessage(thrown.lastNodeError) : '';
  return inner === '' ? text : `${text} ${inner}`;
};

/**
 * What to say of an error. A server that does not know a command repeats its arguments, the password of AUTH and HELLO
 * among them: those are taken out.
 */
export const tellError = (thrown: unknown, secrets: readonly Secret[]): string => {
  const text = ownText(thrown).replace(/,? with args beginning with:.*$/s, '');
  const clean = secrets.reduce((rest, secret) => secret.takenOutOf(rest), text);
  const shown = PLAIN.reduce(
    (rest, [theirs, ours]) => rest.replace(theirs, ours),
    clean.replaceAll(/\s+/g, ' ').trim(),
  );
  return (shown === '' ? (errnoOf(thrown) ?? 'unknown error') : shown).slice(0, MAX_WHY);
};

/** What a rejected call means for its caller. */
export const outcomeOf = (thrown: unknown, secrets: readonly Secret[]): CallOutcome<never> => {
  const why = tellError(thrown, secrets);
  if (thrown instanceof Error && thrown.name === 'ReplyError') return { kind: 'refused', code: codeOf(why), why };
  if (why.startsWith("Stream isn't writeable")) return { kind: 'unsent', why: 'the connection is being closed' };
  return { kind: 'unknown', why };
};

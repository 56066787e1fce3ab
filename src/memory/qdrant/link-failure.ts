/** Owns what may come of a call to Qdrant, as a value, and how what its client throws becomes one. Pure. */
import type { Secret } from '../../model/secret.ts';
import { errnoOf, errorMessage } from '../../model/error.ts';

export type LinkFailure =
  /** Not reachable, no answer in time, an error of its own, no room, or no Qdrant: later it may go. It may have been done. */
  | { readonly kind: 'away'; readonly why: string }
  /** The key, or a missing one. */
  | { readonly kind: 'refused'; readonly why: string }
  /** The collection is not there. */
  | { readonly kind: 'missing'; readonly why: string }
  /** It understood, and does not take it: that is there already, or the collection is of another shape. */
  | { readonly kind: 'unfit'; readonly why: string };

export type LinkOutcome<T> = { readonly kind: 'done'; readonly value: T } | LinkFailure;

export const NO_QDRANT = 'what answers there is no Qdrant';

const MAX_WHY = 300;

const shortened = (text: string, secret: Secret | undefined): string => {
  const clean = secret === undefined ? text : secret.takenOutOf(text);
  return clean.replaceAll(/\s+/g, ' ').trim().slice(0, MAX_WHY);
};

/** Of an answer that is no success: Qdrant's own words, if they are Qdrant's. */
const wordsOf = (data: unknown): string | undefined => {
  if (typeof data !== 'object' || data === null || !('status' in data)) return undefined;
  const { status } = data;
  if (typeof status !== 'object' || status === null || !('error' in status)) return undefined;
  return typeof status.error === 'string' ? status.error : undefined;
};

const NO_ROOM = /no space left|disk space/i;

const failureOfStatus = (status: number, words: string | undefined): LinkFailure => {
  const why = `${status}${words === undefined ? '' : `: ${words}`}`;
  if (status === 401 || status === 403) return { kind: 'refused', why: `it refuses the key (${why})` };
  if (words !== undefined && NO_ROOM.test(words)) return { kind: 'away', why: `its disk is full (${why})` };
  if (status === 429) return { kind: 'away', why: `it is asked too much (${why})` };
  if (status >= 500) return { kind: 'away', why: `it answers with an error (${why})` };
  if (words === undefined) return { kind: 'away', why: `${NO_QDRANT} (${status})` };
  return { kind: status === 404 ? 'missing' : 'unfit', why: words };
};

/** Of `fetch`: the reason is in the cause; of several addresses, the reason of each. */
const causeOf = (thrown: unknown): string => {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  if (cause instanceof AggregateError) return [...new Set(cause.errors.map(causeOf))].join(', ');
  if (cause !== undefined) return causeOf(cause);
  const code = errnoOf(thrown);
  const text = errorMessage(thrown);
  return code === undefined || text.includes(code) ? text : `${code}: ${text}`;
};

const CLOSED = ['EPIPE', 'ECONNRESET', 'UND_ERR_SOCKET'];

/** The other side closed it before an answer came. */
export const isOfClosedConnection = (thrown: unknown): boolean =>
  CLOSED.includes((thrown instanceof Error && errnoOf(thrown.cause)) || '');

const isStatusError = (thrown: unknown): thrown is Error & { readonly status: number; readonly data?: unknown } =>
  thrown instanceof Error && 'status' in thrown && typeof thrown.status === 'number';

/** What the client throws where something else than Qdrant answers, or less than it. */
const isGarbage = (thrown: unknown): boolean =>
  thrown instanceof SyntaxError ||
  (thrown instanceof Error && thrown.constructor.name === 'QdrantClientUnexpectedResponseError');

const isTooMany = (thrown: unknown): boolean =>
  thrown instanceof Error && thrown.constructor.name === 'QdrantClientResourceExhaustedError';

/** `secret`: is taken out of other people's words. */
export const failureOf = (thrown: unknown, secret: Secret | undefined): LinkFailure => {
  if (isGarbage(thrown)) return { kind: 'away', why: NO_QDRANT };
  const failure: LinkFailure = isTooMany(thrown)
    ? failureOfStatus(429, undefined)
    : isStatusError(thrown)
      ? failureOfStatus(thrown.status, wordsOf(thrown.data))
      : { kind: 'away', why: causeOf(thrown) };
  return { ...failure, why: shortened(failure.why, secret) };
};

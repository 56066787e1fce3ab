/** Owns when a notification that could not be sent is tried again, and when it is given up. Pure. */

/** 1 s, 7 s, 49 s, 6 minutes, 40 minutes: a server that is away for most of an hour is met. */
const FIRST_MS = 1_000;
const FACTOR = 7;
/** Of a pause is added or taken by chance, so that a fleet does not come back all at once. */
const CHANCE = 0.2;
export const MAX_TRIES = 6;
export const MAX_AGE_MS = 3_600_000;

export interface Tried {
  /** With the one that failed. */
  readonly tries: number;
  /** Since it was told. */
  readonly ageMs: number;
  /** As the server wishes. */
  readonly retryAfterMs?: number | undefined;
}

/** The pause before the next try; `undefined`: it is given up. `chance`: from 0 to 1. */
export const pauseAfter = ({ tries, ageMs, retryAfterMs = 0 }: Tried, chance: number): number | undefined => {
  if (tries >= MAX_TRIES) return undefined;
  const pauseMs = FIRST_MS * FACTOR ** (tries - 1) * (1 + CHANCE * (2 * chance - 1));
  const waitMs = Math.round(Math.max(pauseMs, retryAfterMs));
  return ageMs + waitMs > MAX_AGE_MS ? undefined : waitMs;
};

/** Of a `Retry-After`: seconds, or a date. `undefined`: neither. */
export const parseRetryAfter = (text: string | null, nowMs: number): number | undefined => {
  if (text === null) return undefined;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
};

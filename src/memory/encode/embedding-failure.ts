/** Owns what can go wrong with dense vectors, as values; and how an endpoint's own words are told. */
import type { Secret } from '../../model/secret.ts';

export type EmbeddingFailure =
  /** Not reachable, too slow, overloaded, or failing by itself: later it may go. */
  | { readonly kind: 'away'; readonly why: string }
  /** It asks for a key, or for another one. */
  | { readonly kind: 'refused'; readonly why: string }
  /** It does not take what it was asked: the model is unknown to it, or a text too long. */
  | { readonly kind: 'not-taken'; readonly why: string }
  /** What came is no answer of such an endpoint. */
  | { readonly kind: 'garbage'; readonly why: string }
  /** The model has another dimension than the settings say. */
  | { readonly kind: 'other-dimension'; readonly why: string };

const EXCERPT_CHARS = 200;

/** A line of what it said, with neither the key nor anything that would move a terminal's cursor. */
export const excerptOf = (said: string, apiKey: Secret | undefined): string => {
  const told = (apiKey?.takenOutOf(said) ?? said).replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return told.slice(0, EXCERPT_CHARS).toWellFormed();
};

const LATER = new Set([408, 409, 425, 429]);

/** Of 401 and 403 nothing is quoted: some show a part of the key. */
export const failureOfStatus = (status: number, said: string): EmbeddingFailure => {
  const why = said === '' ? `HTTP ${status}` : `HTTP ${status}: ${said}`;
  if (status === 401 || status === 403)
    return { kind: 'refused', why: `HTTP ${status}: it asks for a key, or for another one` };
  if (status >= 500 || LATER.has(status)) return { kind: 'away', why };
  return status >= 400 ? { kind: 'not-taken', why } : { kind: 'garbage', why };
};

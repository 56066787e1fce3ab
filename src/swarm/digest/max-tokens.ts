/** Owns how few tokens something that is bounded in them may be told in. */
import { NikaError } from '../../model/error.ts';

export const DEFAULT_MAX_TOKENS = 800;
/** Heads, ids and the cursor of a digest need about 150. */
export const MIN_MAX_TOKENS = 200;
const MOST_MAX_TOKENS = 1_000_000;

/** @throws {NikaError} `NIKA_DIGEST_TOO_SMALL` */
export const checkMaxTokens = (maxTokens: number): number => {
  if (Number.isSafeInteger(maxTokens) && maxTokens >= MIN_MAX_TOKENS) return Math.min(maxTokens, MOST_MAX_TOKENS);
  throw new NikaError('NIKA_DIGEST_TOO_SMALL', `${maxTokens} tokens are too few: it takes at least ${MIN_MAX_TOKENS}`, {
    subject: String(maxTokens),
    remedy: `Give ${MIN_MAX_TOKENS} or more; a digest has ${DEFAULT_MAX_TOKENS} where nothing is said.`,
  });
};

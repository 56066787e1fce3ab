/**
 * Owns whether a text as it stands on the bus may have a word of a question, at a tenth of the cost of taking it apart.
 *
 * F1. It never says no where `encodeDocument` finds one of the words: a word begins with what its stem has in common with
 *     all that have the same one, whatever joins its letters; where that is not sure, of the question or of the text, it
 *     does not answer, or says yes.
 */
import { endingOf } from './stem.ts';
import { termsOf } from './sparse.ts';

export type TermFilter = (text: string) => boolean;

/** Of one case, so of one part; shorter ones are nearly everywhere. */
const PLAIN = /^(?:[a-z]{3,40}|[A-Z][a-z]{2,39}|[A-Z]{3,40})$/;
/** All but ASCII, dashes, quotes, arrows and symbols may fold to letters. */
const MAY_FOLD = /[^\0-\x7f\u2010-\u2027\u2190-\u23ff\u2500-\u27bf]/;
/** What may stand within a word: `web_socket`, `don't`. */
const JOINERS = "[-_'\u2019]*";
const MAX_WORDS = 12;

/** "tries" and "try" have but "tr" in common. */
const commonOf = (word: string): string => {
  const { cut } = endingOf(word, word.length, word.length);
  return word.slice(0, word.length - cut).replace(/y$/, '');
};

/** `undefined`: of that question nothing can be said beforehand. */
export const createTermFilter = (words: string): TermFilter | undefined => {
  const given = words.split(/\s+/).filter((word) => word !== '');
  if (given.length > MAX_WORDS || !given.every((word) => PLAIN.test(word))) return undefined;
  const terms = new Set(termsOf(words).map(({ token }) => token));
  const kept = given.map((word) => word.toLowerCase()).filter((word) => terms.has(word)); // no stop words
  const patterns = [...new Set(kept)].map((word) => new RegExp(Array.from(commonOf(word)).join(JOINERS), 'i'));
  return (text) => patterns.some((pattern) => pattern.test(text)) || MAY_FOLD.test(text);
};

/** Owns the words that nothing is found by: of a question they are left out, and a document is shorter without them. */
import { Tokenizer } from './tokenizer.ts';

const WORDS = `
a about after again all also am an and another any anyone anything are as at be because been before being but by can
could did do does doing done ever for from had has have having he her here him his how i if in into is it its itself
just me my no not now of off on one only or other our out over own please she should so some somebody someone something
such than that the their them then there these they this those through to too until up us very was we were what when
where which while who whom whose why will with without would you your
`;

export const stopWordsOf = (tokenizer: Tokenizer): ReadonlySet<number> => {
  const { count, hashes } = tokenizer.tokens(WORDS);
  return new Set(hashes.subarray(0, count));
};

export const STOP_WORDS = stopWordsOf(new Tokenizer());

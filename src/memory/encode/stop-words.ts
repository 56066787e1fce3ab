/** Owns the words that nothing is found by: of a question they are left out, and a document is shorter without them. */
import { Tokenizer } from './tokenizer.ts';

/** Words of grammar alone: "again", "only", "until", "without" say something of a fault. */
const WORDS = `
a about also am an and any anyone anything are as at be because been before being but by can could did do does doing done ever for
from had has have having he her here him his how i if in into is it its itself just me my of on or our please she should
so some somebody someone something such than that the their them then there these they this those to too us was we were
what when where which while who whom whose why will with would you your
`;

const { count, hashes } = new Tokenizer().tokens(WORDS);
const words = new Set(hashes.subarray(0, count));

/** A set of numbers beyond 31 bits is slow to ask: nearly all others are told apart by their last bits alone. */
const LAST_BITS = 0xff_ff;
const mayBe = new Uint8Array(LAST_BITS + 1);
for (const hash of words) mayBe[hash & LAST_BITS] = 1;

export const isStopWord = (hash: number): boolean => mayBe[hash & LAST_BITS] === 1 && words.has(hash);

/** Owns the second question: which files of the first bad commit make the test fail, put on the commit before it. */
import { ddmin } from './ddmin.mjs';
import { TOLD } from './find-good.mjs';
import { pathOf, short } from './history.mjs';

/** A commit of a thousand files whose parts do not build could take for ever. */
const MAX_TRIES = 100;

/**
 * @typedef {object} Culprits
 * @property {string[]} files empty where they could not be told
 * @property {string} told how sure that is, the end of a sentence about the commit
 */

const OTHERS = { fail: 'break it too', pass: 'do not', skip: 'cannot be judged' };

/** @param {readonly string[]} files */
const list = (files) =>
  files.length > 3 ? `${files.slice(0, 3).join(', ')} and ${files.length - 3} more` : files.join(', ');

/** @param {import('./find-good.mjs').Bisection} bisection @param {{ base: string, commit: string }} pair */
const createAsking = ({ trials, note }, pair) => {
  /** @type {Map<string, import('./trials.mjs').Verdict['kind']>} */
  const asked = new Map();
  /** @param {readonly import('./history.mjs').Change[]} changes */
  return async (changes) => {
    const key = changes.map(pathOf).join('\0');
    const known = asked.get(key);
    if (known !== undefined) return known;
    const { kind, why } = await trials.judgePart({ changes, ...pair });
    note(`with ${list(changes.map(pathOf))} it ${TOLD[kind]} (${why})`);
    asked.set(key, kind);
    return kind;
  };
};

/**
 * @param {import('./find-good.mjs').Bisection} bisection
 * @param {string} commit the first bad one
 * @returns {Promise<Culprits>}
 */
export const findCulprits = async (bisection, commit) => {
  const { history, trials } = bisection;
  const { parents } = await history.facts(commit);
  const [base] = parents;
  if (base === undefined) return { files: [], told: 'has no commit before it to compare with' };
  const before = await trials.judgeCommit(base, (await history.facts(base)).subject);
  if (before.kind !== 'pass') {
    const why = before.kind === 'fail' ? 'the test fails at' : 'the test cannot be judged at';
    return { files: [], told: `is the first bad one, but ${why} its parent ${short(base)} as well` };
  }
  const changes = await history.changes(base, commit);
  const isMerge = parents.length > 1;
  if (changes.length === 0) return { files: [], told: 'changes no file' };
  const all = changes.map(pathOf);
  if (changes.length === 1) return { files: all, told: `changes nothing but ${list(all)}` };
  const triesBefore = trials.testCount;
  const ask = createAsking(bisection, { base, commit });
  const mayGoOn = () => trials.testCount - triesBefore < MAX_TRIES;
  const smallest = await ddmin(changes, async (part) => (await ask(part)) === 'fail', mayGoOn);
  const files = smallest.map(pathOf);
  const bound = mayGoOn() ? '' : ` (the smallest set that ${MAX_TRIES} tries found)`;
  if (smallest.length === changes.length)
    return { files, told: `breaks the test only with all its ${files.length} files together${bound}` };
  const where = `put on ${isMerge ? 'its first parent' : 'the commit before it'}, ${short(base)}`;
  const others = OTHERS[await ask(changes.filter((change) => !smallest.includes(change)))];
  return { files, told: `breaks the test by ${list(files)} alone${bound}, ${where}; its other files alone ${others}` };
};

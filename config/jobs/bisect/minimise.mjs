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

/** @param {readonly string[]} files */
const list = (files) =>
  files.length > 3 ? `${files.slice(0, 3).join(', ')} and ${files.length - 3} more` : files.join(', ');

/** @param {import('./find-good.mjs').Bisection} bisection @param {{ base: string, commit: string }} pair */
const createAsking = ({ trials, note }, pair) => {
  /** @type {Map<string, boolean>} */
  const asked = new Map();
  /** @param {readonly import('./history.mjs').Change[]} changes */
  return async (changes) => {
    const key = changes.map(pathOf).join('\0');
    const known = asked.get(key);
    if (known !== undefined) return known;
    const { kind, why } = await trials.judgePart({ changes, ...pair });
    note(`with ${list(changes.map(pathOf))} it ${TOLD[kind]} (${why})`);
    asked.set(key, kind === 'fail');
    return kind === 'fail';
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
  const fails = createAsking(bisection, { base, commit });
  const smallest = await ddmin(changes, fails, () => trials.testCount - triesBefore < MAX_TRIES);
  const files = smallest.map(pathOf);
  const where = `${short(base)}, ${isMerge ? 'the first parent of this merge' : 'the commit before it'}`;
  if (smallest.length === changes.length)
    return { files, told: `fails only with all its ${files.length} files together` };
  const othersFail = await fails(changes.filter((change) => !smallest.includes(change)));
  const others = othersFail
    ? '; its other files alone make it fail too'
    : '; with its other files alone it does not fail';
  const bound = trials.testCount - triesBefore >= MAX_TRIES ? ` (the smallest set that ${MAX_TRIES} tries found)` : '';
  return { files, told: `with ${list(files)} alone${bound}, put on ${where}, makes the test fail${others}` };
};

/** Owns the two ends of the bisection: a commit at which the test is seen to fail, and one at which it is seen to pass. */
import { CannotTell } from './cannot-tell.mjs';
import { short } from './history.mjs';

/**
 * @typedef {object} Bisection
 * @property {import('./history.mjs').History} history
 * @property {import('./trials.mjs').Trials} trials
 * @property {(text: string) => void} note
 *
 * The test fails at `bad` and passes at all of `goods`; what a good one has is taken for good too.
 * @typedef {{ bad: string, goods: string[] }} Ends
 */

/** What a verdict is in a sentence about the test. */
export const TOLD = { pass: 'passes', fail: 'fails', skip: 'cannot be judged' };

/** @param {Bisection} bisection @param {string} commit */
export const judge = async ({ history, trials, note }, commit) => {
  const { subject } = await history.facts(commit);
  const verdict = await trials.judgeCommit(commit, subject);
  note(`${short(commit)} ${TOLD[verdict.kind]} (${verdict.why}): ${subject}`);
  return verdict;
};

/** @param {Bisection} bisection @param {string} bad @param {string} name */
const requireBad = async (bisection, bad, name) => {
  const { kind, why } = await judge(bisection, bad);
  if (kind === 'pass') throw new CannotTell(`the test passes at ${name}: there is nothing to look for`);
  if (kind === 'skip') throw new CannotTell(`the test cannot be judged at ${name}: ${why}`);
};

/** The good one that was given; where it is no ancestor of the bad one, also where the two parted. @param {Bisection} bisection @param {{ bad: string, good: string, name: string }} given */
const requireGood = async (bisection, { bad, good, name }) => {
  const { kind, why } = await judge(bisection, good);
  if (kind === 'fail') throw new CannotTell(`the test fails at the good commit ${name} too: ${why}`);
  if (kind === 'skip') throw new CannotTell(`the test cannot be judged at the good commit ${name}: ${why}`);
  const bases = await bisection.history.mergeBases(good, bad);
  for (const base of bases) {
    const verdict = await judge(bisection, base);
    if (verdict.kind === 'fail')
      throw new CannotTell(
        `the test fails at ${short(base)} already, where ${name} and the bad commit parted: ` +
          `it was mended on the way to ${name}, not broken on the other`,
      );
  }
  return [good, ...bases];
};

/** What was found on the way back. */
class Search {
  failedCount = 0;
  skippedCount = 0;

  /** @param {string} bad */
  constructor(bad) {
    /** The oldest one at which the test fails. */
    this.bad = bad;
  }

  /** @param {boolean} isShallow */
  sayNone(isShallow) {
    const tried = `it fails at ${this.failedCount + 1}, the oldest of them ${short(this.bad)}`;
    const skipped = this.skippedCount === 0 ? '' : `, and ${this.skippedCount} could not be judged`;
    const shallow = isShallow ? '; the history here is shallow: git fetch --unshallow brings the rest' : '';
    return `no commit was found at which the test passes: ${tried}${skipped}${shallow}`;
  }
}

/**
 * Back along the first parents: 1, 2, 4, 8 … commits. One that cannot be judged is passed by, the next ones are near it.
 * @param {Bisection} bisection @param {string} newest
 * @returns {Promise<Ends>}
 */
const searchBack = async (bisection, newest) => {
  const line = await bisection.history.firstParents(newest);
  const last = line.length - 1;
  const search = new Search(newest);
  let stride = 1;
  for (let at = 0; at < last;) {
    at = Math.min(last, at + stride);
    const commit = line[at] ?? '';
    const { kind } = await judge(bisection, commit);
    if (kind === 'pass') return { bad: search.bad, goods: [commit] };
    if (kind === 'fail') {
      search.bad = commit;
      search.failedCount += 1;
      stride = at;
    } else {
      search.skippedCount += 1;
      stride = search.skippedCount;
    }
  }
  throw new CannotTell(search.sayNone(await bisection.history.isShallow()));
};

/**
 * @param {Bisection} bisection
 * @param {{ bad: string, good: string }} names as they were given; `good` may be empty
 * @returns {Promise<Ends>}
 * @throws {CannotTell}
 */
export const findEnds = async (bisection, names) => {
  const { history } = bisection;
  const bad = await history.resolve(names.bad, 'bad');
  const good = names.good === '' ? undefined : await history.resolve(names.good, 'good');
  await requireBad(bisection, bad, names.bad);
  if (good !== undefined) return { bad, goods: await requireGood(bisection, { bad, good, name: names.good }) };
  return searchBack(bisection, bad);
};

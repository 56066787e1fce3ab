/** Owns the bisection: the first commit at which the test fails, also in a history with merges. */
import { CannotTell } from './cannot-tell.mjs';
import { judge } from './find-good.mjs';
import { short } from './history.mjs';

const NAMED_COUNT = 10;

/**
 * The first bad commit is one of these, and nothing more can be told.
 */
export class OnlySkipped extends CannotTell {
  /** @param {readonly string[]} suspects */
  constructor(suspects) {
    const more = suspects.length > NAMED_COUNT ? ` and ${suspects.length - NAMED_COUNT} more` : '';
    const named = suspects.slice(0, NAMED_COUNT).map(short).join(', ');
    super(`it is one of ${suspects.length} commits; those that are left cannot be judged: ${named}${more}`);
    this.suspects = suspects;
  }
}

/**
 * Where commits in a row cannot be judged, the next try is farther and farther from the middle.
 * @param {readonly string[]} candidates the best one first
 * @param {number} skipsInRow
 */
const pick = (candidates, skipsInRow) => candidates[Math.min(candidates.length - 1, skipsInRow ** 2)] ?? '';

/**
 * @param {import('./find-good.mjs').Bisection} bisection
 * @param {import('./find-good.mjs').Ends} ends
 * @returns {Promise<string>} each of its parents is good, or comes before a good one
 * @throws {OnlySkipped}
 */
export const searchFirstBad = async (bisection, ends) => {
  let { bad } = ends;
  const goods = [...ends.goods];
  /** @type {Set<string>} */
  const skipped = new Set();
  for (let skipsInRow = 0; ;) {
    const suspects = await bisection.history.suspects(bad, goods);
    if (suspects.length <= 1) return bad;
    const candidates = suspects.filter((commit) => commit !== bad && !skipped.has(commit));
    if (candidates.length === 0) throw new OnlySkipped([bad, ...suspects.filter((commit) => commit !== bad)]);
    const commit = pick(candidates, skipsInRow);
    const { kind } = await judge(bisection, commit);
    skipsInRow = kind === 'skip' ? skipsInRow + 1 : 0;
    if (kind === 'fail') bad = commit;
    else if (kind === 'pass') goods.push(commit);
    else skipped.add(commit);
  }
};

/** The job `bisect`: finds the commit that broke a test, and which of its files did. */
import { CannotTell } from './cannot-tell.mjs';
import { findEnds } from './find-good.mjs';
import { OnlySkipped, searchFirstBad } from './first-bad.mjs';
import { git, GitRefusal } from './git.mjs';
import { History, short } from './history.mjs';
import { findCulprits } from './minimise.mjs';
import { Trials } from './trials.mjs';
import { Worktree } from './worktree.mjs';

/**
 * @typedef {object} BisectInputs
 * @property {string} test
 * @property {string} bad
 * @property {string} good empty: it is searched for
 * @property {string} setup empty: none
 * @property {string} keep
 * @property {string} timeout
 * @property {boolean} repeat
 * @property {boolean} minimise
 *
 * @typedef {object} BisectResult
 * @property {string} commit the first bad one
 * @property {string} author
 * @property {string} date
 * @property {string} subject
 * @property {number} tries how often the test ran
 * @property {string[]} culprits files
 * @property {string} how one sentence
 */

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
/** Of a timer. */
const MAX_MS = 2 ** 31 - 1;

/** @param {string} text such as 90s */
const parseDuration = (text) => {
  const [, count = '', unit = 's'] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? [];
  return Math.min(MAX_MS, Number(count) * UNIT_MS[/** @type {keyof typeof UNIT_MS} */ (unit)]);
};

/** @param {string} cwd */
const findRepository = async (cwd) => {
  try {
    const top = await git(cwd, ['rev-parse', '--show-toplevel']);
    return { top, prefix: await git(cwd, ['rev-parse', '--show-prefix']) };
  } catch (thrown) {
    if (!(thrown instanceof GitRefusal)) throw thrown;
    throw new CannotTell(`${cwd} is in no git checkout: ${thrown.message}`);
  }
};

/**
 * @param {import('nika').PodApi} pod
 * @param {import('./find-good.mjs').Bisection} bisection
 * @param {BisectInputs} inputs
 * @returns {Promise<BisectResult>}
 */
const search = async (pod, bisection, inputs) => {
  const { history, trials } = bisection;
  const ends = await pod.task('find good', () => findEnds(bisection, inputs));
  const commit = await pod.task('bisect', () => searchFirstBad(bisection, ends));
  const { author, date, subject } = await history.facts(commit);
  pod.note(`the first commit at which the test fails is ${short(commit)} of ${author}: ${subject}`);
  const { files, told } = inputs.minimise
    ? await pod.task('minimise', () => findCulprits(bisection, commit))
    : { files: [], told: 'is the first at which the test fails' };
  const how = `After ${trials.testCount} tries: ${short(commit)} ${told}.`;
  return { commit, author, date, subject, tries: trials.testCount, culprits: files, how };
};

/**
 * @param {import('nika').PodApi} pod
 * @param {BisectInputs} inputs
 * @returns {Promise<BisectResult>}
 */
export const run = async (pod, inputs) => {
  const { signal } = pod;
  const { top, prefix } = await findRepository(process.cwd());
  const history = new History(top, signal);
  const bad = await history.resolve(inputs.bad, 'bad');
  await using worktree = await Worktree.open({ top, commit: bad, keep: inputs.keep, signal });
  const { test, setup, repeat: repeats } = inputs;
  const timeoutMs = parseDuration(inputs.timeout);
  const trials = new Trials(pod, worktree, { test, setup, repeats, timeoutMs, top, prefix });
  try {
    return await search(pod, { history, trials, note: (text) => pod.note(text) }, inputs);
  } catch (thrown) {
    if (thrown instanceof OnlySkipped) pod.result({ suspects: thrown.suspects, tries: trials.testCount });
    throw thrown;
  }
};

/** Owns what a try is: a folder made ready, the setup, the test, and what its exit code says. Each part is a tool call. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { GitRefusal, ownEnvironment } from './git.mjs';
import { short } from './history.mjs';
import { runLine } from './program.mjs';

/**
 * `skip`: nothing is known of the commit.
 * @typedef {{ readonly kind: 'pass' | 'fail' | 'skip', readonly why: string }} Verdict
 *
 * The commit `base` with some of the changes that lead to `commit`.
 * @typedef {{ base: string, commit: string, changes: readonly import('./history.mjs').Change[] }} Part
 *
 * @typedef {object} TrialOptions
 * @property {string} test
 * @property {string} setup empty: none
 * @property {number} timeoutMs
 * @property {boolean} repeats
 * @property {string} top of the person's checkout
 * @property {string} prefix the folder in it where they stand
 */

const SKIP = 125;
/** Of a shell: a program that may not be run, or is not there. */
const CANNOT_RUN = [126, 127];

/** @param {import('./program.mjs').ProgramRun} run @param {number} timeoutMs @returns {Verdict} */
const judge = ({ exitCode, isLate, output }, timeoutMs) => {
  const why = isLate ? `it took longer than ${timeoutMs / 1000} s` : `exit code ${exitCode}`;
  if (isLate) return { kind: 'fail', why };
  if (exitCode === 0) return { kind: 'pass', why };
  if (CANNOT_RUN.includes(exitCode))
    return { kind: 'skip', why: `${why}, the command cannot be run: ${output.trim().split('\n').at(-1)}` };
  return { kind: exitCode === SKIP ? 'skip' : 'fail', why };
};

export class Trials {
  #tools;
  #options;
  /** @type {Map<string, Verdict>} */
  #known = new Map();
  #testCount = 0;

  /**
   * @param {import('nika').PodApi} pod
   * @param {import('./worktree.mjs').Worktree} worktree
   * @param {TrialOptions} options
   */
  constructor(pod, worktree, options) {
    this.#options = options;
    const { top, prefix, timeoutMs } = options;
    const cwd = join(worktree.path, prefix);
    /** @param {string} line @param {string} commit */
    const run = (line, commit) => {
      const env = { ...ownEnvironment(), BISECT_CHECKOUT: top, BISECT_COMMIT: commit };
      return runLine(line, { cwd, env, timeoutMs, signal: pod.signal });
    };
    this.#tools = pod.tools({
      /** @param {{ subject: string, commit: string }} what */
      checkout: async ({ commit }) => {
        await worktree.checkout(commit);
        return { isThere: existsSync(cwd) };
      },
      /** @param {Part} part */
      apply_changes: async (part) => {
        await worktree.apply(part);
        return { isThere: existsSync(cwd) };
      },
      /** @param {{ command: string, commit: string }} what */
      set_up: ({ command, commit }) => run(command, commit),
      /** @param {{ command: string, commit: string }} what */
      run_test: async ({ command, commit }) => {
        const ran = await run(command, commit);
        return { outcome: judge(ran, timeoutMs).kind, ...ran };
      },
    });
  }

  /** How often the test ran. */
  get testCount() {
    return this.#testCount;
  }

  /** Whether the test passes at a commit; each is tried once. @param {string} commit @param {string} subject */
  async judgeCommit(commit, subject) {
    const known = this.#known.get(commit);
    if (known !== undefined) return known;
    const verdict = await this.#try(commit, () => this.#tools.checkout({ subject, commit }));
    this.#known.set(commit, verdict);
    return verdict;
  }

  /** Whether the test passes with a part of a commit. @param {Part} part */
  judgePart(part) {
    return this.#try(part.commit, () => this.#tools.apply_changes(part));
  }

  /**
   * @param {string} commit
   * @param {() => Promise<{ isThere: boolean }>} makeReady
   * @returns {Promise<Verdict>}
   */
  async #try(commit, makeReady) {
    const first = await this.#tryOnce(commit, makeReady);
    if (!this.#options.repeats || first.kind === 'skip') return first;
    const second = await this.#tryOnce(commit, makeReady);
    if (second.kind === first.kind || second.kind === 'skip') return second;
    return { kind: 'skip', why: 'of two tries one passed and one failed: the test is flaky' };
  }

  /** @param {string} commit @param {() => Promise<{ isThere: boolean }>} makeReady @returns {Promise<Verdict>} */
  async #tryOnce(commit, makeReady) {
    const { setup, test, timeoutMs, prefix } = this.#options;
    try {
      const { isThere } = await makeReady();
      if (!isThere) return { kind: 'skip', why: `the folder ${prefix} is not there` };
    } catch (thrown) {
      if (thrown instanceof GitRefusal) return { kind: 'skip', why: thrown.message };
      throw thrown;
    }
    if (setup !== '') {
      const ready = await this.#tools.set_up({ commit: short(commit), command: setup });
      const { kind, why } = judge(ready, timeoutMs);
      if (kind !== 'pass') return { kind: 'skip', why: `the setup failed: ${why}` };
    }
    this.#testCount += 1;
    return judge(await this.#tools.run_test({ commit: short(commit), command: test }), timeoutMs);
  }
}

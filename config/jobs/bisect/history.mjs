/** Owns what is asked of the history: which commit a name means, which ones come before it, which one halves the rest. */
import { CannotTell } from './cannot-tell.mjs';
import { git, GitRefusal } from './git.mjs';

/** @param {string} commit */
export const short = (commit) => commit.slice(0, 10);

/**
 * @typedef {object} CommitFacts
 * @property {string} author
 * @property {string} date when it was written, ISO 8601
 * @property {string} subject
 * @property {string[]} parents
 */

export class History {
  /** @param {string} top folder of the checkout @param {AbortSignal} signal */
  constructor(top, signal) {
    this.top = top;
    this.signal = signal;
  }

  /** @param {readonly string[]} args */
  #ask(args) {
    return git(this.top, args, { signal: this.signal });
  }

  /** @param {readonly string[]} args */
  async #list(args) {
    const said = await this.#ask(args);
    return said === '' ? [] : said.split('\n');
  }

  /** @param {string} name @param {string} input the input that it came by */
  async resolve(name, input) {
    try {
      return await this.#ask(['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`]);
    } catch (thrown) {
      if (!(thrown instanceof GitRefusal)) throw thrown;
      throw new CannotTell(`${input}: "${name}" is no commit of ${this.top}`);
    }
  }

  /** @param {string} commit @returns {Promise<CommitFacts>} */
  async facts(commit) {
    const said = await this.#ask(['show', '--no-patch', '--no-show-signature', '--format=%aN%n%aI%n%P%n%s', commit]);
    const [author = '', date = '', parents = '', ...subject] = said.split('\n');
    return { author, date, subject: subject.join(' '), parents: parents === '' ? [] : parents.split(' ') };
  }

  /** The commit and what came before it on its own line, newest first. @param {string} commit */
  firstParents(commit) {
    return this.#list(['rev-list', '--first-parent', commit]);
  }

  async isShallow() {
    return (await this.#ask(['rev-parse', '--is-shallow-repository'])) === 'true';
  }

  /** Where two lines parted. @param {string} one @param {string} other */
  async mergeBases(one, other) {
    try {
      return await this.#list(['merge-base', '--all', one, other]);
    } catch (thrown) {
      if (thrown instanceof GitRefusal) return []; // they have nothing in common
      throw thrown;
    }
  }

  /**
   * Commits that can be the first bad one: what `bad` has and no good one; the one that halves them best comes first.
   * @param {string} bad
   * @param {readonly string[]} goods
   */
  async suspects(bad, goods) {
    const lines = await this.#list(['rev-list', '--bisect-all', bad, ...goods.map((good) => `^${good}`)]);
    return lines.map((line) => line.split(' ')[0] ?? '');
  }

  /**
   * What a commit changed since another one; a file that was renamed is one change.
   * @param {string} from @param {string} to
   * @returns {Promise<Change[]>}
   */
  async changes(from, to) {
    const said = await this.#ask(['diff', '--name-status', '-z', '--find-renames', '--no-ext-diff', from, to]);
    const fields = said.split('\0');
    /** @type {Change[]} */
    const changes = [];
    while (fields.length > 1) {
      const [status = ''] = fields.shift() ?? '';
      const path = fields.shift() ?? '';
      if (status === 'R') changes.push({ removed: [path], written: [fields.shift() ?? ''] });
      else if (status === 'C') changes.push({ removed: [], written: [fields.shift() ?? ''] });
      else if (status === 'D') changes.push({ removed: [path], written: [] });
      else changes.push({ removed: [], written: [path] });
    }
    return changes;
  }
}

/**
 * @typedef {object} Change
 * @property {string[]} removed paths
 * @property {string[]} written paths that are taken from the later commit
 */

/** The path by which a person knows it. @param {Change} change */
export const pathOf = ({ removed, written }) => written[0] ?? removed[0] ?? '';

/** Owns the counting of commits: how many, by whom, when. One pass over `git log`, in bounded memory. */
import { plainText } from '../repository/path-text.mjs';

const MAX_AUTHORS = 100_000;
const DAY_S = 86_400;

/** Fields of one commit, in the order of {@link CommitCount.take}: committed at (Unix seconds), author, parents. */
export const COMMIT_FORMAT = '--format=%ct%x1f%aN%x1f%P';

/**
 * @typedef {object} CommitFacts
 * @property {number} commitCount
 * @property {number} mergeCount
 * @property {number} authorCount people, by name
 * @property {number} botCommitCount
 * @property {{ name: string, commitCount: number }[]} authors most commits first
 * @property {number} firstAtS Unix seconds
 * @property {number} lastAtS
 * @property {{ year: number, commitCount: number }[]} years oldest first, at most 15
 * @property {number} lastYearCount commits within 365 days before the last one
 * @property {number} lastYearAuthorCount
 */

/** Robots commit too, but know nothing. @param {string} author */
export const isBot = (author) => /\[bot\]$|^(dependabot|renovate|github-actions)\b/i.test(author);

/** @param {string} bytes */
const decode = (bytes) => Buffer.from(bytes, 'latin1').toString('utf8');

export class CommitCount {
  commitCount = 0;
  #mergeCount = 0;
  #botCount = 0;
  #firstAtS = Infinity;
  #lastAtS = 0;
  /** @type {Map<string, { commitCount: number, lastAtS: number }>} by the name's bytes */
  #authors = new Map();
  /** @type {Map<number, number>} by day since 1970 */
  #days = new Map();

  /** @param {string} record what git prints for one commit */
  take(record) {
    const [time = '', author = '', parents = ''] = record.replace(/^\n/, '').split('\x1f');
    const atS = Number(time);
    if (!Number.isFinite(atS) || time === '') return;
    this.commitCount += 1;
    if (parents.includes(' ')) this.#mergeCount += 1;
    this.#firstAtS = Math.min(this.#firstAtS, atS);
    this.#lastAtS = Math.max(this.#lastAtS, atS);
    const day = Math.floor(atS / DAY_S);
    this.#days.set(day, (this.#days.get(day) ?? 0) + 1);
    if (isBot(author)) this.#botCount += 1;
    else this.#countAuthor(author, atS);
  }

  /** @param {number} top @returns {CommitFacts} */
  facts(top) {
    const authors = [...this.#authors].sort((a, b) => b[1].commitCount - a[1].commitCount);
    const yearAgo = this.#lastAtS - 365 * DAY_S;
    return {
      commitCount: this.commitCount,
      mergeCount: this.#mergeCount,
      authorCount: authors.length,
      botCommitCount: this.#botCount,
      authors: authors
        .slice(0, top)
        .map(([name, { commitCount }]) => ({ name: plainText(decode(name), 60), commitCount })),
      firstAtS: this.commitCount === 0 ? 0 : this.#firstAtS,
      lastAtS: this.#lastAtS,
      years: this.#years(),
      lastYearCount: [...this.#days].reduce((sum, [day, count]) => (day * DAY_S >= yearAgo ? sum + count : sum), 0),
      lastYearAuthorCount: authors.filter(([, { lastAtS }]) => lastAtS >= yearAgo).length,
    };
  }

  /** @param {string} author @param {number} atS */
  #countAuthor(author, atS) {
    const known = this.#authors.get(author);
    if (known === undefined) {
      if (this.#authors.size < MAX_AUTHORS) this.#authors.set(author, { commitCount: 1, lastAtS: atS });
      return;
    }
    known.commitCount += 1;
    known.lastAtS = Math.max(known.lastAtS, atS);
  }

  #years() {
    /** @type {Map<number, number>} */
    const years = new Map();
    for (const [day, count] of this.#days) {
      const year = new Date(day * DAY_S * 1000).getUTCFullYear();
      if (!Number.isNaN(year)) years.set(year, (years.get(year) ?? 0) + count);
    }
    const sorted = [...years].sort((a, b) => a[0] - b[0]);
    return sorted.slice(-15).map(([year, commitCount]) => ({ year, commitCount }));
  }
}

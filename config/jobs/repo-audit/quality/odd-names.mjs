/** Owns which names of files make trouble on other systems or in scripts. */
import { baseName, hasInvisible } from '../repository/path-text.mjs';

const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i;

/**
 * Why a name is odd, if it is.
 * @param {string} path a string of bytes
 * @returns {string | undefined}
 */
export const whyOdd = (path) => {
  const name = baseName(path);
  // oxlint-disable-next-line no-control-regex -- those are what is looked for
  if (/[\x00-\x1f\x7f]/.test(path)) return 'control characters';
  if (/[\x80-\xff]/.test(path) && Buffer.from(path, 'latin1').toString('utf8').includes('\ufffd')) return 'not UTF-8';
  if (/[<>:"|?*\\]/.test(path) || /[. ]$/.test(name) || RESERVED.test(name)) return 'not possible on Windows';
  if (name.startsWith('-')) return 'begins with a dash';
  if (hasInvisible(path)) return 'invisible characters';
  return path.length > 240 ? 'longer than 240 bytes' : undefined;
};

/** Finds names that are one and the same where upper and lower case are not told apart. */
export class CaseCollisions {
  /** @type {Map<string, string>} */
  #byLower = new Map();
  /** @type {[string, string][]} */
  found = [];
  count = 0;

  /** @param {string} path */
  offer(path) {
    const lower = path.toLowerCase();
    const first = this.#byLower.get(lower);
    if (first === undefined) {
      this.#byLower.set(lower, path);
      return;
    }
    this.count += 1;
    if (this.found.length < 10) this.found.push([first, path]);
  }
}

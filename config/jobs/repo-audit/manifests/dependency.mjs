/** Owns what a manifest and a lock file tell, whatever the language: dependencies with a grade, and locked versions. */

/**
 * How closely a version is named. `exact`; `range`: bounded above; `open`: anything newer will do, or anything at all;
 * `git`, `url`: not from the registry; `local`: of this repository.
 * @typedef {'exact' | 'range' | 'open' | 'git' | 'url' | 'local'} Grade
 * @typedef {{ readonly name: string, readonly spec: string, readonly grade: Grade, readonly isDev: boolean }} Dependency
 *
 * @typedef {object} Manifest
 * @property {'manifest'} kind
 * @property {string} ecosystem
 * @property {Dependency[]} dependencies
 * @property {boolean} needsLock whether a lock file is usual for it
 *
 * @typedef {object} Lock
 * @property {'lock'} kind
 * @property {string} ecosystem
 * @property {number} packageCount
 * @property {Map<string, Set<string>>} versions by name; empty where the format does not tell
 * @property {string[]} installScripts packages that run code when they are installed
 * @property {string[]} deprecated
 * @property {string[]} outside packages that do not come from the registry (git, URL)
 * @property {Map<string, number>} licences how many packages have which
 *
 * @typedef {(text: string) => Manifest | Lock | undefined} ManifestReader undefined: nothing to tell
 */

/**
 * @param {string} ecosystem
 * @param {Dependency[]} dependencies
 * @param {{ needsLock?: boolean }} [options]
 * @returns {Manifest}
 */
export const createManifest = (ecosystem, dependencies, { needsLock = true } = {}) => ({
  kind: 'manifest',
  ecosystem,
  dependencies,
  needsLock,
});

/** @param {string} ecosystem @returns {Lock} */
export const createLock = (ecosystem) => ({
  kind: 'lock',
  ecosystem,
  packageCount: 0,
  versions: new Map(),
  installScripts: [],
  deprecated: [],
  outside: [],
  licences: new Map(),
});

/** @param {Lock} lock @param {string} name @param {string} version */
export const addLocked = (lock, name, version) => {
  const versions = lock.versions.get(name) ?? new Set();
  lock.versions.set(name, versions.add(version));
  lock.packageCount += 1;
};

const EXACT = /^(={0,3}|v)\s*\d+(\.\d+)*([-+.]?[\w.+-]+)?$/;

/**
 * The grade of a version requirement in the notation that most registries share (`^1.2`, `~> 1`, `>=1 <2`, `1.x`, `*`).
 * @param {string} spec
 * @returns {Grade}
 */
export const gradeOf = (spec) => {
  const text = spec.trim();
  if (text === '' || /^(\*|x|any|latest|next|latest\.(release|integration)|release|\+)$/i.test(text)) return 'open';
  if (/^(git\+|git:|git@|github:|gitlab:|bitbucket:|gist:)|\.git(#|$)/.test(text)) return 'git';
  if (/^https?:/.test(text)) return 'url';
  if (/^(workspace|file|link|portal):|^\.{0,2}\//.test(text)) return 'local';
  if (EXACT.test(text) && !/[*x]/.test(text.replace(/^v/, '').split(/[-+]/, 1)[0] ?? '')) return 'exact';
  const hasFloor = /(^|[\s,|(])>=?/.test(text);
  return hasFloor && !/[<^~]|\s-\s|==/.test(text) ? 'open' : 'range';
};

/** @param {unknown} value @returns {Record<string, unknown>} an empty one where there is none */
export const recordOf = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? /** @type {Record<string, unknown>} */ (value)
    : {};

/** @param {unknown} value @returns {unknown[]} */
export const listOf = (value) => (Array.isArray(value) ? value : []);

/** @param {unknown} value */
export const stringOf = (value) => (typeof value === 'string' ? value : '');

/** JSON as a record; an empty one where it is none. A byte order mark is passed over. @param {string} text */
export const readJson = (text) => {
  try {
    return recordOf(JSON.parse(text.replace(/^\ufeff/, '')));
  } catch {
    return {}; // a broken manifest tells nothing; the audit goes on
  }
};

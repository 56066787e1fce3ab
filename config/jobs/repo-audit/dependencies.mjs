/** Tells what the repository depends on and what can be known of that offline: from its manifests and lock files alone. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { whyUnreadable } from './manifests/readable.mjs';
import { readerOf, LOCK_NAMES } from './manifests/readers.mjs';
import { createReader, listFiles } from './repository/listing.mjs';
import { isSample, originOf } from './repository/path-class.mjs';
import { folderOf, plainText, showPath } from './repository/path-text.mjs';
import { printSection } from './repository/section.mjs';

/** @import { Dependency, Lock, Manifest } from './manifests/dependency.mjs' */

const MAX_READ_BYTES = 48 * 1024 * 1024;
const MAX_FILES_READ = 5000;

/**
 * @typedef {object} Ecosystem
 * @property {string} name
 * @property {{ path: string, runtimeCount: number, devCount: number }[]} manifests most dependencies first
 * @property {number} manifestCount
 * @property {number} runtimeCount distinct names
 * @property {number} devCount distinct names that are for development only
 * @property {Record<import('./manifests/dependency.mjs').Grade, number>} grades of all requirements
 * @property {string[]} open requirements without an upper bound
 * @property {string[]} outside requirements from git or a URL
 * @property {string[]} lockFiles
 * @property {number} lockedCount
 * @property {string[]} unlocked folders with a manifest that no lock file covers
 * @property {number} unlockedCount
 * @property {{ runtimeCount: number, devCount: number }} unlockedDependencies distinct names in those manifests
 * @property {{ name: string, versions: string[] }[]} duplicates
 * @property {number} duplicateCount
 * @property {string[]} installScripts
 * @property {number} installScriptCount
 * @property {string[]} deprecated
 * @property {number} deprecatedCount
 * @property {number} outsideLockedCount
 * @property {[licence: string, count: number][]} licences
 *
 * @typedef {object} DependenciesSection
 * @property {Ecosystem[]} ecosystems
 * @property {{ path: string, why: string }[]} unreadable manifests and lock files that tell nothing
 * @property {number} unreadableCount
 * @property {number} sampleManifestCount manifests among tests, fixtures and examples: counted, not judged
 * @property {boolean} isCut
 */

/** What was found of one ecosystem. */
class Findings {
  /** @type {{ path: string, manifest: Manifest }[]} */
  manifests = [];
  /** @type {{ path: string, lock: Lock }[]} */
  locks = [];
}

/** @param {readonly string[]} list @param {number} top */
const firstOf = (list, top) => [...new Set(list)].slice(0, top).map((text) => plainText(text, 100));

/** @param {readonly { manifest: Manifest }[]} manifests */
const requirementsOf = (manifests) => manifests.flatMap(({ manifest }) => manifest.dependencies);

/** @param {Dependency[]} dependencies */
const gradesOf = (dependencies) => {
  const grades = { exact: 0, range: 0, open: 0, git: 0, url: 0, local: 0 };
  for (const { grade } of dependencies) grades[grade] += 1;
  return grades;
};

/** Whether a lock file lies in a folder above the audited one, within the same repository. @param {string} name @param {import('./repository/place.mjs').Place} place */
const isLockedFromAbove = (name, place) => {
  const depth = place.kind === 'git' ? place.prefix.split('/').filter((part) => part !== '').length : 0;
  const folders = Array.from({ length: depth }, (_, index) => '../'.repeat(index + 1));
  return folders.some((up) => (LOCK_NAMES[name] ?? []).some((lock) => existsSync(join(place.root, up, lock))));
};

/** Manifests that need a lock file and have none. @param {Findings} found @param {string} name @param {import('./repository/place.mjs').Place} place */
const unlockedManifests = (found, name, place) => {
  if (LOCK_NAMES[name] === undefined || isLockedFromAbove(name, place)) return [];
  const locked = new Set(found.locks.map(({ path }) => folderOf(path)));
  /** @param {string} folder */
  const isLocked = (folder) => {
    for (let at = folder; ; at = folderOf(at)) {
      if (locked.has(at)) return true;
      if (at === '') return false;
    }
  };
  return found.manifests.filter(
    ({ path, manifest }) =>
      manifest.needsLock && manifest.dependencies.some(({ grade }) => grade !== 'local') && !isLocked(folderOf(path)),
  );
};

/** Distinct names; what is needed to run and to develop counts once, to run. @param {Dependency[]} dependencies */
const countNames = (dependencies) => {
  const runtime = new Set(dependencies.filter(({ isDev }) => !isDev).map(({ name }) => name));
  const dev = new Set(dependencies.filter(({ isDev, name }) => isDev && !runtime.has(name)).map(({ name }) => name));
  return { runtimeCount: runtime.size, devCount: dev.size };
};

/** @param {readonly { lock: Lock }[]} locks @returns {{ name: string, versions: string[] }[]} most versions first; within one lock file */
const duplicatesOf = (locks) => {
  /** @type {Map<string, string[]>} */
  const found = new Map();
  for (const { lock } of locks) {
    for (const [name, versions] of lock.versions) {
      if (versions.size > Math.max(1, found.get(name)?.length ?? 0)) found.set(name, [...versions]);
    }
  }
  return [...found]
    .map(([name, versions]) => ({ name, versions }))
    .sort((a, b) => b.versions.length - a.versions.length);
};

/** @param {readonly { lock: Lock }[]} locks @param {number} top */
const licencesOf = (locks, top) => {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { lock } of locks)
    for (const [name, count] of lock.licences) counts.set(name, (counts.get(name) ?? 0) + count);
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  return sorted.slice(0, top).map(([name, count]) => /** @type {[string, number]} */ ([plainText(name, 60), count]));
};

/** @param {Dependency} dependency */
const show = ({ name, spec }) => `${name} ${spec.replace(/\/\/[^@/\s]+@/, '//') || '(any)'}`;

/**
 * @param {string} name
 * @param {Findings} found
 * @param {{ place: import('./repository/place.mjs').Place, top: number }} request
 * @returns {Ecosystem}
 */
const summarize = (name, found, { place, top }) => {
  const all = requirementsOf(found.manifests);
  const unlocked = unlockedManifests(found, name, place);
  const unlockedFolders = [...new Set(unlocked.map(({ path }) => folderOf(path)))];
  const duplicates = duplicatesOf(found.locks);
  const scripts = [...new Set(found.locks.flatMap(({ lock }) => lock.installScripts))];
  const deprecated = [...new Set(found.locks.flatMap(({ lock }) => lock.deprecated))];
  const manifests = found.manifests.map(({ path, manifest }) => {
    const devCount = manifest.dependencies.filter(({ isDev }) => isDev).length;
    return { path: showPath(path), runtimeCount: manifest.dependencies.length - devCount, devCount };
  });
  return {
    name,
    manifests: manifests.toSorted((a, b) => b.runtimeCount + b.devCount - a.runtimeCount - a.devCount).slice(0, top),
    manifestCount: manifests.length,
    ...countNames(all),
    grades: gradesOf(all),
    open: firstOf(all.filter(({ grade }) => grade === 'open').map(show), top),
    outside: firstOf(all.filter(({ grade }) => grade === 'git' || grade === 'url').map(show), top),
    lockFiles: found.locks.slice(0, top).map(({ path }) => showPath(path)),
    lockedCount: found.locks.reduce((sum, { lock }) => sum + lock.packageCount, 0),
    unlocked: unlockedFolders.slice(0, top).map((folder) => showPath(folder === '' ? '.' : folder)),
    unlockedCount: unlockedFolders.length,
    unlockedDependencies: countNames(requirementsOf(unlocked)),
    duplicates: duplicates
      .slice(0, top)
      .map((one) => ({ name: plainText(one.name, 80), versions: firstOf(one.versions, 6) })),
    duplicateCount: duplicates.length,
    installScripts: firstOf(scripts, top),
    installScriptCount: scripts.length,
    deprecated: firstOf(deprecated, top),
    deprecatedCount: deprecated.length,
    outsideLockedCount: found.locks.reduce((sum, { lock }) => sum + lock.outside.length, 0),
    licences: licencesOf(found.locks, top),
  };
};

/** Lock files that are binary by their nature. @param {string} path */
const isBinaryLock = (path) => path.endsWith('.lockb');

/** @param {string} path @param {import('./repository/file-reader.mjs').FileContents} file @param {string} text @returns {string | undefined} */
const whyNotRead = (path, file, text) => {
  if (file.kind === 'binary') return isBinaryLock(path) ? undefined : 'it is binary';
  if (file.kind === 'missing') return 'it is not in the folder';
  if (file.kind !== 'text') return 'it cannot be opened';
  if (!file.isWhole) return 'it is too large';
  const why = whyUnreadable(path, text);
  return why === undefined ? undefined : plainText(why, 120);
};

await printSection('dependencies', async ({ place, top }) => {
  const listing = await listFiles(place);
  const reader = createReader(place, listing, MAX_READ_BYTES);
  /** @type {Map<string, Findings>} */
  const ecosystems = new Map();
  /** @type {DependenciesSection['unreadable']} */
  const unreadable = [];
  let sampleManifestCount = 0;
  let readCount = 0;
  for (const { path } of listing.files) {
    const read = readerOf(path);
    if (read === undefined || originOf(path) === 'vendored' || readCount >= MAX_FILES_READ) continue;
    readCount += 1;
    if (isSample(path)) {
      sampleManifestCount += 1;
      continue;
    }
    const file = reader.read(path);
    if (file.kind === 'no file') continue;
    const text = file.kind === 'text' ? file.bytes.toString('utf8') : '';
    const why = whyNotRead(path, file, text);
    if (why !== undefined) unreadable.push({ path: showPath(path), why });
    const told = why === undefined ? read(text) : undefined;
    if (told === undefined) continue;
    const found = ecosystems.get(told.ecosystem) ?? new Findings();
    ecosystems.set(told.ecosystem, found);
    if (told.kind === 'manifest') found.manifests.push({ path, manifest: told });
    else found.locks.push({ path, lock: told });
  }
  const summaries = [...ecosystems].map(([name, found]) => summarize(name, found, { place, top }));
  summaries.sort((a, b) => b.runtimeCount + b.devCount - a.runtimeCount - a.devCount);
  return {
    ecosystems: summaries,
    unreadable: unreadable.slice(0, top),
    unreadableCount: unreadable.length,
    sampleManifestCount,
    isCut: listing.isCut || readCount >= MAX_FILES_READ,
  };
});

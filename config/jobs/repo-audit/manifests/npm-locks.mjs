/** Owns what the lock files of the npm world tell: npm's own, Yarn's (both kinds), pnpm's and Bun's. */
import { addLocked, createLock, readJson, recordOf, stringOf } from './dependency.mjs';

const INSIDE = 'node_modules/';

/** @param {string} resolved where the package was got from */
const isOutside = (resolved) =>
  /^(git\+|git:|github:)/.test(resolved) || /^https?:\/\/(codeload\.)?github\.com\//.test(resolved);

/**
 * @param {import('./dependency.mjs').Lock} lock
 * @param {string} name
 * @param {Record<string, unknown>} entry
 */
const addNpmEntry = (lock, name, entry) => {
  const version = stringOf(entry['version']);
  addLocked(lock, name, version);
  if (entry['hasInstallScript'] === true) lock.installScripts.push(name);
  if (typeof entry['deprecated'] === 'string') lock.deprecated.push(`${name}@${version}`);
  if (isOutside(stringOf(entry['resolved']) || version)) lock.outside.push(name);
  const licence = stringOf(entry['license']);
  if (licence !== '') lock.licences.set(licence, (lock.licences.get(licence) ?? 0) + 1);
};

/** Lock files of version 1 nest. @param {import('./dependency.mjs').Lock} lock @param {Record<string, unknown>} tree @param {number} depth */
const addNested = (lock, tree, depth) => {
  for (const [name, value] of Object.entries(tree)) {
    const entry = recordOf(value);
    addNpmEntry(lock, name, entry);
    if (depth < 100) addNested(lock, recordOf(entry['dependencies']), depth + 1);
  }
};

/** @type {import('./dependency.mjs').ManifestReader} */
export const readPackageLock = (text) => {
  const lock = createLock('npm');
  const json = readJson(text);
  if (json['packages'] === undefined) addNested(lock, recordOf(json['dependencies']), 0);
  for (const [path, value] of Object.entries(recordOf(json['packages']))) {
    const entry = recordOf(value);
    const at = path.lastIndexOf(INSIDE);
    if (at < 0 || entry['link'] === true) continue; // the project itself, and its workspaces
    addNpmEntry(lock, stringOf(entry['name']) || path.slice(at + INSIDE.length), entry);
  }
  return lock;
};

/** `"a@^1", "a@npm:^2":` → `a` @param {string} line */
const nameOfYarnKey = (line) => /^"?((?:@[^@/]+\/)?[^@"]+)@/.exec(line)?.[1];

/** @type {import('./dependency.mjs').ManifestReader} */
export const readYarnLock = (text) => {
  const lock = createLock('npm');
  let name = '';
  for (const line of text.split('\n')) {
    if (line !== '' && line[0] !== ' ' && line[0] !== '#') {
      name = /@(workspace|link|portal):/.test(line) ? '' : (nameOfYarnKey(line) ?? '');
    }
    if (name === '') continue;
    const version = /^ {2}version:? "?([^"\s]+)"?/.exec(line)?.[1];
    if (version !== undefined) addLocked(lock, name, version);
    const resolved = /^ {2}(?:resolved|resolution:) "?(?:[^"@]*@)?([^"\s]+)/.exec(line)?.[1];
    if (resolved !== undefined && isOutside(resolved)) lock.outside.push(name);
  }
  return lock;
};

/** `/a@1.0.0(b@2)`, `'@a/b@1.0.0'`, `/a/1.0.0_b@2` → name and version @param {string} key */
const splitPnpmKey = (key) => {
  const plain = key.replaceAll("'", '').replace(/^\//, '').replace(/\(.*$/, '');
  const at = plain.lastIndexOf('@');
  if (at > 0 && !plain.slice(at).includes('/')) return { name: plain.slice(0, at), version: plain.slice(at + 1) };
  const old = /^((?:@[^/]+\/)?[^/]+)\/([^_]+)/.exec(plain);
  return { name: old?.[1] ?? plain, version: old?.[2] ?? '' };
};

/** @type {import('./dependency.mjs').ManifestReader} */
export const readPnpmLock = (text) => {
  const lock = createLock('npm');
  let part = '';
  let name = '';
  for (const line of text.split('\n')) {
    if (/^\S/.test(line)) part = line.split(':', 1)[0] ?? '';
    if (part !== 'packages') continue;
    const key = /^ {2}(\S.*):\s*$/.exec(line)?.[1];
    if (key !== undefined) {
      const split = splitPnpmKey(key);
      name = split.name;
      addLocked(lock, name, split.version);
    } else if (/^ {4}requiresBuild: true/.test(line)) lock.installScripts.push(name);
    else if (/^ {4}deprecated:/.test(line)) lock.deprecated.push(name);
    else if (/^ {4}resolution: \{(tarball|commit|type: git)/.test(line)) lock.outside.push(name);
  }
  return lock;
};

/** @type {import('./dependency.mjs').ManifestReader} */
export const readBunLock = (text) => {
  const lock = createLock('npm');
  for (const [, spec = ''] of text.matchAll(/^ {4}"[^"]+": \["([^"]+)"/gm)) {
    const at = spec.lastIndexOf('@');
    if (at > 0 && !spec.includes('@workspace:')) addLocked(lock, spec.slice(0, at), spec.slice(at + 1));
  }
  return lock;
};

/** Owns what go.mod and go.sum tell. */
import { createLock, createManifest } from './dependency.mjs';

/** A commit that has no release: `v0.0.0-20240101120000-0123456789ab`. */
const PSEUDO_VERSION = /-(0\.)?\d{14}-[0-9a-f]{12}$/;

/** @type {import('./dependency.mjs').ManifestReader} */
export const readGoMod = (text) => {
  /** @type {import('./dependency.mjs').Dependency[]} */
  const dependencies = [];
  let isInside = false;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (/^require\s*\($/.test(line)) isInside = true;
    else if (line === ')') isInside = false;
    const found = /^(?:require\s+)?(\S+\.\S+)\s+(v\S+)(.*)$/.exec(line);
    if (found === null || !(isInside || line.startsWith('require')) || /\/\/\s*indirect/.test(found[3] ?? '')) continue;
    const spec = found[2] ?? '';
    dependencies.push({ name: found[1] ?? '', spec, grade: PSEUDO_VERSION.test(spec) ? 'git' : 'exact', isDev: false });
  }
  return createManifest('Go', dependencies);
};

/** Names every version that was ever looked at, so it tells how many modules there are, and no more. @type {import('./dependency.mjs').ManifestReader} */
export const readGoSum = (text) => {
  const lock = createLock('Go');
  const modules = new Set();
  for (const [, name] of text.matchAll(/^(\S+) v[^\s/]+ h1:/gm)) modules.add(name);
  lock.packageCount = modules.size;
  return lock;
};

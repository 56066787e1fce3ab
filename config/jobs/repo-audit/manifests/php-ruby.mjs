/** Owns what Composer's and Bundler's files tell. */
import { addLocked, createLock, createManifest, gradeOf, listOf, readJson, recordOf, stringOf } from './dependency.mjs';

/** @import { Dependency } from './dependency.mjs' */

/** @type {import('./dependency.mjs').ManifestReader} */
export const readComposerJson = (text) => {
  const json = readJson(text);
  /** @type {(field: string, isDev: boolean) => Dependency[]} */
  const read = (field, isDev) =>
    Object.entries(recordOf(json[field]))
      .filter(([name]) => name.includes('/'))
      .map(([name, value]) => {
        const spec = stringOf(value);
        return { name, spec, grade: /^dev-|@dev$/.test(spec) ? 'git' : gradeOf(spec), isDev };
      });
  return createManifest('Composer', [...read('require', false), ...read('require-dev', true)]);
};

/** @type {import('./dependency.mjs').ManifestReader} */
export const readComposerLock = (text) => {
  const lock = createLock('Composer');
  const json = readJson(text);
  for (const value of [...listOf(json['packages']), ...listOf(json['packages-dev'])]) {
    const entry = recordOf(value);
    const name = stringOf(entry['name']);
    addLocked(lock, name, stringOf(entry['version']));
    if (stringOf(entry['version']).startsWith('dev-')) lock.outside.push(name);
    if (entry['abandoned'] !== undefined && entry['abandoned'] !== false) lock.deprecated.push(name);
    const licence = listOf(entry['license']).map(stringOf).join(' OR ');
    if (licence !== '') lock.licences.set(licence, (lock.licences.get(licence) ?? 0) + 1);
  }
  return lock;
};

/** @type {import('./dependency.mjs').ManifestReader} */
export const readGemfile = (text) => {
  /** @type {Dependency[]} */
  const dependencies = [];
  let isDev = false;
  for (const raw of text.split('\n')) {
    const line = raw.replace(/(^|\s)#.*$/, '').trim();
    if (/^group\b.*:(development|test)/.test(line)) isDev = true;
    else if (line === 'end') isDev = false;
    const found = /^(?:\w+\.add_(?:(development)_|runtime_)?dependency|gem)[\s(]+["']([\w.-]+)["'](.*)$/.exec(line);
    if (found === null) continue;
    const rest = found[3] ?? '';
    const spec = [...rest.matchAll(/[,[]\s*["']([^"']+)["']/g)].map((version) => version[1]).join(', ');
    const grade = /\b(git|github):|:git\s*=>/.test(rest)
      ? 'git'
      : /\bpath:|:path\s*=>/.test(rest)
        ? 'local'
        : gradeOf(spec);
    dependencies.push({ name: found[2] ?? '', spec, grade, isDev: isDev || found[1] !== undefined });
  }
  return createManifest('Bundler', dependencies);
};

/** @type {import('./dependency.mjs').ManifestReader} */
export const readGemfileLock = (text) => {
  const lock = createLock('Bundler');
  let part = '';
  for (const line of text.split('\n')) {
    if (/^[A-Z]/.test(line)) part = line.trim();
    const found = /^ {4}([\w.-]+) \(([^)]+)\)/.exec(line);
    if (found === null || part === 'PATH') continue;
    const name = found[1] ?? '';
    // one gem may stand there once per platform
    const version = (found[2] ?? '').replace(/-(x86|x64|arm|aarch|java|universal|linux|darwin|mingw).*$/, '');
    if (lock.versions.get(name)?.has(version) === true) continue;
    addLocked(lock, name, version);
    if (part === 'GIT') lock.outside.push(name);
  }
  return lock;
};

/** Owns what the files of NuGet, Mix, Pub, Swift and CPAN tell. */
import { addLocked, createLock, createManifest, gradeOf, listOf, readJson, recordOf, stringOf } from './dependency.mjs';

/** @import { Dependency, Grade, ManifestReader } from './dependency.mjs' */

/** A bare version is the least one here, and in practice the one that is used. @param {string} spec @returns {Grade} */
const gradeOfNuGet = (spec) => {
  if (spec.includes('*')) return 'open';
  if (/^[[(]/.test(spec)) return /,\s*[\])]/.test(spec) ? 'open' : 'range';
  return spec === '' ? 'range' : 'exact';
};

/** Project files, packages.config, Directory.Packages.props. @type {ManifestReader} */
export const readNuGet = (text) => {
  /** @type {Dependency[]} */
  const dependencies = [];
  const elements =
    /<(?:PackageReference|PackageVersion|package)\s+([^>]*?)(?:\/>|>([\s\S]*?)<\/(?:PackageReference|PackageVersion|package)>)/g;
  for (const [, attributes = '', inner = ''] of text.replace(/<!--[\s\S]*?-->/g, '').matchAll(elements)) {
    const name = /\b(?:Include|Update|id)\s*=\s*"([^"]*)"/.exec(attributes)?.[1];
    if (name === undefined) continue;
    const spec = /\bversion\s*=\s*"([^"]*)"/i.exec(attributes)?.[1] ?? /<Version>([^<]*)</.exec(inner)?.[1] ?? '';
    const isDev = /PrivateAssets|developmentDependency/i.test(attributes + inner);
    dependencies.push({ name, spec, grade: gradeOfNuGet(spec), isDev });
  }
  return createManifest('NuGet', dependencies, { needsLock: false });
};

/** @type {ManifestReader} */
export const readNuGetLock = (text) => {
  const lock = createLock('NuGet');
  for (const framework of Object.values(recordOf(readJson(text)['dependencies']))) {
    for (const [name, value] of Object.entries(recordOf(framework)))
      addLocked(lock, name, stringOf(recordOf(value)['resolved']));
  }
  return lock;
};

/** @type {ManifestReader} */
export const readMixExs = (text) => {
  const dependencies = [...text.matchAll(/\{\s*:(\w+)\s*,\s*(?:"([^"]*)")?([^}]*)\}/g)].map(
    ([, name = '', spec = '', rest = '']) => {
      /** @type {Grade} */
      const grade = /\b(git|github):/.test(rest) ? 'git' : /\b(path|in_umbrella):/.test(rest) ? 'local' : gradeOf(spec);
      return { name, spec, grade, isDev: /only:/.test(rest) };
    },
  );
  return createManifest('Mix', dependencies);
};

/** @type {ManifestReader} */
export const readMixLock = (text) => {
  const lock = createLock('Mix');
  for (const [, name = '', kind, version = ''] of text.matchAll(/^\s*"([^"]+)": \{:(hex|git), [^,]+, "([^"]*)"/gm)) {
    addLocked(lock, name, version);
    if (kind === 'git') lock.outside.push(name);
  }
  return lock;
};

/** @type {ManifestReader} */
export const readPubspec = (text) => {
  /** @type {Dependency[]} */
  const dependencies = [];
  let part = '';
  for (const line of text.split('\n')) {
    if (/^\w/.test(line)) part = line.split(':', 1)[0] ?? '';
    const found = /^ {2}(\w+):\s*([^#]*)/.exec(line);
    const last = dependencies.at(-1);
    if (!part.endsWith('dependencies')) continue;
    if (found !== null) {
      const spec = (found[2] ?? '').trim().replace(/^["']|["']$/g, '');
      dependencies.push({ name: found[1] ?? '', spec, grade: gradeOf(spec), isDev: part.startsWith('dev') });
    } else if (last !== undefined && /^ {4}(git|path|sdk):/.test(line)) {
      dependencies[dependencies.length - 1] = { ...last, grade: /git:/.test(line) ? 'git' : 'local' };
    }
  }
  return createManifest('Pub', dependencies);
};

/** @type {ManifestReader} */
export const readPubspecLock = (text) => {
  const lock = createLock('Pub');
  for (const block of text.split(/^ {2}(?=\w)/m).slice(1)) {
    const version = /^ {4}version: "?([^"\n]+)/m.exec(block)?.[1];
    const name = block.split(':', 1)[0] ?? '';
    if (version === undefined) continue;
    addLocked(lock, name, version);
    if (/^ {4}source: git/m.test(block)) lock.outside.push(name);
  }
  return lock;
};

/** @type {ManifestReader} */
export const readPackageSwift = (text) => {
  const dependencies = [...text.matchAll(/\.package\(([^)]*(?:\([^)]*\)[^)]*)*)\)/g)].map(([, inner = '']) => {
    const url = /url:\s*"([^"]+)"/.exec(inner)?.[1];
    const spec = inner.replace(/^[^,]*,\s*/, '').trim();
    /** @type {Grade} */
    const grade =
      url === undefined ? 'local' : /branch|revision/.test(spec) ? 'git' : /exact/.test(spec) ? 'exact' : 'range';
    return { name: url?.replace(/^.*\/|\.git$/g, '') ?? inner.slice(0, 60), spec, grade, isDev: false };
  });
  return createManifest('Swift', dependencies);
};

/** @type {ManifestReader} */
export const readPackageResolved = (text) => {
  const lock = createLock('Swift');
  const json = readJson(text);
  for (const value of listOf(json['pins'] ?? recordOf(json['object'])['pins'])) {
    const pin = recordOf(value);
    addLocked(lock, stringOf(pin['identity'] ?? pin['package']), stringOf(recordOf(pin['state'])['version']));
  }
  return lock;
};

/** @type {ManifestReader} */
export const readCpanfile = (text) => {
  const found = [
    ...text.matchAll(
      /^\s*(requires|recommends|test_requires|author_requires)\s+["']([\w:]+)["'](?:\s*(?:,|=>)\s*["']?([^"';]+))?/gm,
    ),
  ];
  const dependencies = found
    .filter(([, , name]) => name !== 'perl')
    .map(([, verb = '', name = '', spec = '']) => ({
      name,
      spec: spec.trim(),
      grade: /** @type {Grade} */ (spec.startsWith('==') ? 'exact' : 'open'),
      isDev: /test|author/.test(verb),
    }));
  return createManifest('CPAN', dependencies, { needsLock: false });
};

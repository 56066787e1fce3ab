/** Owns what the manifests of Python tell: pyproject.toml, requirements files, Pipfile, setup.cfg, setup.py. */
import { addLocked, createLock, createManifest, gradeOf, readJson, recordOf, stringOf } from './dependency.mjs';
import { arrayOf, isTable, readToml, tableOf, textOf } from './toml.mjs';

/** @import { Dependency, Grade, Lock } from './dependency.mjs' */

/** @param {string} spec what follows the name @returns {Grade} */
const gradeOfPython = (spec) => {
  const text = spec.trim().replace(/^@\s*/, '');
  if (/^===?\s*[^*,]+$/.test(text)) return 'exact';
  return text.startsWith('file:') ? 'local' : gradeOf(text);
};

/**
 * One requirement as PEP 508 has it: `name[extra]>=1,<2; marker` or `name @ URL`.
 * @param {string} line
 * @param {boolean} isDev
 * @returns {Dependency | undefined}
 */
const readRequirement = (line, isDev) => {
  const text = line
    .replace(/\s+#.*$/, '')
    .replace(/;.*$/, '')
    .replace(/\s--hash.*$/, '')
    .trim();
  const found = /^([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*\(?([^)]*)\)?$/.exec(text);
  if (found === null) return undefined;
  const spec = (found[2] ?? '').trim();
  return { name: found[1] ?? '', spec, grade: gradeOfPython(spec), isDev };
};

/** @param {readonly (string | undefined)[]} lines @param {boolean} isDev @returns {Dependency[]} */
const readRequirements = (lines, isDev) =>
  lines.map((line) => readRequirement(line ?? '', isDev)).filter((dependency) => dependency !== undefined);

/** @param {import('./toml.mjs').TomlTable} table Poetry's and Pipenv's way @param {boolean} isDev @returns {Dependency[]} */
const readTable = (table, isDev) =>
  Object.entries(table)
    .filter(([name]) => name.toLowerCase() !== 'python')
    .map(([name, value]) => {
      const detail = tableOf(value);
      const spec = textOf(value) ?? textOf(detail['version']) ?? '';
      if (!isTable(value)) return { name, spec, grade: gradeOfPython(spec), isDev };
      const { git, url, path } = detail;
      const grade =
        git !== undefined ? 'git' : url !== undefined ? 'url' : path !== undefined ? 'local' : gradeOfPython(spec);
      return { name, spec: spec || (textOf(git) ?? textOf(url) ?? textOf(path) ?? ''), grade, isDev };
    });

/** @type {import('./dependency.mjs').ManifestReader} */
export const readPyproject = (text) => {
  const toml = readToml(text);
  const project = tableOf(toml['project']);
  const tool = tableOf(toml['tool']);
  const poetry = tableOf(tool['poetry']);
  const dependencies = readRequirements(arrayOf(project['dependencies']).map(textOf), false);
  for (const list of Object.values(tableOf(project['optional-dependencies']))) {
    dependencies.push(...readRequirements(arrayOf(list).map(textOf), false));
  }
  for (const list of Object.values(tableOf(toml['dependency-groups']))) {
    dependencies.push(...readRequirements(arrayOf(list).map(textOf), true));
  }
  dependencies.push(...readTable(tableOf(poetry['dependencies']), false));
  dependencies.push(...readTable(tableOf(poetry['dev-dependencies']), true));
  for (const group of Object.values(tableOf(poetry['group']))) {
    dependencies.push(...readTable(tableOf(tableOf(group)['dependencies']), true));
  }
  const isProject = toml['project'] !== undefined || tool['poetry'] !== undefined;
  return isProject || dependencies.length > 0 ? createManifest('Python', dependencies) : undefined;
};

/** @type {import('./dependency.mjs').ManifestReader} */
export const readRequirementsFile = (text) => {
  /** @type {Dependency[]} */
  const dependencies = [];
  for (const raw of text.replace(/\\\r?\n/g, ' ').split('\n')) {
    const line = raw
      .trim()
      .replace(/^(-e|--editable)[ =]/, '')
      .trim();
    if (line === '' || /^[#-]/.test(line)) continue;
    const outside = /^(git\+|https?:)\S+/.exec(line);
    const requirement = readRequirement(line, false);
    if (outside !== null) {
      const name = /[#&]egg=([\w.-]+)/.exec(line)?.[1] ?? line.slice(0, 80);
      dependencies.push({ name, spec: line, grade: outside[1] === 'git+' ? 'git' : 'url', isDev: false });
    } else if (requirement !== undefined) dependencies.push(requirement);
  }
  const isPinned = dependencies.every(({ grade }) => grade === 'exact');
  return createManifest('Python', dependencies, { needsLock: !isPinned });
};

/** @type {import('./dependency.mjs').ManifestReader} */
export const readPipfile = (text) => {
  const toml = readToml(text);
  return createManifest('Python', [
    ...readTable(tableOf(toml['packages']), false),
    ...readTable(tableOf(toml['dev-packages']), true),
  ]);
};

/** @type {import('./dependency.mjs').ManifestReader} */
export const readSetupCfg = (text) => {
  const block = /^install_requires\s*=\s*((?:.*\n)(?:[ \t]+.*\n|\s*\n)*)/m.exec(`${text}\n`)?.[1];
  return block === undefined ? undefined : createManifest('Python', readRequirements(block.split('\n'), false));
};

/** Best effort: a literal list is all that can be read without running it. @type {import('./dependency.mjs').ManifestReader} */
export const readSetupPy = (text) => {
  const block = /install_requires\s*=\s*\[([^\]]*)\]/.exec(text)?.[1];
  if (block === undefined) return undefined;
  const lines = [...block.matchAll(/["']([^"'\n]+)["']/g)].map((found) => found[1]);
  return createManifest('Python', readRequirements(lines, false));
};

/** @type {import('./dependency.mjs').ManifestReader} */
export const readPipfileLock = (text) => {
  /** @type {Lock} */
  const lock = createLock('Python');
  const json = readJson(text);
  for (const part of [json['default'], json['develop']]) {
    for (const [name, value] of Object.entries(recordOf(part))) {
      const entry = recordOf(value);
      addLocked(lock, name, stringOf(entry['version']).replace(/^==/, ''));
      if (typeof entry['git'] === 'string') lock.outside.push(name);
    }
  }
  return lock;
};

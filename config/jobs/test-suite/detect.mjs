/** Owns what a repository's files say of how its tests are run. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * `script`: what the line starts.
 * @typedef {{ line: string, script?: string }} Found
 */

/** @param {string} path what is not there is empty */
const tryRead = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** What `npm init` writes where there are no tests. */
const NO_TESTS = /no test specified/;

/** Runners that are found by what a package depends on. @type {readonly (readonly [string, string])[]} */
const INSTALLED = [
  ['vitest', 'npx --no-install vitest run'],
  ['jest', 'npx --no-install jest'],
  ['mocha', 'npx --no-install mocha'],
  ['ava', 'npx --no-install ava'],
];

/** @param {string} cwd @returns {Found | undefined} */
const findPackageTests = (cwd) => {
  /** @type {{ scripts?: Record<string, unknown>, dependencies?: object, devDependencies?: object }} */
  let manifest;
  try {
    manifest = JSON.parse(tryRead(join(cwd, 'package.json')));
  } catch {
    return undefined;
  }
  const script = manifest.scripts?.['test'];
  if (typeof script === 'string' && script.trim() !== '' && !NO_TESTS.test(script)) return { line: 'npm test', script };
  const installed = { ...manifest.dependencies, ...manifest.devDependencies };
  const runner = INSTALLED.find(([name]) => name in installed);
  return runner === undefined ? undefined : { line: runner[1] };
};

/** Tests that Node itself runs need no word in any file. @param {string} cwd @returns {Found | undefined} */
const findNodeTestFiles = (cwd) => {
  const patterns = ['**/*.test.{js,mjs,cjs,ts,mts}', 'test/**/*.{js,mjs,cjs}'];
  const files = globSync(patterns, { cwd, exclude: ['**/node_modules/**'] });
  return files.length === 0 ? undefined : { line: 'node --test' };
};

/** @param {string} cwd @returns {Found | undefined} */
const findPythonTests = (cwd) => {
  const settings = ['pyproject.toml', 'setup.cfg', 'tox.ini'].map((name) => tryRead(join(cwd, name))).join('\n');
  const isPytest =
    ['pytest.ini', 'conftest.py', 'tests/conftest.py'].some((name) => existsSync(join(cwd, name))) ||
    /^\[(?:tool[.:])?pytest\b/m.test(settings) ||
    globSync(['test_*.py', 'test{,s}/**/test_*.py'], { cwd }).length > 0;
  if (!isPytest) return undefined;
  if (existsSync(join(cwd, 'uv.lock'))) return { line: 'uv run pytest' };
  if (existsSync(join(cwd, 'poetry.lock'))) return { line: 'poetry run pytest' };
  const python = ['.venv/bin/python', 'venv/bin/python'].find((path) => existsSync(join(cwd, path)));
  return { line: `${python ?? 'python3'} -m pytest` };
};

/** @param {string} cwd @param {readonly string[]} names */
const hasOne = (cwd, names) => names.some((name) => existsSync(join(cwd, name)));

/** @param {string} cwd @param {string} wrapper @param {string} program */
const wrapped = (cwd, wrapper, program) => (existsSync(join(cwd, wrapper)) ? `./${wrapper}` : program);

/** @param {string} cwd @returns {Found | undefined} */
const findMakeTests = (cwd) => {
  const makefile = ['GNUmakefile', 'makefile', 'Makefile'].map((name) => tryRead(join(cwd, name))).join('\n');
  const target = ['test', 'check'].find((name) => new RegExp(`^${name}\\s*:(?!=)`, 'm').test(makefile));
  return target === undefined ? undefined : { line: `make ${target}` };
};

/** @type {readonly ((cwd: string) => Found | undefined)[]} */
const FINDERS = [
  findPackageTests,
  (cwd) => (hasOne(cwd, ['deno.json', 'deno.jsonc']) ? { line: 'deno test' } : undefined),
  (cwd) => (hasOne(cwd, ['go.mod', 'go.work']) ? { line: 'go test ./...' } : undefined),
  (cwd) => (hasOne(cwd, ['Cargo.toml']) ? { line: 'cargo test --no-fail-fast' } : undefined),
  findPythonTests,
  (cwd) => (hasOne(cwd, ['pom.xml']) ? { line: `${wrapped(cwd, 'mvnw', 'mvn')} --batch-mode test` } : undefined),
  (cwd) =>
    hasOne(cwd, ['build.gradle', 'build.gradle.kts'])
      ? { line: `${wrapped(cwd, 'gradlew', 'gradle')} test` }
      : undefined,
  (cwd) => (hasOne(cwd, ['phpunit.xml', 'phpunit.xml.dist']) ? { line: 'vendor/bin/phpunit' } : undefined),
  findMakeTests,
  findNodeTestFiles,
];

/** `undefined`: nothing that is known. @param {string} cwd @returns {Found | undefined} */
export const detectTests = (cwd) => {
  for (const find of FINDERS) {
    const found = find(cwd);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** Owns what package.json tells. */
import { createManifest, gradeOf, listOf, readJson, recordOf, stringOf } from './dependency.mjs';

/** `user/repo`, which npm takes for GitHub. */
const SHORT_GITHUB = /^[\w.-]+\/[\w.-]+(#.*)?$/;

/** @param {string} spec @returns {import('./dependency.mjs').Grade} */
export const gradeOfNpm = (spec) => {
  const aliased = /^npm:(?:@?[^@]+)@?(.*)$/.exec(spec);
  if (aliased !== null) return gradeOf(aliased[1] ?? '');
  if (spec.startsWith('catalog:')) return 'range';
  return SHORT_GITHUB.test(spec) ? 'git' : gradeOf(spec);
};

/** @type {readonly (readonly [field: string, isDev: boolean])[]} */
const FIELDS = [
  ['dependencies', false],
  ['optionalDependencies', false],
  ['devDependencies', true],
];

/** @type {import('./dependency.mjs').ManifestReader} */
export const readPackageJson = (text) => {
  const json = readJson(text);
  const dependencies = FIELDS.flatMap(([field, isDev]) =>
    Object.entries(recordOf(json[field])).map(([name, value]) => {
      const spec = stringOf(value);
      return { name, spec, grade: gradeOfNpm(spec), isDev };
    }),
  );
  return createManifest('npm', dependencies);
};

/** The folders that a package.json names as its workspaces, as written. @param {Record<string, unknown>} json */
export const workspacesOf = (json) => {
  const { workspaces } = json;
  return listOf(Array.isArray(workspaces) ? workspaces : recordOf(workspaces)['packages']).map((pattern) =>
    stringOf(pattern),
  );
};

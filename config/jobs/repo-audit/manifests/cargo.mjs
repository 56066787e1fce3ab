/** Owns what Cargo.toml tells. */
import { createManifest, gradeOf } from './dependency.mjs';
import { isTable, readToml, tableOf, textOf } from './toml.mjs';

/** @import { Dependency, Grade } from './dependency.mjs' */

/** A bare version means "compatible with it" here. @param {string} spec @returns {Grade} */
const gradeOfCargo = (spec) => (/^\d/.test(spec.trim()) ? 'range' : gradeOf(spec));

/** @param {import('./toml.mjs').TomlTable} table @param {boolean} isDev @returns {Dependency[]} */
const readTable = (table, isDev) =>
  Object.entries(table).map(([name, value]) => {
    if (!isTable(value)) return { name, spec: textOf(value) ?? '', grade: gradeOfCargo(textOf(value) ?? ''), isDev };
    const spec = textOf(value['version']) ?? '';
    const git = textOf(value['git']);
    if (git !== undefined)
      return {
        name,
        spec: `${git} ${textOf(value['rev']) ?? textOf(value['tag']) ?? textOf(value['branch']) ?? ''}`.trim(),
        grade: 'git',
        isDev,
      };
    if (value['path'] !== undefined) return { name, spec: textOf(value['path']) ?? '', grade: 'local', isDev };
    if (value['workspace'] === true) return { name, spec: 'workspace', grade: 'range', isDev };
    return { name, spec, grade: gradeOfCargo(spec), isDev };
  });

/** @param {import('./toml.mjs').TomlTable} table a manifest, or one of its targets */
const readSections = (table) => [
  ...readTable(tableOf(table['dependencies']), false),
  ...readTable(tableOf(table['build-dependencies']), true),
  ...readTable(tableOf(table['dev-dependencies']), true),
];

/** @type {import('./dependency.mjs').ManifestReader} */
export const readCargoToml = (text) => {
  const toml = readToml(text);
  const targets = Object.values(tableOf(toml['target'])).flatMap((target) => readSections(tableOf(target)));
  const shared = readTable(tableOf(tableOf(toml['workspace'])['dependencies']), false);
  return createManifest('Cargo', [...readSections(toml), ...targets, ...shared]);
};

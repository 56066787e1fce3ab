/** Owns what the manifest at the top of a repository says about it: name, version, description, licence, and what kind of thing it is. */
import { listOf, readJson, recordOf, stringOf } from '../manifests/dependency.mjs';
import { workspacesOf } from '../manifests/npm.mjs';
import { readToml, tableOf, textOf } from '../manifests/toml.mjs';

/**
 * Whatever is not told is empty. `kind` is a noun with what it needs: `npm package`, `Rust workspace of 3 crates`.
 * @typedef {{ kind: string, name: string, version: string, description: string, licence: string }} Identity
 */

/** @param {Partial<Identity> & { kind: string }} told @returns {Identity} */
const createIdentity = (told) => ({ name: '', version: '', description: '', licence: '', ...told });

/** @param {string} text @returns {Identity} */
const ofPackageJson = (text) => {
  const json = readJson(text);
  const hasBin = json['bin'] !== undefined;
  const isLibrary = ['main', 'module', 'exports', 'types'].some((field) => json[field] !== undefined);
  const isWorkspace = workspacesOf(json).length > 0;
  const noun = hasBin
    ? isLibrary
      ? 'npm library with commands'
      : 'command-line tool (npm)'
    : isLibrary
      ? 'npm library'
      : 'npm project';
  const kind = isWorkspace ? 'npm workspace' : noun;
  return createIdentity({
    kind: json['private'] === true && !isWorkspace && !hasBin ? 'private npm project' : kind,
    name: stringOf(json['name']),
    version: stringOf(json['version']),
    description: stringOf(json['description']),
    licence: stringOf(json['license']) || stringOf(recordOf(json['license'])['type']),
  });
};

/** @param {string} text @returns {Identity} */
const ofCargo = (text) => {
  const toml = readToml(text);
  const workspace = toml['workspace'];
  const own = tableOf(toml['package']);
  const members = listOf(tableOf(workspace)['members']).length;
  const shared = tableOf(tableOf(workspace)['package']);
  return createIdentity({
    kind:
      workspace === undefined
        ? 'Rust crate'
        : `Rust workspace${members > 0 ? ` (${members} member pattern${members === 1 ? '' : 's'})` : ''}`,
    name: textOf(own['name']) ?? '',
    version: textOf(own['version']) ?? textOf(shared['version']) ?? '',
    description: textOf(own['description']) ?? '',
    licence: textOf(own['license']) ?? textOf(shared['license']) ?? '',
  });
};

/** @param {string} text @returns {Identity} */
const ofPyproject = (text) => {
  const toml = readToml(text);
  const project = tableOf(toml['project']);
  const own = toml['project'] === undefined ? tableOf(tableOf(toml['tool'])['poetry']) : project;
  const licence = own['license'];
  return createIdentity({
    kind: own['scripts'] === undefined ? 'Python package' : 'Python package with commands',
    name: textOf(own['name']) ?? '',
    version: textOf(own['version']) ?? '',
    description: textOf(own['description']) ?? '',
    licence: textOf(licence) ?? textOf(tableOf(licence)['text'])?.split('\n', 1)[0] ?? '',
  });
};

/** @param {string} text @returns {Identity} */
const ofSetupPy = (text) => {
  /** @param {string} key */
  const argument = (key) => new RegExp(`\\b${key}\\s*=\\s*["']([^"'\\n]*)["']`).exec(text)?.[1] ?? '';
  return createIdentity({
    kind: 'Python package',
    name: argument('name'),
    version: argument('version'),
    description: argument('description'),
    licence: argument('license'),
  });
};

/** @param {string} text @returns {Identity} */
const ofSetupCfg = (text) => {
  /** @param {string} key */
  const field = (key) => new RegExp(`^${key}\\s*=[ \\t]*(\\S.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  return createIdentity({
    kind: 'Python package',
    name: field('name'),
    version: field('version'),
    description: field('description'),
    licence: field('license'),
  });
};

/** @param {string} text @returns {Identity} */
const ofGoMod = (text) =>
  createIdentity({
    kind: `Go module${/^go ([\d.]+)/m.exec(text)?.[1] === undefined ? '' : ` (Go ${/^go ([\d.]+)/m.exec(text)?.[1]})`}`,
    name: /^module\s+"?([^\s"]+)/m.exec(text)?.[1] ?? '',
  });

/** @param {string} text @returns {Identity} */
const ofPom = (text) => {
  const xml = text
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/<(parent|dependencies|dependencyManagement|build|profiles)>[\s\S]*?<\/\1>/g, '');
  /** @param {string} name */
  const element = (name) => new RegExp(`<${name}>\\s*([^<$]*?)\\s*</${name}>`).exec(xml)?.[1] ?? '';
  const modules = xml.match(/<module>/g)?.length ?? 0;
  return createIdentity({
    kind: modules > 0 ? `Maven project of ${modules} module${modules === 1 ? '' : 's'}` : 'Maven project',
    name: element('artifactId') || element('name'),
    version: element('version'),
    description: element('description').replace(/\s+/g, ' '),
  });
};

/** @param {string} text @returns {Identity} */
const ofComposer = (text) => {
  const json = readJson(text);
  const licence = json['license'];
  return createIdentity({
    kind: stringOf(json['type']) === 'library' ? 'PHP library' : 'PHP project',
    name: stringOf(json['name']),
    version: stringOf(json['version']),
    description: stringOf(json['description']),
    licence: Array.isArray(licence) ? licence.map(stringOf).join(' or ') : stringOf(licence),
  });
};

/** `s.name = "x"` and its like. @param {string} kind @param {RegExp} [name] @returns {(text: string) => Identity} */
const ofAssignments = (kind, name) => (text) => {
  /** @param {string} key */
  const value = (key) => new RegExp(`\\b${key}:?\\s*[=:]?\\s*["']([^"'\\n]+)["']`).exec(text)?.[1] ?? '';
  return createIdentity({
    kind,
    name: (name === undefined ? value('name') : name.exec(text)?.[1]) ?? '',
    version: value('version'),
    description: value('summary') || value('description'),
    licence: value('licen[sc]e'),
  });
};

/** Lines like `name: x`, as in pubspec.yaml or an R DESCRIPTION. @param {string} kind @param {string} nameKey @returns {(text: string) => Identity} */
const ofLines = (kind, nameKey) => (text) => {
  /** @param {string} key */
  const value = (key) => new RegExp(`^${key}:[ \\t]*["']?(.*?)["']?\\s*$`, 'm').exec(text)?.[1] ?? '';
  return createIdentity({
    kind,
    name: value(nameKey),
    version: value('[Vv]ersion'),
    description: value('Title') || value('[Dd]escription'),
    licence: value('License'),
  });
};

/** In this order: the first that gives a name tells what the repository is. @type {readonly (readonly [RegExp, (text: string) => Identity])[]} */
export const IDENTITY_FILES = [
  [/^Cargo\.toml$/, ofCargo],
  [/^go\.mod$/, ofGoMod],
  [/^pyproject\.toml$/, ofPyproject],
  [/^setup\.cfg$/, ofSetupCfg],
  [/^setup\.py$/, ofSetupPy],
  [/^pom\.xml$/, ofPom],
  [/^package\.json$/, ofPackageJson],
  [/^composer\.json$/, ofComposer],
  [/\.gemspec$/, ofAssignments('Ruby gem')],
  [/^mix\.exs$/, ofAssignments('Elixir project', /\bapp:\s*:(\w+)/)],
  [/^pubspec\.yaml$/, ofLines('Dart or Flutter package', 'name')],
  [/^Package\.swift$/, ofAssignments('Swift package')],
  [/^settings\.gradle(\.kts)?$/, ofAssignments('Gradle project', /rootProject\.name\s*=\s*["']([^"']+)/)],
  [/^META6?\.json$/, ofPackageJson],
  [/^DESCRIPTION$/, ofLines('R package', 'Package')],
  [/^CMakeLists\.txt$/, ofAssignments('CMake project', /\bproject\s*\(\s*"?([\w.+-]+)/i)],
  [/^meson\.build$/, ofAssignments('Meson project', /\bproject\s*\(\s*'([^']+)/)],
  [/^build\.gradle(\.kts)?$/, () => createIdentity({ kind: 'Gradle project' })],
  [/\.sln$|\.(cs|fs|vb)proj$/, () => createIdentity({ kind: '.NET project' })],
  [/^Gemfile$/, () => createIdentity({ kind: 'Ruby project' })],
  [/^(GNU)?[Mm]akefile$/, () => createIdentity({ kind: 'project with a Makefile' })],
];

/** Owns which file is read by whom: manifests and lock files by their names. */
import { readCargoToml } from './cargo.mjs';
import { createLock } from './dependency.mjs';
import { readGoMod, readGoSum } from './go.mjs';
import { readGradle, readGradleLock, readPom, readVersionCatalogue } from './jvm.mjs';
import {
  readCpanfile,
  readMixExs,
  readMixLock,
  readNuGet,
  readNuGetLock,
  readPackageResolved,
  readPackageSwift,
  readPubspec,
  readPubspecLock,
} from './more-ecosystems.mjs';
import { readPackageJson } from './npm.mjs';
import { readBunLock, readPackageLock, readPnpmLock, readYarnLock } from './npm-locks.mjs';
import { readCargoLock, readPythonLock } from './package-blocks.mjs';
import { readComposerJson, readComposerLock, readGemfile, readGemfileLock } from './php-ruby.mjs';
import {
  readPipfile,
  readPipfileLock,
  readPyproject,
  readRequirementsFile,
  readSetupCfg,
  readSetupPy,
} from './python.mjs';

/** @type {Readonly<Record<string, import('./dependency.mjs').ManifestReader>>} by lower-case name */
const BY_NAME = {
  'package.json': readPackageJson,
  'package-lock.json': readPackageLock,
  'npm-shrinkwrap.json': readPackageLock,
  'yarn.lock': readYarnLock,
  'pnpm-lock.yaml': readPnpmLock,
  'bun.lock': readBunLock,
  'bun.lockb': () => createLock('npm'),
  'pyproject.toml': readPyproject,
  pipfile: readPipfile,
  'pipfile.lock': readPipfileLock,
  'setup.cfg': readSetupCfg,
  'setup.py': readSetupPy,
  'poetry.lock': readPythonLock,
  'uv.lock': readPythonLock,
  'pdm.lock': readPythonLock,
  'cargo.toml': readCargoToml,
  'cargo.lock': readCargoLock,
  'go.mod': readGoMod,
  'go.sum': readGoSum,
  'pom.xml': readPom,
  'build.gradle': readGradle,
  'build.gradle.kts': readGradle,
  'gradle.lockfile': readGradleLock,
  'libs.versions.toml': readVersionCatalogue,
  'composer.json': readComposerJson,
  'composer.lock': readComposerLock,
  gemfile: readGemfile,
  'gemfile.lock': readGemfileLock,
  'packages.config': readNuGet,
  'packages.lock.json': readNuGetLock,
  'directory.packages.props': readNuGet,
  'mix.exs': readMixExs,
  'mix.lock': readMixLock,
  'pubspec.yaml': readPubspec,
  'pubspec.lock': readPubspecLock,
  'package.swift': readPackageSwift,
  'package.resolved': readPackageResolved,
  cpanfile: readCpanfile,
};

/** @type {readonly (readonly [RegExp, import('./dependency.mjs').ManifestReader])[]} */
const BY_PATTERN = [
  [/^requirements[\w.-]*\.(txt|in)$/, readRequirementsFile],
  [/\.(cs|fs|vb)proj$/, readNuGet],
  [/\.gemspec$/, readGemfile],
];

/** Lock files by ecosystem: where one of them lies above a manifest, the manifest is locked. @type {Readonly<Record<string, readonly string[]>>} */
export const LOCK_NAMES = {
  npm: ['package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock', 'bun.lockb'],
  Python: ['poetry.lock', 'uv.lock', 'pdm.lock', 'Pipfile.lock'],
  Cargo: ['Cargo.lock'],
  Go: ['go.sum'],
  Composer: ['composer.lock'],
  Bundler: ['Gemfile.lock'],
  Mix: ['mix.lock'],
  Pub: ['pubspec.lock'],
  Swift: ['Package.resolved'],
};

/**
 * Who reads a file of this name, if it is a manifest or a lock file.
 * @param {string} path a string of bytes
 * @returns {import('./dependency.mjs').ManifestReader | undefined}
 */
export const readerOf = (path) => {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  if (Object.hasOwn(BY_NAME, name)) return BY_NAME[name];
  const found = BY_PATTERN.find(([pattern]) => pattern.test(name));
  if (found !== undefined) return found[1];
  return /(^|\/)requirements\/[^/]+\.(txt|in)$/i.test(path) ? readRequirementsFile : undefined;
};

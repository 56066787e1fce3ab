/** Owns what the name of a file says about where it comes from: written here, brought along, made by a program. */
import { baseName } from './path-text.mjs';

/** Folders of other people's code, also where they are committed. */
const VENDORED_FOLDERS = new Set([
  'node_modules', 'bower_components', 'jspm_packages', 'vendor', 'vendors', 'vendored', '_vendored', 'third_party', 'third-party', 'thirdparty',
  '3rdparty', 'site-packages', 'dist-packages', '.venv', 'venv', 'virtualenv', 'pods', 'carthage', 'godeps', '.yarn',
  '.pnpm-store', '.bundle', '_vendor', 'extern', 'externals', '.eggs',
]); // prettier-ignore

/** Folders that builds and tools fill. */
const GENERATED_FOLDERS = new Set([
  'dist', '__pycache__', '.next', '.nuxt', '.svelte-kit', '.output', '.turbo', '.cache', '.parcel-cache', 'coverage', '.nyc_output',
  '.gradle', '.mypy_cache', '.pytest_cache', '.ruff_cache', '.tox', '.nox', '.terraform', '.dart_tool', '.angular',
  'deriveddata', '_build', '.stack-work', 'dist-newstyle', '.serverless', '.ipynb_checkpoints', '__snapshots__',
]); // prettier-ignore

/** What git keeps for itself, and its elders. */
const CONTROL_FOLDERS = new Set(['.git', '.hg', '.svn', '.bzr', '_darcs', '.jj', 'cvs']);

/** Made by builds, but also a usual name for sources: only left out where no git says which it is. */
const BUILD_FOLDERS = new Set(['build', 'target', 'out', 'obj', '_bus']);

const GENERATED_NAME =
  /(\.min\.(js|css|mjs)|[.-]bundle\.js|\.(map|snap|pyc|pyo|class|o|obj|tsbuildinfo)|\.pb\.(go|cc|h)|_pb2(_grpc)?\.pyi?|\.g\.(dart|cs)|\.generated\.\w+|\.designer\.(cs|vb)|_generated\.\w+|\.freezed\.dart|\.d\.ts\.map)$/i;

const LOCK_NAMES = new Set([
  'package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock', 'bun.lockb', 'deno.lock', 'poetry.lock',
  'uv.lock', 'pdm.lock', 'pipfile.lock', 'cargo.lock', 'go.sum', 'composer.lock', 'gemfile.lock', 'podfile.lock', 'mix.lock',
  'packages.lock.json', 'pubspec.lock', 'package.resolved', 'gradle.lockfile', 'flake.lock', 'conan.lock',
]); // prettier-ignore

/**
 * `own`: written here; `vendored`: other people's code; `generated`: made by a program, lock files included.
 * @typedef {'own' | 'vendored' | 'generated'} Origin
 */

/** @type {Map<string, Origin>} one answer per folder: files of one folder come together */
const originOfFolder = new Map();

/** @param {string} folder lower case @returns {Origin} */
const lookUpFolder = (folder) => {
  const known = originOfFolder.get(folder);
  if (known !== undefined) return known;
  const parts = folder.split('/');
  const origin = parts.some((part) => VENDORED_FOLDERS.has(part))
    ? 'vendored'
    : parts.some((part) => GENERATED_FOLDERS.has(part))
      ? 'generated'
      : 'own';
  if (originOfFolder.size > 50_000) originOfFolder.clear();
  originOfFolder.set(folder, origin);
  return origin;
};

/** @param {string} path a string of bytes, relative @returns {Origin} */
export const originOf = (path) => {
  const cut = path.lastIndexOf('/');
  const origin = cut < 0 ? 'own' : lookUpFolder(path.slice(0, cut).toLowerCase());
  if (origin !== 'own') return origin;
  const name = baseName(path);
  return GENERATED_NAME.test(name) || LOCK_NAMES.has(name.toLowerCase()) ? 'generated' : 'own';
};

/** What git and its like keep for themselves is no part of what is audited. @param {string} name */
export const isControlFolder = (name) => CONTROL_FOLDERS.has(name.toLowerCase());

/** Whether a walk without git goes past a folder of this name: installed or built. @param {string} name */
export const isSkippedFolder = (name) => {
  const lower = name.toLowerCase();
  return VENDORED_FOLDERS.has(lower) || GENERATED_FOLDERS.has(lower) || BUILD_FOLDERS.has(lower);
};

/** A folder of fixtures, samples or examples: what lies there is often wrong on purpose. */
const SAMPLE_FOLDER =
  /(^|\/)(tests?|__tests__|testing|testdata|test[-_]?(data|files|fixtures|resources)|specs?|fixtures?|__fixtures__|mocks?|__mocks__|examples?|samples?|demos?|e2e|cypress|playground|benchmarks?|docs?)\//i;
const SAMPLE_NAME =
  /([._-](test|tests|spec|mock|example|sample|template|dist)\.[^/]+|\.(example|sample|template|dist|tpl|tmpl)|_test\.\w+|(^|\/)test_[^/]*)$/i;

/** @param {string} path */
export const isSample = (path) => SAMPLE_FOLDER.test(path) || SAMPLE_NAME.test(path);

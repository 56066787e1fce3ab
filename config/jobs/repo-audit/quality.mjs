/** Tells whether tests are there and run, and how the house is kept: CI, licence, documents, what should not be in git. */
import { isConflicted } from './quality/conflict-marks.mjs';
import { CaseCollisions, whyOdd } from './quality/odd-names.mjs';
import { EXPECTED_NAMES, ciOf, expectedFileOf, isInstalled, isJunk, licenceOf } from './quality/project-files.mjs';
import { partOf, testFrameworksIn, testFrameworksOf } from './quality/test-files.mjs';
import { hasBinaryExtension, languageByName } from './languages/language-names.mjs';
import { readJson, recordOf, stringOf } from './manifests/dependency.mjs';
import { readerOf } from './manifests/readers.mjs';
import { FileReader } from './repository/file-reader.mjs';
import { streamGit } from './repository/git.mjs';
import { createReader, listFiles } from './repository/listing.mjs';
import { originOf } from './repository/path-class.mjs';
import { baseName, plainText, showPath } from './repository/path-text.mjs';
import { printSection } from './repository/section.mjs';

/** @import { Reader } from './repository/listing.mjs' */

const MAX_READ_BYTES = 2 * 1024 * 1024;
const BUDGET_MS = 45_000;
const MAX_MANIFESTS = 2000;
const MAX_LOOKED_INTO = 200;

/**
 * @typedef {object} QualitySection
 * @property {number} testFileCount
 * @property {number} supportFileCount fixtures and helpers of tests
 * @property {number} sourceFileCount code that is neither
 * @property {string[]} testFrameworks
 * @property {string} testCommand of package.json; empty where there is none
 * @property {string[]} testFolders
 * @property {{ name: string, files: string[], runsTests: boolean }[]} ci of a part of a repository also what lies at its top
 * @property {string[]} present of what is expected at the top
 * @property {string[]} presentAbove of a part of a repository: what lies at the top of the whole
 * @property {string[]} missing
 * @property {string} licence by the wording of the licence file
 * @property {{ conflicts: string[], junk: string[], ignored: string[], odd: { path: string, why: string }[], collisions: [string, string][] }} examples
 * @property {{ conflicts: number, junk: number, ignored: number, odd: number, collisions: number, installed: number }} counts
 *   `installed`: tracked files of package managers
 * @property {boolean} isCut
 */

class QualityLook {
  testFileCount = 0;
  supportFileCount = 0;
  sourceFileCount = 0;
  /** @type {Set<string>} */
  frameworks = new Set();
  testCommand = '';
  licence = '';
  /** @type {Map<string, number>} */
  testFolders = new Map();
  /** @type {Map<string, { files: string[], runsTests: boolean }>} */
  ci = new Map();
  /** @type {Set<string>} */
  present = new Set();
  /** @type {Set<string>} */
  presentAbove = new Set();
  collisions = new CaseCollisions();
  /** @type {string[]} */
  conflicts = [];
  /** @type {string[]} */
  junk = [];
  /** @type {{ path: string, why: string }[]} */
  odd = [];
  counts = { conflicts: 0, junk: 0, odd: 0, installed: 0 };
  #reader;
  #top;
  #lookedInto = 0;
  #manifestCount = 0;

  /** @param {Reader} reader @param {number} top */
  constructor(reader, top) {
    this.#reader = reader;
    this.#top = top;
  }

  /** @param {import('./repository/listing.mjs').FileEntry} entry */
  look({ path, isTracked }) {
    const origin = originOf(path);
    this.#lookAtName(path, isTracked);
    const expected = expectedFileOf(path);
    if (expected !== undefined) this.present.add(expected);
    if (expected === 'licence' && this.licence === '') this.licence = licenceOf(this.#textOf(path));
    const ci = ciOf(path);
    if (ci !== undefined) this.#lookAtCi(ci, { path, text: this.#textOf(path) });
    if (origin !== 'own') return;
    if (this.#manifestCount < MAX_MANIFESTS) this.#lookAtManifest(path);
    const kind = languageByName(path)?.kind;
    if (kind === 'code') this.#lookAtCode(path);
    if (!hasBinaryExtension(path)) this.#lookForConflict(path);
  }

  /** @param {string} path @param {boolean} isTracked */
  #lookAtName(path, isTracked) {
    this.collisions.offer(path);
    if (isTracked && isInstalled(path)) this.counts.installed += 1;
    else if (isTracked && isJunk(path)) this.#keep('junk', path);
    const why = whyOdd(path);
    if (why === undefined) return;
    this.counts.odd += 1;
    if (this.odd.length < this.#top) this.odd.push({ path: showPath(path), why });
  }

  /** @param {'junk' | 'conflicts'} list @param {string} path */
  #keep(list, path) {
    this.counts[list] += 1;
    if (this[list].length < this.#top) this[list].push(showPath(path));
  }

  /** @param {string} path */
  #textOf(path) {
    const file = this.#reader.read(path);
    return file.kind === 'text' ? file.bytes.toString('latin1') : '';
  }

  /** @param {string} name @param {{ path: string, text: string }} file */
  #lookAtCi(name, { path, text }) {
    const found = this.ci.get(name) ?? { files: [], runsTests: false };
    this.ci.set(name, found);
    if (found.files.length < this.#top) found.files.push(showPath(path));
    found.runsTests ||= /\b(tests?|tox|nox|pytest|rspec|phpunit|vitest|jest|ctest|verify|check)\b/i.test(text);
  }

  /** What lies at the top of the repository that the audited folder is a part of. @param {string} path @param {FileReader} reader */
  lookAbove(path, reader) {
    const expected = expectedFileOf(path);
    if (expected !== undefined) this.presentAbove.add(expected);
    const ci = ciOf(path);
    if (ci === undefined) return;
    const file = reader.read(path);
    this.#lookAtCi(ci, { path: `/${path}`, text: file.kind === 'text' ? file.bytes.toString('latin1') : '' });
  }

  /** @param {string} path */
  #lookAtManifest(path) {
    const read = readerOf(path);
    if (read === undefined) return;
    this.#manifestCount += 1;
    const text = this.#textOf(path);
    const told = read(text);
    if (told?.kind === 'manifest')
      for (const name of testFrameworksOf(told.dependencies.map((one) => one.name))) this.frameworks.add(name);
    if (path !== 'package.json') return;
    const command = stringOf(recordOf(readJson(text)['scripts'])['test']);
    if (!command.includes('no test specified')) this.testCommand = plainText(command, 120);
  }

  /** @param {string} path */
  #lookAtCode(path) {
    const part = partOf(path, () => this.#textOf(path));
    if (part === 'support') {
      this.supportFileCount += 1;
      return;
    }
    if (part === 'source') {
      this.sourceFileCount += 1;
      if (path.endsWith('.rs') && this.#looksInside() && /^[ \t]*#\[cfg\(test\)\]/m.test(this.#textOf(path)))
        this.frameworks.add('cargo test (in the sources)');
      return;
    }
    this.testFileCount += 1;
    const folder = path.split('/').slice(0, -1).slice(0, 2).join('/') || '.';
    this.testFolders.set(folder, (this.testFolders.get(folder) ?? 0) + 1);
    if (this.#looksInside()) for (const name of testFrameworksIn(path, this.#textOf(path))) this.frameworks.add(name);
  }

  /** The first few hundred files tell what the others would. */
  #looksInside() {
    this.#lookedInto += 1;
    return this.#lookedInto <= MAX_LOOKED_INTO;
  }

  /** @param {string} path */
  #lookForConflict(path) {
    const file = this.#reader.read(path);
    if (file.kind === 'text' && isConflicted(file.bytes, baseName(path))) this.#keep('conflicts', path);
  }
}

/** Files that git tracks although .gitignore says not to. @param {import('./repository/place.mjs').Place} place @param {number} top */
const findIgnored = async (place, top) => {
  /** @type {string[]} */
  const paths = [];
  let count = 0;
  if (place.kind === 'folder' || place.isBare) return { paths, count };
  await streamGit(
    { cwd: place.root, args: ['ls-files', '-z', '--cached', '--ignored', '--exclude-standard'] },
    (path) => {
      count += 1;
      if (paths.length < top) paths.push(showPath(path));
    },
  );
  return { paths, count };
};

/** @param {import('./repository/place.mjs').Place} place @param {QualityLook} look */
const lookAbove = async (place, look) => {
  if (place.kind === 'folder' || place.prefix === '') return;
  const reader = new FileReader(place.top, MAX_READ_BYTES);
  await streamGit({ cwd: place.top, args: ['ls-files', '-z'] }, (path) => look.lookAbove(path, reader));
};

await printSection('quality', async ({ place, top }) => {
  const listing = await listFiles(place);
  const look = new QualityLook(createReader(place, listing, MAX_READ_BYTES), top);
  const untilMs = performance.now() + BUDGET_MS;
  let isCut = listing.isCut;
  for (const entry of listing.files) {
    if (performance.now() > untilMs) {
      isCut = true;
      break;
    }
    look.look(entry);
  }
  await lookAbove(place, look);
  const ignored = await findIgnored(place, top);
  const folders = [...look.testFolders].sort((a, b) => b[1] - a[1]).slice(0, top);
  const { conflicts, junk, odd, collisions } = look;
  return {
    testFileCount: look.testFileCount,
    supportFileCount: look.supportFileCount,
    sourceFileCount: look.sourceFileCount,
    testFrameworks: [...look.frameworks].slice(0, 10),
    testCommand: look.testCommand,
    testFolders: folders.map(([folder]) => showPath(folder)),
    ci: [...look.ci].map(([name, found]) => ({ name, ...found })),
    present: EXPECTED_NAMES.filter((name) => look.present.has(name)),
    presentAbove: EXPECTED_NAMES.filter((name) => look.presentAbove.has(name)),
    missing: EXPECTED_NAMES.filter((name) => !look.present.has(name) && !look.presentAbove.has(name)),
    licence: look.licence,
    examples: {
      conflicts,
      junk,
      ignored: ignored.paths,
      odd,
      collisions: collisions.found.map(([a, b]) => [showPath(a), showPath(b)]),
    },
    counts: { ...look.counts, ignored: ignored.count, collisions: collisions.count },
    isCut,
  };
});

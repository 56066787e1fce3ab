/**
 * Tells which files change most, from `git log`, and which of them are large as well: the hot spots, where work and risk meet.
 *
 * H1. Only the names of changed files are asked for, never their contents: no blob is read, so it is fast, and safe in a
 *     partial clone.
 */
import { randomBytes } from 'node:crypto';
import { isBot } from './history/commit-count.mjs';
import { languageByName } from './languages/language-names.mjs';
import { lineCountOf } from './languages/line-count.mjs';
import { askGit, lastWords, streamGit } from './repository/git.mjs';
import { FileReader } from './repository/file-reader.mjs';
import { createReader, listFiles } from './repository/listing.mjs';
import { originOf } from './repository/path-class.mjs';
import { folderOf, plainText, showPath } from './repository/path-text.mjs';
import { printSection } from './repository/section.mjs';

/** @import { Reader } from './repository/listing.mjs' */

const MAX_COMMITS = 20_000;
const MAX_AUTHORS = 50;
const MAX_PATHS = 500_000;
/** A commit that touches more files moves or formats them; it says nothing about where the work is. */
const SWEEPING_FILES = 500;
const LOG_BUDGET_MS = 25_000;
const MAX_READ_BYTES = 8 * 1024 * 1024;
/** What is counted where nothing happened in the time that was asked for. */
const QUIET_COMMITS = 1000;
/** Merges left out; names only (H1); nothing of the repository's configuration has a say. */
const LOG_OPTIONS = [
  '-z', '--no-show-signature', '--no-color', '--no-merges', '--no-renames', '--no-ext-diff', '--no-textconv', '--name-only', '--relative',
]; // prettier-ignore
/** How many of the most changed files are looked at on disk. */
const CANDIDATES = 300;

/**
 * `lineCount` null: too large to be read.
 * @typedef {{ path: string, changeCount: number, lineCount: number | null, authorCount: number }} ChangedFile
 *
 * @typedef {object} HotSpotsFacts
 * @property {'git'} state
 * @property {string} sinceDate ISO date; changes after it were counted
 * @property {boolean} isQuiet nothing happened after it: the newest commits were counted instead
 * @property {number} commitCount merges left out
 * @property {number} sweepingCount commits left out because they touch very many files
 * @property {number} fileCount files that changed
 * @property {ChangedFile[]} mostChanged own files that are still there
 * @property {(ChangedFile & { lineCount: number, share: number })[]} hotSpots changes × lines; `share` of the whole, 0 to 1
 * @property {number} weighedCount files that were looked at for hot spots
 * @property {{ folder: string, changeCount: number }[]} folders
 * @property {string} problem
 *
 * @typedef {HotSpotsFacts | { state: 'none', reason: string }} HotSpotsSection
 */

/** Counts changes of files over commits. */
class ChangeCount {
  commitCount = 0;
  sweepingCount = 0;
  isFull = false;
  /** @type {Map<string, { changeCount: number, authors: Set<string> }>} */
  files = new Map();
  #mark;
  #author = '';
  /** @type {string[]} of the commit that is being read */
  #paths = [];

  /** @param {string} mark what the record of a commit begins with; no file name does */
  constructor(mark) {
    this.#mark = mark;
  }

  /** @param {string} record */
  take(record) {
    if (record.startsWith(this.#mark)) {
      this.endCommit();
      this.commitCount += 1;
      this.#author = record.slice(this.#mark.length);
      return;
    }
    // the first name of a commit has a line feed before it
    const path = this.#paths.length === 0 && record.startsWith('\n') ? record.slice(1) : record;
    if (path !== '' && this.#paths.length <= SWEEPING_FILES) this.#paths.push(path);
  }

  endCommit() {
    if (this.#paths.length > SWEEPING_FILES) this.sweepingCount += 1;
    else for (const path of this.#paths) this.#count(path);
    this.#paths = [];
  }

  /** @param {string} path */
  #count(path) {
    let file = this.files.get(path);
    if (file === undefined) {
      this.isFull ||= this.files.size >= MAX_PATHS;
      if (this.isFull) return;
      file = { changeCount: 0, authors: new Set() };
      this.files.set(path, file);
    }
    file.changeCount += 1;
    if (file.authors.size < MAX_AUTHORS && !isBot(this.#author)) file.authors.add(this.#author);
  }
}

/** @param {string} root @param {string} since @returns {Promise<number | undefined>} Unix seconds */
const parseSince = async (root, since) => {
  const { lines } = await askGit(root, ['rev-parse', `--since=${since}`]);
  const found = /^--max-age=(\d+)$/.exec(lines[0] ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
};

/** @param {import('./repository/place.mjs').GitPlace} place */
const readerFor = async (place) =>
  place.isBare
    ? createReader(place, await listFiles(place), MAX_READ_BYTES)
    : new FileReader(place.root, MAX_READ_BYTES);

/** The most changed files that are still there and written by people. @param {Reader} reader @param {ChangeCount} changes */
const presentFiles = (reader, changes) => {
  const sorted = [...changes.files].sort((a, b) => b[1].changeCount - a[1].changeCount);
  /** @type {ChangedFile[]} */
  const present = [];
  for (const [path, { changeCount, authors }] of sorted.slice(0, CANDIDATES * 2)) {
    if (originOf(path) !== 'own' || present.length >= CANDIDATES) continue;
    const file = reader.read(path);
    if (file.kind !== 'text') continue;
    const lineCount = file.isWhole ? lineCountOf(file.bytes) : null;
    present.push({ path, changeCount, lineCount, authorCount: authors.size });
  }
  return present;
};

/** Prose and data change without being complicated. @param {string} path */
const isCode = (path) => ['code', 'markup'].includes(languageByName(path)?.kind ?? '');

/** @param {ChangedFile[]} files @param {number} top */
const hotSpotsOf = (files, top) => {
  const weighed = files.flatMap((file) => {
    const { path, changeCount, lineCount } = file;
    return changeCount > 1 && lineCount !== null && isCode(path)
      ? [{ file: { ...file, lineCount }, weight: changeCount * lineCount }]
      : [];
  });
  const total = weighed.reduce((sum, { weight }) => sum + weight, 0);
  const hotSpots = weighed
    .sort((a, b) => b.weight - a.weight)
    .slice(0, top)
    .map(({ file, weight }) => ({
      ...file,
      path: showPath(file.path),
      share: total === 0 ? 0 : Math.round((weight / total) * 1000) / 1000,
    }));
  return { hotSpots, weighedCount: weighed.length };
};

/** @param {ChangeCount} changes @param {number} top */
const foldersOf = (changes, top) => {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const [path, { changeCount }] of changes.files) {
    const folder = folderOf(path);
    counts.set(folder, (counts.get(folder) ?? 0) + changeCount);
  }
  const sorted = [...counts].sort((a, b) => b[1] - a[1]).slice(0, top);
  return sorted.map(([folder, changeCount]) => ({ folder: showPath(folder === '' ? '.' : folder), changeCount }));
};

/** @param {import('./repository/git.mjs').GitEnd} end @param {ChangeCount} changes */
const problemOf = (end, changes) => {
  if (end.kind === 'stopped') return `Only what git log told within ${LOG_BUDGET_MS / 1000} s is counted.`;
  if (end.kind === 'failed') return `git log ended early: ${plainText(lastWords(end.error), 200)}`;
  if (changes.commitCount >= MAX_COMMITS) return `Only the newest ${MAX_COMMITS} commits of that time are counted.`;
  return changes.isFull ? `Only ${MAX_PATHS} files are counted.` : '';
};

/**
 * @param {import('./repository/place.mjs').GitPlace} place
 * @param {readonly string[]} limits which commits
 */
const countChanges = async (place, limits) => {
  const mark = `\x01${randomBytes(12).toString('hex')}`;
  const changes = new ChangeCount(mark);
  const path = place.prefix === '' ? [] : ['.'];
  const args = ['log', ...LOG_OPTIONS, ...limits, `--format=%x01${mark.slice(1)}%aN`, 'HEAD', '--', ...path];
  const end = await streamGit({ cwd: place.root, args, withinMs: LOG_BUDGET_MS }, (record) => changes.take(record));
  changes.endCommit();
  return { changes, problem: problemOf(end, changes) };
};

await printSection('hot-spots', async ({ place, top, since }) => {
  if (place.kind === 'folder') return { state: 'none', reason: plainText(place.reason, 300) };
  if (place.headProblem !== '')
    return { state: 'none', reason: plainText(`Git cannot read HEAD: ${place.headProblem}`, 300) };
  if (!place.hasCommits) return { state: 'none', reason: 'There are no commits yet.' };
  const sinceS = await parseSince(place.root, since);
  if (sinceS === undefined)
    return { state: 'none', reason: `Git does not understand "${plainText(since, 60)}" as a date.` };
  const sinceDate = new Date(sinceS * 1000).toISOString().slice(0, 10);
  let { changes, problem } = await countChanges(place, [`--since=${sinceS}`, `--max-count=${MAX_COMMITS}`]);
  const isQuiet = changes.commitCount === 0 && problem === '';
  if (isQuiet) {
    ({ changes, problem } = await countChanges(place, [`--max-count=${QUIET_COMMITS}`]));
  }
  const present = presentFiles(await readerFor(place), changes);
  return {
    state: 'git',
    sinceDate,
    isQuiet,
    commitCount: changes.commitCount,
    sweepingCount: changes.sweepingCount,
    fileCount: changes.files.size,
    mostChanged: present
      .filter(({ changeCount }) => changeCount > 1)
      .slice(0, top)
      .map((file) => ({ ...file, path: showPath(file.path) })),
    ...hotSpotsOf(present, top),
    folders: foldersOf(changes, top),
    problem,
  };
});

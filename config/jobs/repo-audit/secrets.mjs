/**
 * Tells which secrets look committed: by format, by the names of files, and files of such names that were deleted but are
 * still in the history. A secret itself is never told: kind, file, line and at most four characters.
 */
import { streamGit } from './repository/git.mjs';
import { createReader, listFiles } from './repository/listing.mjs';
import { hasBinaryExtension, languageByName } from './languages/language-names.mjs';
import { isSample, originOf } from './repository/path-class.mjs';
import { showPath } from './repository/path-text.mjs';
import { printSection } from './repository/section.mjs';
import { SECRET_PATHSPECS, countValues, secretFileKind } from './secrets/secret-files.mjs';
import { findSecrets } from './secrets/secret-rules.mjs';

/** @import { FoundSecret } from './secrets/secret-rules.mjs' */

/** @import { Reader } from './repository/listing.mjs' */

const MAX_READ_BYTES = 4 * 1024 * 1024;
const BUDGET_MS = 60_000;
const HISTORY_COMMITS = 20_000;
const HISTORY_BUDGET_MS = 10_000;
const MAX_KEPT = 2000;

/**
 * `isTracked` false: in the folder, not ignored, one `git add` away. `isSample`: among tests, examples or documents.
 * @typedef {FoundSecret & { path: string, isTracked: boolean, isSample: boolean }} SecretPlace
 *
 * @typedef {object} SecretsSection
 * @property {SecretPlace[]} secrets worst first
 * @property {{ certain: number, likely: number, sample: number }} counts of all; samples are counted there alone
 * @property {{ path: string, kind: string, valueCount: number, isTracked: boolean }[]} files secret by their name
 * @property {{ path: string, commit: string }[]} deleted still in the history
 * @property {number} scannedCount
 * @property {number} partlyCount files of which only the beginning was looked at
 * @property {boolean} isCut
 */

/** @param {SecretPlace} secret smaller is worse */
const rankOf = ({ certainty, isSample, isTracked, kind }) =>
  (isSample ? 8 : 0) + (certainty === 'certain' ? 0 : 4) + (isTracked ? 0 : 2) + (kind === 'JSON Web Token' ? 1 : 0);

class SecretScan {
  /** @type {SecretPlace[]} */
  secrets = [];
  /** @type {SecretsSection['files']} */
  files = [];
  counts = { certain: 0, likely: 0, sample: 0 };
  scannedCount = 0;
  partlyCount = 0;
  #reader;

  /** @param {Reader} reader */
  constructor(reader) {
    this.#reader = reader;
  }

  /** @param {import('./repository/listing.mjs').FileEntry} entry */
  scan({ path, isTracked }) {
    const kind = isSample(path) ? undefined : secretFileKind(path);
    if (kind === undefined && (hasBinaryExtension(path) || originOf(path) === 'vendored')) return;
    const file = this.#reader.read(path);
    if (file.kind !== 'text' && file.kind !== 'binary') return;
    const text = file.kind === 'text' ? file.bytes.toString('latin1') : '';
    this.scannedCount += 1;
    if (!file.isWhole) this.partlyCount += 1;
    const valueCount = kind === 'environment file' ? countValues(text) : 0;
    if (kind !== undefined && file.sizeBytes > 0 && (kind !== 'environment file' || valueCount > 0)) {
      this.files.push({ path: showPath(path), kind, valueCount, isTracked });
    }
    for (const secret of findSecrets(text)) {
      // documents show what an address with a password looks like
      const isShown = isSample(path) || (secret.certainty === 'likely' && languageByName(path)?.kind === 'prose');
      this.#add({ ...secret, path: showPath(path), isTracked, isSample: isShown });
    }
  }

  /** @param {SecretPlace} secret */
  #add(secret) {
    this.counts[secret.isSample ? 'sample' : secret.certainty] += 1;
    if (this.secrets.length < MAX_KEPT) this.secrets.push(secret);
  }
}

/**
 * Files with names of secrets that were deleted, and so are in the history of everyone who has a clone.
 * @param {import('./repository/place.mjs').Place} place
 * @param {number} top
 */
const findDeleted = async (place, top) => {
  /** @type {Map<string, string>} */
  const deleted = new Map();
  if (place.kind === 'folder' || !place.hasCommits) return [];
  let commit = '';
  const options = [
    'log',
    '-z',
    '--no-show-signature',
    '--no-color',
    '--no-renames',
    '--no-ext-diff',
    '--no-textconv',
    '--diff-filter=D',
  ];
  const args = [
    ...options,
    '--name-only',
    '--relative',
    `--max-count=${HISTORY_COMMITS}`,
    '--format=%x01%h',
    'HEAD',
    '--',
    ...SECRET_PATHSPECS,
  ];
  await streamGit({ cwd: place.root, args, withinMs: HISTORY_BUDGET_MS }, (record) => {
    if (record.startsWith('\x01')) commit = record.slice(1);
    else {
      const path = record.replace(/^\n/, '');
      if (path !== '' && !isSample(path) && secretFileKind(path) !== undefined && !deleted.has(path))
        deleted.set(path, commit);
    }
    return deleted.size < 1000;
  });
  return [...deleted].slice(0, top).map(([path, commit]) => ({ path: showPath(path), commit }));
};

await printSection('secrets', async ({ place, top }) => {
  const listing = await listFiles(place);
  const scan = new SecretScan(createReader(place, listing, MAX_READ_BYTES));
  const untilMs = performance.now() + BUDGET_MS;
  let isCut = listing.isCut;
  for (const entry of listing.files) {
    if (performance.now() > untilMs) {
      isCut = true;
      break;
    }
    scan.scan(entry);
  }
  const { counts, scannedCount, partlyCount } = scan;
  const secrets = scan.secrets.toSorted((a, b) => rankOf(a) - rankOf(b)).slice(0, top * 2);
  const files = scan.files.toSorted((a, b) => Number(b.isTracked) - Number(a.isTracked)).slice(0, top);
  return { secrets, counts, files, deleted: await findDeleted(place, top), scannedCount, partlyCount, isCut };
});

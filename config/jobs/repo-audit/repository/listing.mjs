/**
 * Owns which files the audit looks at, and how they are read: what git tracks and what it would track; of a bare
 * repository what its HEAD has; without git, what lies in the folder.
 *
 * B1. Symbolic links are never followed; submodules and repositories within are counted, not entered.
 * B2. At most MAX_FILES files; what is beyond is said (`isCut`), never silently left out.
 */
import { readdirSync } from 'node:fs';
import { BlobReader } from './blob-reader.mjs';
import { FileReader } from './file-reader.mjs';
import { streamGit } from './git.mjs';
import { isControlFolder, isSkippedFolder } from './path-class.mjs';
import { diskPath } from './path-text.mjs';

const MAX_FILES = 500_000;
const MAX_DEPTH = 100;
const WALK_BUDGET_MS = 20_000;

/**
 * `path` is relative to the audited folder, a string of bytes (latin1). `isTracked` is false for all where no git is.
 * `blob`: where it is in a bare repository.
 * @typedef {{ readonly path: string, readonly isTracked: boolean, readonly blob?: { object: string, sizeBytes: number } }} FileEntry
 *
 * @typedef {FileReader | BlobReader} Reader
 *
 * @typedef {object} Listing
 * @property {FileEntry[]} files
 * @property {'git' | 'folder'} source
 * @property {number} symlinkCount
 * @property {string[]} submodules paths, strings of bytes
 * @property {number} nestedCount repositories within that are no submodules
 * @property {string[]} skippedFolders left out by the walk (`node_modules`), at most 100
 * @property {number} unreadableFolderCount
 * @property {boolean} isCut there are more files than were listed
 */

/** @param {'git' | 'folder'} source @returns {Listing} */
const createListing = (source) => ({
  files: [],
  source,
  symlinkCount: 0,
  submodules: [],
  nestedCount: 0,
  skippedFolders: [],
  unreadableFolderCount: 0,
  isCut: false,
});

/** A crafted index could name files outside of the folder. @param {string} path */
const isInside = (path) => path !== '' && !path.startsWith('/') && !/(^|\/)\.\.(\/|$)/.test(path);

/**
 * @param {import('./place.mjs').Place} place
 * @returns {Promise<Listing>}
 */
export const listFiles = async (place) => {
  if (place.kind === 'folder') return walk(place.root);
  const listing = createListing('git');
  if (place.isBare) {
    const listed = place.hasCommits ? await listHead(place.root, listing) : undefined;
    if (listed !== undefined && listed.kind !== 'done') listing.isCut = true;
    return listing;
  }
  const tracked = await listTracked(place.root, listing);
  if (tracked.kind === 'failed') return walk(place.root);
  const others = await listUntracked(place.root, listing);
  if (tracked.kind !== 'done' || others.kind !== 'done') listing.isCut = true;
  return listing;
};

/**
 * What reads the listed files.
 * @param {import('./place.mjs').Place} place
 * @param {Listing} listing
 * @param {number} maxBytes per file
 * @returns {Reader}
 */
export const createReader = (place, listing, maxBytes) =>
  place.kind === 'git' && place.isBare
    ? new BlobReader(place.root, listing.files, maxBytes)
    : new FileReader(place.root, maxBytes);

/** @param {string} root @param {Listing} listing */
const listHead = (root, listing) =>
  streamGit({ cwd: root, args: ['ls-tree', '-r', '-z', '--long', '--full-tree', 'HEAD'] }, (record) => {
    const tab = record.indexOf('\t');
    const [mode = '', , object = '', size = ''] = record.slice(0, tab).split(/ +/);
    const path = record.slice(tab + 1);
    if (!isInside(path)) return true;
    if (mode === '160000') listing.submodules.push(path);
    else if (mode === '120000') listing.symlinkCount += 1;
    else listing.files.push({ path, isTracked: true, blob: { object, sizeBytes: Number(size) || 0 } });
    return listing.files.length < MAX_FILES;
  });

/** @param {string} root @param {Listing} listing */
const listTracked = (root, listing) => {
  let last = '';
  return streamGit({ cwd: root, args: ['ls-files', '-z', '--stage'] }, (record) => {
    const tab = record.indexOf('\t');
    const path = record.slice(tab + 1);
    if (path === last || !isInside(path)) return true; // a conflict has up to three stages of one file
    last = path;
    if (record.startsWith('160000')) listing.submodules.push(path);
    else if (record.startsWith('120000')) listing.symlinkCount += 1;
    else listing.files.push({ path, isTracked: true });
    return listing.files.length < MAX_FILES;
  });
};

/** @param {string} root @param {Listing} listing */
const listUntracked = (root, listing) =>
  streamGit({ cwd: root, args: ['ls-files', '-z', '--others', '--exclude-standard'] }, (path) => {
    if (path.endsWith('/')) listing.nestedCount += 1;
    else if (isInside(path)) listing.files.push({ path, isTracked: false });
    return listing.files.length < MAX_FILES;
  });

/** @param {string} root @returns {Listing} */
const walk = (root) => {
  const listing = createListing('folder');
  const untilMs = performance.now() + WALK_BUDGET_MS;
  /** @type {{ path: string, depth: number }[]} */
  const folders = [{ path: '', depth: 0 }];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    if (listing.files.length >= MAX_FILES || folder.depth > MAX_DEPTH || performance.now() > untilMs) {
      listing.isCut = true;
      continue;
    }
    for (const entry of readFolder(root, folder.path, listing)) {
      const path = folder.path === '' ? entry.name : `${folder.path}/${entry.name}`;
      if (entry.isDirectory()) {
        if (isControlFolder(entry.name)) continue;
        if (!isSkippedFolder(entry.name)) folders.push({ path, depth: folder.depth + 1 });
        else if (listing.skippedFolders.length < 100) listing.skippedFolders.push(path);
      } else if (entry.isFile()) listing.files.push({ path, isTracked: false });
      else if (entry.isSymbolicLink()) listing.symlinkCount += 1;
    }
  }
  listing.files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return listing;
};

/** @param {string} root @param {string} folder @param {Listing} listing */
const readFolder = (root, folder, listing) => {
  try {
    return readdirSync(diskPath(root, folder), { withFileTypes: true, encoding: 'latin1' });
  } catch {
    listing.unreadableFolderCount += 1; // told in the report
    return [];
  }
};

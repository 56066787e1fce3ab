/** Tells what the repository is: its name and purpose from manifest and README, and what kind of place it lies in. */
import { basename } from 'node:path';
import { frameworksOf } from './about/frameworks.mjs';
import { IDENTITY_FILES } from './about/identity.mjs';
import { readReadme } from './about/readme.mjs';
import { whyUnreadable } from './manifests/readable.mjs';
import { readerOf } from './manifests/readers.mjs';
import { createReader, listFiles } from './repository/listing.mjs';
import { plainText, showPath } from './repository/path-text.mjs';
import { printSection } from './repository/section.mjs';

/** @import { Identity } from './about/identity.mjs' */
/** @import { Reader } from './repository/listing.mjs' */

const MAX_READ_BYTES = 1024 * 1024;
const MAX_TOP_FOLDERS = 30;

/**
 * @typedef {object} AboutSection
 * @property {string} name
 * @property {string} root
 * @property {string} prefix where the audited folder lies in its repository
 * @property {'git' | 'folder'} place
 * @property {string} remark why git tells nothing, or that it is bare or shallow; empty where all is as usual
 * @property {boolean} isRefused
 * @property {string} remedy a command that makes git tell, if there is one
 * @property {boolean} isBare
 * @property {string} top name of the repository that the folder is a part of; empty where it is the whole
 * @property {string} kind
 * @property {string} version
 * @property {string} description
 * @property {string} licence as the manifest has it
 * @property {string} manifest its path
 * @property {string} readmeTitle
 * @property {string[]} frameworks
 * @property {{ name: string, fileCount: number }[]} folders at the top, most files first
 */

/** @param {Reader} reader @param {string} path */
const textOfFile = (reader, path) => {
  const file = reader.read(path);
  return file.kind === 'text' ? file.bytes.toString('utf8') : '';
};

/** @param {Reader} reader @param {readonly string[]} atTop @returns {Identity & { manifest: string }} */
const identify = (reader, atTop) => {
  /** @type {Identity & { manifest: string }} */
  let found = { kind: '', name: '', version: '', description: '', licence: '', manifest: '' };
  for (const [pattern, read] of IDENTITY_FILES) {
    const path = atTop.find((name) => pattern.test(name));
    if (path === undefined) continue;
    const text = textOfFile(reader, path);
    const told = read(text);
    const isReadable = whyUnreadable(path, text) === undefined;
    const kind = isReadable ? told.kind : `${told.kind} whose ${path} cannot be read`;
    const identity = { ...told, kind, manifest: isReadable ? path : '' };
    if (identity.name !== '') return identity;
    if (found.kind === '') found = identity;
  }
  return found;
};

/** @param {Reader} reader @param {readonly string[]} atTop */
const dependencyNames = (reader, atTop) =>
  atTop.flatMap((path) => {
    const told = readerOf(path)?.(textOfFile(reader, path));
    return told?.kind === 'manifest' ? told.dependencies.map(({ name }) => name) : [];
  });

/** @param {import('./repository/place.mjs').Place} place */
const remarkOn = (place) => {
  if (place.kind === 'folder') return place.reason;
  if (place.isBare) return 'A bare repository: nothing is checked out; its files are told as its HEAD has them.';
  return place.isShallow ? 'A shallow clone: history before its first commit is not here.' : '';
};

/** @param {readonly import('./repository/listing.mjs').FileEntry[]} files */
const topFolders = (files) => {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { path } of files) {
    const cut = path.indexOf('/');
    const name = cut < 0 ? '.' : path.slice(0, cut);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, MAX_TOP_FOLDERS)
    .map(([name, fileCount]) => ({ name: showPath(name, 60), fileCount }));
};

/** @param {string} name of a README; English and plain ones first */
const readmeRank = (name) => (/^readme(\.md|\.rst|\.txt|\.adoc)?$/i.test(name) ? 0 : 1);

await printSection('about', async ({ place }) => {
  const listing = await listFiles(place);
  const { files } = listing;
  const atTop = files.map(({ path }) => path).filter((path) => !path.includes('/'));
  const reader = createReader(place, listing, MAX_READ_BYTES);
  const identity = identify(reader, atTop);
  const readmes = atTop.filter((name) => /^readme/i.test(name)).sort((a, b) => readmeRank(a) - readmeRank(b));
  const readme = readReadme(readmes[0] === undefined ? '' : textOfFile(reader, readmes[0]));
  return {
    name: plainText(identity.name || basename(place.root) || '/', 100),
    root: plainText(place.root, 400),
    prefix: place.kind === 'git' ? plainText(place.prefix, 200) : '',
    place: place.kind,
    remark: plainText(remarkOn(place), 300),
    isRefused: place.kind === 'folder' && place.isRefused,
    remedy: place.kind === 'folder' ? plainText(place.remedy, 400) : '',
    isBare: place.kind === 'git' && place.isBare,
    top: place.kind === 'git' && place.prefix !== '' ? plainText(basename(place.top), 100) : '',
    kind: plainText(
      identity.kind ||
        (files.length > 0 ? '' : place.kind === 'folder' ? 'an empty folder' : 'a repository without files'),
      80,
    ),
    version: plainText(identity.version, 40),
    description: plainText(identity.description.replace(/\s+/g, ' ').trim() || readme.summary, 300),
    licence: plainText(identity.licence, 60),
    manifest: showPath(identity.manifest),
    readmeTitle: readme.title,
    frameworks: frameworksOf(dependencyNames(reader, atTop), 4),
    folders: topFolders(files),
  };
});

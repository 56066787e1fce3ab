/** Tells where work was left for later: TODO, FIXME, HACK and XXX in what was written here, by file and by folder. */
import { hasBinaryExtension, languageByName } from './languages/language-names.mjs';
import { FileReader } from './repository/file-reader.mjs';
import { listFiles } from './repository/listing.mjs';
import { originOf } from './repository/path-class.mjs';
import { folderOf, showPath } from './repository/path-text.mjs';
import { printSection } from './repository/section.mjs';

const MAX_READ_BYTES = 4 * 1024 * 1024;
const BUDGET_MS = 45_000;
const KINDS = /** @type {const} */ (['TODO', 'FIXME', 'HACK', 'XXX']);
const MARKER = /\b(?:TODO|FIXME|HACK|XXX)\b/g;

/**
 * @typedef {(typeof KINDS)[number]} MarkerKind
 * @typedef {Record<MarkerKind, number>} MarkerCounts
 *
 * @typedef {object} TodosSection
 * @property {MarkerCounts} counts
 * @property {number} total
 * @property {number} fileCount files with at least one
 * @property {{ path: string, total: number, counts: MarkerCounts }[]} files most first
 * @property {{ folder: string, total: number }[]} folders the first two levels, most first
 * @property {boolean} isCut
 */

/** @returns {MarkerCounts} */
const createCounts = () => ({ TODO: 0, FIXME: 0, HACK: 0, XXX: 0 });

/** @param {MarkerCounts} counts */
const totalOf = (counts) => counts.TODO + counts.FIXME + counts.HACK + counts.XXX;

/** Needles for the quick look: most files hold none of them, and are never made into text. */
const NEEDLES = KINDS.map((kind) => Buffer.from(kind));

/** What begins a comment in one language or another. */
const COMMENT_BEFORE = /\/\/|\/\*|#|--|;|%|<!--|["']{3}|^\s*(\*|[-+>]\s|$)|^\s*(REM|dnl|C)\s/;
/** In prose a note stands at the beginning of a line, perhaps of a list. */
const PROSE_BEFORE = /^[\s>#*+-]*(\[[ x]\]\s*)?$/;
const LOOK_BACK_CHARS = 300;

/**
 * The word alone may be a name or a value; in a comment, or with a colon or a bracket, it is a note.
 * @param {string} text
 * @param {{ from: number, to: number }} word
 * @param {boolean} isProse
 */
const isNote = (text, { from, to }, isProse) => {
  if (/^(:|\(\w)/.test(text.slice(to, to + 2))) return true;
  const lineStart = text.lastIndexOf('\n', from - 1) + 1;
  const before = text.slice(Math.max(lineStart, from - LOOK_BACK_CHARS), from);
  return (isProse ? PROSE_BEFORE : COMMENT_BEFORE).test(before);
};

/** @param {Buffer} bytes @param {boolean} isProse @returns {MarkerCounts | undefined} undefined: none */
const countMarkers = (bytes, isProse) => {
  if (!NEEDLES.some((needle) => bytes.includes(needle))) return undefined;
  const counts = createCounts();
  const text = bytes.toString('latin1');
  for (const { 0: kind, index } of text.matchAll(MARKER)) {
    if (isNote(text, { from: index, to: index + kind.length }, isProse)) counts[/** @type {MarkerKind} */ (kind)] += 1;
  }
  return totalOf(counts) === 0 ? undefined : counts;
};

/** Data is not where people leave notes, and a list of words may well hold "XXX". @param {string} path */
const isLookedAt = (path) =>
  !hasBinaryExtension(path) && originOf(path) === 'own' && languageByName(path)?.kind !== 'data';

/** @param {string} path */
const topFolder = (path) => folderOf(path).split('/').slice(0, 2).join('/') || '.';

/** @param {readonly { path: string, counts: MarkerCounts }[]} files @param {number} top */
const foldersOf = (files, top) => {
  /** @type {Map<string, number>} */
  const totals = new Map();
  for (const { path, counts } of files)
    totals.set(topFolder(path), (totals.get(topFolder(path)) ?? 0) + totalOf(counts));
  return [...totals]
    .sort((a, b) => b[1] - a[1])
    .slice(0, top)
    .map(([folder, total]) => ({ folder: showPath(folder), total }));
};

await printSection('todos', async ({ place, top }) => {
  const listing = await listFiles(place);
  const reader = new FileReader(place.root, MAX_READ_BYTES);
  const untilMs = performance.now() + BUDGET_MS;
  const counts = createCounts();
  /** @type {{ path: string, counts: MarkerCounts }[]} */
  const files = [];
  let isCut = listing.isCut;
  for (const { path } of listing.files) {
    if (performance.now() > untilMs) {
      isCut = true;
      break;
    }
    const file = isLookedAt(path) ? reader.read(path) : undefined;
    const found = file?.kind === 'text' ? countMarkers(file.bytes, languageByName(path)?.kind === 'prose') : undefined;
    if (found === undefined) continue;
    files.push({ path, counts: found });
    for (const kind of KINDS) counts[kind] += found[kind];
  }
  const sorted = files.toSorted((a, b) => totalOf(b.counts) - totalOf(a.counts));
  return {
    counts,
    total: totalOf(counts),
    fileCount: files.length,
    files: sorted
      .slice(0, top)
      .map((file) => ({ path: showPath(file.path), total: totalOf(file.counts), counts: file.counts })),
    folders: foldersOf(files, top),
    isCut,
  };
});

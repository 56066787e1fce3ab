/** Tells where work was left for later: TODO, FIXME, HACK and XXX in the comments of what was written here, by file and by folder. */
import { hasBinaryExtension, languageByName } from './languages/language-names.mjs';
import { createReader, listFiles } from './repository/listing.mjs';
import { originOf } from './repository/path-class.mjs';
import { folderOf, plainText, showPath } from './repository/path-text.mjs';
import { printSection } from './repository/section.mjs';
import { findSecrets } from './secrets/secret-rules.mjs';
import { commentSyntaxOf } from './todos/comment-syntax.mjs';
import { commentsIn } from './todos/comments.mjs';

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
 * @property {{ path: string, line: number, text: string }[]} urgent the first lines with FIXME, HACK or XXX
 * @property {number} lookedAtCount files
 * @property {number} partlyCount files of which only the beginning was looked at
 * @property {boolean} isCut
 */

/** @returns {MarkerCounts} */
const createCounts = () => ({ TODO: 0, FIXME: 0, HACK: 0, XXX: 0 });

/** @param {MarkerCounts} counts */
const totalOf = (counts) => counts.TODO + counts.FIXME + counts.HACK + counts.XXX;

/** Needles for the quick look: most files hold none of them, and are never made into text. */
const NEEDLES = KINDS.map((kind) => Buffer.from(kind));

/** In prose a note stands at the beginning of a line, perhaps of a list. */
const PROSE_BEFORE = /^[\s>#*+-]*(\[[ x]\]\s*)?$/;
/** In a comment at the beginning of it, or of one of its lines. */
const COMMENT_BEFORE = /^[\s/*#;%!<>{}()|@\-"'.]*$/;
const LOOK_BACK_CHARS = 300;
/** A list of such words is about them. */
const LISTED = /^\s?[,/|]/;

/** @typedef {{ kind: MarkerKind, from: number, lineStart: number }} Marker where it stands in the text */

/**
 * The word alone may be a name or a mention; at the beginning of a comment, or with a colon or a bracket, it is a note.
 * @param {string} text
 * @param {{ from: number, to: number }} word
 * @param {{ lineStart: number, isProse: boolean }} where
 */
const isNote = (text, { from, to }, { lineStart, isProse }) => {
  const after = text.slice(to, to + 2);
  if (/^(:|\(\w)/.test(after)) return true;
  const before = text.slice(Math.max(lineStart, from - LOOK_BACK_CHARS), from);
  return (isProse ? PROSE_BEFORE : COMMENT_BEFORE).test(before) && !LISTED.test(after);
};

/** Where lines begin, asked for from the beginning to the end: a line may be long, and is never searched twice. */
class LineStarts {
  #text;
  #start = 0;
  #searchedTo = 0;

  /** @param {string} text */
  constructor(text) {
    this.#text = text;
  }

  /** @param {number} at no smaller than before */
  before(at) {
    const lastBreak = this.#text.slice(this.#searchedTo, at).lastIndexOf('\n');
    if (lastBreak >= 0) this.#start = this.#searchedTo + lastBreak + 1;
    this.#searchedTo = at;
    return this.#start;
  }
}

/** @param {string} text @param {readonly { from: number, to: number }[]} parts in order @param {boolean} isProse */
const markersIn = (text, parts, isProse) => {
  /** @type {Marker[]} */
  const markers = [];
  const lines = new LineStarts(text);
  for (const part of parts) {
    for (const { 0: kind, index } of text.slice(part.from, part.to).matchAll(MARKER)) {
      const from = part.from + index;
      const lineStart = lines.before(from);
      const where = { lineStart: Math.max(part.from, lineStart), isProse };
      if (isNote(text, { from, to: from + kind.length }, where))
        markers.push({ kind: /** @type {MarkerKind} */ (kind), from, lineStart });
    }
  }
  return markers;
};

/** @param {string} path @param {Buffer} bytes @returns {{ text: string, markers: Marker[] }} */
const findMarkers = (path, bytes) => {
  if (!NEEDLES.some((needle) => bytes.includes(needle))) return { text: '', markers: [] };
  const text = bytes.toString('latin1');
  const language = languageByName(path);
  const isProse = language?.kind === 'prose';
  const parts = isProse ? [{ from: 0, to: text.length }] : commentsIn(text, commentSyntaxOf(language?.name));
  return { text, markers: markersIn(text, parts, isProse) };
};

const MAX_URGENT = 15;

/** Lines worth quoting, without what looks like a secret. @param {string} text @param {Marker} marker */
const quote = (text, { lineStart }) => {
  const end = text.indexOf('\n', lineStart);
  const bytes = text.slice(lineStart, Math.min(end < 0 ? text.length : end, lineStart + 2000));
  const said = Buffer.from(bytes, 'latin1').toString('utf8').trim();
  return findSecrets(said).length > 0 ? 'not shown: there is something like a secret in this line' : plainText(said);
};

/** @param {string} text @param {number} at */
const lineOf = (text, at) => {
  let line = 1;
  for (let from = text.indexOf('\n'); from >= 0 && from < at; from = text.indexOf('\n', from + 1)) line += 1;
  return line;
};

class TodoLook {
  counts = createCounts();
  /** @type {{ path: string, counts: MarkerCounts }[]} */
  files = [];
  /** @type {TodosSection['urgent']} */
  urgent = [];
  lookedAtCount = 0;
  partlyCount = 0;

  /** @param {string} path @param {import('./repository/file-reader.mjs').ReadFile} file */
  look(path, { bytes, isWhole }) {
    this.lookedAtCount += 1;
    if (!isWhole) this.partlyCount += 1;
    const { text, markers } = findMarkers(path, bytes);
    if (markers.length === 0) return;
    const counts = createCounts();
    for (const { kind } of markers) {
      counts[kind] += 1;
      this.counts[kind] += 1;
    }
    this.files.push({ path, counts });
    for (const marker of markers) {
      if (marker.kind !== 'TODO' && this.urgent.length < MAX_URGENT)
        this.urgent.push({ path: showPath(path), line: lineOf(text, marker.from), text: quote(text, marker) });
    }
  }
}

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
  const reader = createReader(place, listing, MAX_READ_BYTES);
  const untilMs = performance.now() + BUDGET_MS;
  const look = new TodoLook();
  let isCut = listing.isCut;
  for (const { path } of listing.files) {
    if (performance.now() > untilMs) {
      isCut = true;
      break;
    }
    const file = isLookedAt(path) ? reader.read(path) : undefined;
    if (file?.kind === 'text') look.look(path, file);
  }
  const { counts, files, urgent, lookedAtCount, partlyCount } = look;
  const sorted = files.toSorted((a, b) => totalOf(b.counts) - totalOf(a.counts));
  return {
    counts,
    total: totalOf(counts),
    fileCount: files.length,
    files: sorted
      .slice(0, top)
      .map((file) => ({ path: showPath(file.path), total: totalOf(file.counts), counts: file.counts })),
    folders: foldersOf(files, top),
    urgent,
    lookedAtCount,
    partlyCount,
    isCut,
  };
});

/** Tells how large the repository is, by language: files, lines and bytes; its largest files; what is binary or generated. */
import { createReader, listFiles } from './repository/listing.mjs';
import { originOf } from './repository/path-class.mjs';
import { showPath } from './repository/path-text.mjs';
import { printSection } from './repository/section.mjs';
import { LargestFiles } from './languages/largest-files.mjs';
import { hasBinaryExtension, languageByFirstLine, languageByName } from './languages/language-names.mjs';
import { isMachineMade, lineCountOf } from './languages/line-count.mjs';

/** @import { Reader } from './repository/listing.mjs' */

/** Longer files are listed by size and not read: a text of this size is data. */
const MAX_READ_BYTES = 16 * 1024 * 1024;
const BUDGET_MS = 60_000;

/**
 * @typedef {{ fileCount: number, lineCount: number, sizeBytes: number }} Size
 * @typedef {Size & { name: string, kind: import('./languages/language-names.mjs').LanguageKind }} LanguageSize
 *
 * @typedef {object} LanguagesSection
 * @property {'git' | 'folder'} source
 * @property {LanguageSize[]} languages most lines first, code before all else
 * @property {Size} own what was written here, all languages
 * @property {Size} vendored
 * @property {Size} generated
 * @property {Size} binary
 * @property {{ path: string, sizeBytes: number, lineCount: number | null }[]} largestText
 * @property {{ path: string, sizeBytes: number }[]} largestBinary
 * @property {Record<'symlinkCount' | 'submoduleCount' | 'nestedCount' | 'untrackedCount' | 'unreadableCount' | 'tooLargeCount' | 'missingCount' | 'lfsCount' | 'unreadableFolderCount', number>} counts
 * @property {string[]} skippedFolders
 * @property {boolean} isCut not all could be looked at
 */

/** @returns {Size} */
const createSize = () => ({ fileCount: 0, lineCount: 0, sizeBytes: 0 });

/** @param {Size} size @param {number} sizeBytes @param {number} lineCount */
const add = (size, sizeBytes, lineCount) => {
  size.fileCount += 1;
  size.sizeBytes += sizeBytes;
  size.lineCount += lineCount;
};

class SizeCount {
  /** @type {Map<string, LanguageSize>} */
  languages = new Map();
  own = createSize();
  vendored = createSize();
  generated = createSize();
  binary = createSize();
  unreadableCount = 0;
  tooLargeCount = 0;
  missingCount = 0;
  lfsCount = 0;
  largestText;
  largestBinary;
  #reader;

  /** @param {Reader} reader @param {number} top */
  constructor(reader, top) {
    this.#reader = reader;
    this.largestText = new LargestFiles(top);
    this.largestBinary = new LargestFiles(top);
  }

  /** @param {string} path */
  count(path) {
    if (hasBinaryExtension(path)) {
      this.#countUnread(path);
      return;
    }
    const file = this.#reader.read(path);
    if (file.kind === 'text') this.#countText(path, file);
    else if (file.kind === 'binary') this.#countBinary(path, file.sizeBytes);
    else this.#countAbsent(file.kind);
  }

  /** @param {string} path */
  #countUnread(path) {
    const found = this.#reader.measure(path);
    if (found.kind === 'file') this.#countBinary(path, found.sizeBytes);
    else this.#countAbsent(found.kind);
  }

  /** @param {string} path @param {number} sizeBytes */
  #countBinary(path, sizeBytes) {
    add(this.binary, sizeBytes, 0);
    this.largestBinary.offer({ path, sizeBytes, lineCount: null });
  }

  /** @param {'missing' | 'unreadable' | 'no file'} kind */
  #countAbsent(kind) {
    if (kind === 'missing') this.missingCount += 1;
    if (kind === 'unreadable') this.unreadableCount += 1;
  }

  /** @param {string} path @param {import('./repository/file-reader.mjs').ReadFile} file */
  #countText(path, { bytes, sizeBytes, isWhole }) {
    const lineCount = lineCountOf(bytes);
    if (!isWhole) this.tooLargeCount += 1;
    if (sizeBytes < 200 && bytes.toString('latin1', 0, 40).startsWith('version https://git-lfs.github.com/')) {
      this.lfsCount += 1;
      return;
    }
    const origin = originOf(path);
    const size = { sizeBytes, lineCount: isWhole ? lineCount : 0 };
    if (origin === 'own' && !isMachineMade(path, bytes, lineCount)) this.#countOwn(path, bytes, size);
    else add(origin === 'vendored' ? this.vendored : this.generated, sizeBytes, size.lineCount);
    if (origin !== 'vendored') this.largestText.offer({ path, sizeBytes, lineCount: isWhole ? lineCount : null });
  }

  /** @param {string} path @param {Buffer} bytes @param {{ sizeBytes: number, lineCount: number }} size */
  #countOwn(path, bytes, { sizeBytes, lineCount }) {
    const language = languageByName(path) ?? languageByFirstLine(bytes) ?? { name: 'Other text', kind: 'data' };
    const known = this.languages.get(language.name) ?? { ...language, ...createSize() };
    this.languages.set(language.name, known);
    add(known, sizeBytes, lineCount);
    add(this.own, sizeBytes, lineCount);
  }
}

/** Headers go with the C or C++ that is there. @param {Map<string, LanguageSize>} languages */
const joinHeaders = (languages) => {
  const header = languages.get('C header');
  if (header === undefined) return;
  const c = languages.get('C')?.lineCount ?? 0;
  const cpp = languages.get('C++')?.lineCount ?? 0;
  const name = cpp > c ? 'C++' : 'C';
  const whole = languages.get(name) ?? { name, kind: 'code', ...createSize() };
  languages.delete('C header');
  languages.set(name, whole);
  whole.fileCount += header.fileCount;
  whole.lineCount += header.lineCount;
  whole.sizeBytes += header.sizeBytes;
};

const KIND_ORDER = ['code', 'markup', 'prose', 'data'];

/** @param {LanguageSize} a @param {LanguageSize} b */
const byKindThenLines = (a, b) =>
  KIND_ORDER.indexOf(a.kind) - KIND_ORDER.indexOf(b.kind) || b.lineCount - a.lineCount || b.sizeBytes - a.sizeBytes;

await printSection('languages', async ({ place, top }) => {
  const listing = await listFiles(place);
  const sizes = new SizeCount(createReader(place, listing, MAX_READ_BYTES), top);
  const untilMs = performance.now() + BUDGET_MS;
  let isCut = listing.isCut;
  let untrackedCount = 0;
  for (const { path, isTracked } of listing.files) {
    if (performance.now() > untilMs) {
      isCut = true;
      break;
    }
    if (!isTracked) untrackedCount += 1;
    sizes.count(path);
  }
  joinHeaders(sizes.languages);
  const { own, vendored, generated, binary, unreadableCount, tooLargeCount, missingCount, lfsCount } = sizes;
  const { source, symlinkCount, nestedCount, unreadableFolderCount } = listing;
  return {
    source,
    languages: [...sizes.languages.values()].sort(byKindThenLines).slice(0, 40),
    own,
    vendored,
    generated,
    binary,
    largestText: sizes.largestText.list(),
    largestBinary: sizes.largestBinary.list(),
    counts: {
      symlinkCount,
      submoduleCount: listing.submodules.length,
      nestedCount,
      untrackedCount: source === 'git' ? untrackedCount : 0,
      unreadableCount,
      tooLargeCount,
      missingCount,
      lfsCount,
      unreadableFolderCount,
    },
    skippedFolders: listing.skippedFolders.slice(0, 10).map((path) => showPath(path)),
    isCut,
  };
});

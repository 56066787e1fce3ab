/**
 * Owns how files are read that are not checked out: from a bare repository, as its HEAD has them.
 *
 * C1. The objects are read as they are stored: no filter, attribute or program of the repository has a say.
 * C2. At most BATCH_BYTES and one file of the reader's `maxBytes` are in memory.
 */
import { askGitAtOnce } from './git.mjs';
import { isBinary } from './file-reader.mjs';

/** @import { FileContents } from './file-reader.mjs' */
/** @import { FileEntry } from './listing.mjs' */

const BATCH_BYTES = 16 * 1024 * 1024;
const MAX_BATCH = 2000;
const LINE_FEED = 10;

export class BlobReader {
  #root;
  #maxBytes;
  /** @type {readonly FileEntry[]} */
  #files;
  /** @type {Map<string, number>} place in the list, by path */
  #places = new Map();
  /** @type {Map<string, Buffer>} what was read ahead, by object */
  #batch = new Map();
  /** How many objects are asked for at once: more and more where the files are read in the order of their list. */
  #ahead = 1;
  #usedCount = 0;

  /** @param {string} root @param {readonly FileEntry[]} files @param {number} maxBytes per file */
  constructor(root, files, maxBytes) {
    this.#root = root;
    this.#files = files;
    this.#maxBytes = maxBytes;
    for (const [place, { path }] of files.entries()) this.#places.set(path, place);
  }

  /** @param {string} path @returns {FileContents} `bytes` are good until the next `read` */
  read(path) {
    const place = this.#places.get(path);
    const blob = place === undefined ? undefined : this.#files[place]?.blob;
    if (place === undefined || blob === undefined) return { kind: 'missing' };
    const sizeBytes = blob.sizeBytes;
    const isWhole = sizeBytes <= this.#maxBytes;
    const bytes = isWhole ? this.#readAhead(place, blob.object) : this.#ask([blob.object]).get(blob.object);
    if (bytes === undefined) return { kind: 'unreadable' };
    return { kind: isBinary(bytes) ? 'binary' : 'text', bytes, sizeBytes, isWhole };
  }

  /** @param {string} path @returns {{ kind: 'file', sizeBytes: number } | { kind: 'missing' }} */
  measure(path) {
    const sizeBytes = this.#files[this.#places.get(path) ?? -1]?.blob?.sizeBytes;
    return sizeBytes === undefined ? { kind: 'missing' } : { kind: 'file', sizeBytes };
  }

  /** @param {number} place @param {string} object */
  #readAhead(place, object) {
    const known = this.#batch.get(object);
    this.#usedCount += 1;
    if (known !== undefined) return known;
    this.#ahead = this.#usedCount * 2 >= this.#batch.size ? Math.min(MAX_BATCH, this.#ahead * 4) : 1;
    this.#usedCount = 0;
    this.#batch = this.#ask(this.#objectsFrom(place));
    return this.#batch.get(object);
  }

  /** @param {number} place */
  #objectsFrom(place) {
    /** @type {string[]} */
    const objects = [];
    let leftBytes = BATCH_BYTES;
    for (let at = place; at < this.#files.length && objects.length < this.#ahead; at += 1) {
      const blob = this.#files[at]?.blob;
      if (blob === undefined || blob.sizeBytes > this.#maxBytes) continue;
      leftBytes -= blob.sizeBytes;
      if (objects.length > 0 && leftBytes < 0) break;
      objects.push(blob.object);
    }
    return objects;
  }

  /** Objects that git does not give are not in the answer; of a large one there is the beginning. @param {readonly string[]} objects */
  #ask(objects) {
    const most = BATCH_BYTES + this.#maxBytes + objects.length * 100;
    const stdin = objects.map((object) => `${object}\n`).join('');
    return parseBatch(askGitAtOnce(this.#root, ['cat-file', '--batch'], { stdin, maxBytes: most }), this.#maxBytes);
  }
}

/** What `git cat-file --batch` prints: `<object> blob <size>`, a line feed, the bytes, a line feed. @param {Buffer} output @param {number} maxBytes */
const parseBatch = (output, maxBytes) => {
  /** @type {Map<string, Buffer>} */
  const found = new Map();
  for (let at = 0; at < output.length;) {
    const end = output.indexOf(LINE_FEED, at);
    if (end < 0) break;
    const head = /^(\w+) blob (\d+)$/.exec(output.toString('latin1', at, end));
    at = end + 1;
    if (head === null) continue; // `<object> missing`
    const sizeBytes = Number(head[2]);
    const isThere = at + Math.min(sizeBytes, maxBytes) <= output.length; // else it was cut
    if (isThere) found.set(head[1] ?? '', output.subarray(at, at + Math.min(sizeBytes, maxBytes)));
    at += sizeBytes + 1;
  }
  return found;
};

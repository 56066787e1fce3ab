/**
 * Owns how files are read by the hundred thousand: one buffer, no waiting on anything that is not a plain file.
 *
 * C1. A link, pipe, socket or device is not opened for reading, also when it took a file's place after it was listed.
 * C2. At most the reader's `maxBytes` of a file are in memory, and of one file at a time.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { diskPath } from './path-text.mjs';

/**
 * `bytes` is a view that the next `read` overwrites; `isWhole`: all of the file is in it.
 * @typedef {{ kind: 'text' | 'binary', bytes: Buffer, sizeBytes: number, isWhole: boolean }} ReadFile
 * @typedef {ReadFile | { kind: 'missing' } | { kind: 'unreadable' } | { kind: 'no file' }} FileContents
 */

/** As git decides it: a NUL byte near the beginning. */
const SNIFF_BYTES = 8000;
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** @param {Buffer} bytes the beginning of a file will do */
export const isBinary = (bytes) => {
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  return !isUtf16 && bytes.subarray(0, SNIFF_BYTES).includes(0);
};

/** @param {unknown} thrown @returns {{ kind: 'missing' | 'unreadable' | 'no file' }} */
const kindOfFailure = (thrown) => {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
  if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'missing' };
  return code === 'ELOOP' || code === 'ENXIO' ? { kind: 'no file' } : { kind: 'unreadable' };
};

export class FileReader {
  #root;
  #maxBytes;
  #buffer = Buffer.allocUnsafe(64 * 1024);

  /** @param {string} root @param {number} maxBytes per file */
  constructor(root, maxBytes) {
    this.#root = root;
    this.#maxBytes = maxBytes;
  }

  /**
   * @param {string} path relative, a string of bytes
   * @returns {FileContents}
   */
  read(path) {
    let fd;
    try {
      fd = openSync(diskPath(this.#root, path), OPEN_FLAGS);
      return this.#readOpen(fd);
    } catch (thrown) {
      return kindOfFailure(thrown);
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  /**
   * The size of a plain file, without opening it.
   * @param {string} path relative, a string of bytes
   * @returns {{ kind: 'file', sizeBytes: number } | { kind: 'missing' | 'unreadable' | 'no file' }}
   */
  measure(path) {
    try {
      const stats = lstatSync(diskPath(this.#root, path));
      return stats.isFile() ? { kind: 'file', sizeBytes: stats.size } : { kind: 'no file' };
    } catch (thrown) {
      return kindOfFailure(thrown);
    }
  }

  /** @param {number} fd @returns {FileContents} */
  #readOpen(fd) {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return { kind: 'no file' }; // C1
    const wanted = Math.min(stats.size, this.#maxBytes); // C2
    if (wanted > this.#buffer.length) this.#buffer = Buffer.allocUnsafe(Math.min(this.#maxBytes, wanted * 2));
    let got = 0;
    while (got < wanted) {
      const count = readSync(fd, this.#buffer, got, wanted - got, null);
      if (count === 0) break; // it became shorter meanwhile
      got += count;
    }
    const bytes = this.#buffer.subarray(0, got);
    return {
      kind: isBinary(bytes) ? 'binary' : 'text',
      bytes,
      sizeBytes: stats.size,
      isWhole: stats.size <= this.#maxBytes,
    };
  }
}

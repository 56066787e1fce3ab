/** Owns the few largest of very many files, in bounded memory. */
import { showPath } from '../repository/path-text.mjs';

/** @typedef {{ path: string, sizeBytes: number, lineCount: number | null }} SizedFile */

export class LargestFiles {
  #top;
  /** @type {SizedFile[]} */
  #files = [];
  #leastBytes = -1;

  /** @param {number} top */
  constructor(top) {
    this.#top = top;
  }

  /** @param {SizedFile} file */
  offer(file) {
    if (file.sizeBytes <= this.#leastBytes) return;
    this.#files.push(file);
    if (this.#files.length < this.#top * 2) return;
    this.#files = this.#sorted();
    this.#leastBytes = this.#files.at(-1)?.sizeBytes ?? -1;
  }

  /** Largest first, with paths as text. */
  list() {
    return this.#sorted().map((file) => ({ ...file, path: showPath(file.path) }));
  }

  #sorted() {
    return this.#files.toSorted((a, b) => b.sizeBytes - a.sizeBytes).slice(0, this.#top);
  }
}

/**
 * Owns which events were handled, across restarts: bounded, in two generations of which the older goes at once (G6).
 *
 * I1. An id is noted once its event is handled, and before Redis is told: who is killed in between passes it over.
 * I2. The file is only added to, whole lines at once, so that all readers of a group may share it; a generation is turned
 *     by a rename. A torn line is none.
 * I3. A disk that takes nothing costs the memory of a restart, and nothing else (G1).
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { bestEffortSync } from '../../../failopen/best-effort.ts';
import { makeFolder } from '../../../failopen/make-folder.ts';

const FILE_MODE = 0o600;
/** At least so many are remembered, at most twice as many: about 40 bytes each in memory, 37 on disk. */
const GENERATION_COUNT = 500_000;

/** Of a UUID its random end, 52 bits; of what another program made up, the text itself. */
const markOf = (id: string): number | string => {
  if (id.length !== 36) return id;
  const mark = Number.parseInt(id.slice(-14).replace('-', ''), 16);
  return Number.isNaN(mark) ? id : mark;
};

const linesIn = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');

interface OpenFile {
  readonly fd: number;
  readonly ino: number;
}

export class SeenIds implements Disposable {
  readonly #path: string | undefined;
  readonly #generationCount: number;
  #young = new Set<number | string>();
  #old = new Set<number | string>();
  #file: OpenFile | undefined;
  #readBytes = 0;
  #unwritten: string[] = [];
  #last: { readonly id: string; readonly mark: number | string } = { id: '', mark: '' };

  /** `path`: where they are kept, with `.old` beside; `undefined`: in memory alone. */
  constructor(path: string | undefined, generationCount = GENERATION_COUNT) {
    this.#path = path;
    this.#generationCount = generationCount;
    if (path === undefined) return;
    bestEffortSync('feed.seen', () => this.#load(`${path}.old`, this.#old));
    this.refresh();
  }

  has(id: string): boolean {
    const mark = this.#markOf(id);
    return this.#young.has(mark) || this.#old.has(mark);
  }

  add(id: string): void {
    const mark = this.#markOf(id);
    if (this.#young.has(mark)) return;
    this.#young.add(mark);
    if (this.#path !== undefined && !id.includes('\n')) this.#unwritten.push(id);
  }

  /** Onto the disk, with one write (I1). */
  flush(): void {
    if (this.#unwritten.length > 0) {
      const text = `${this.#unwritten.join('\n')}\n`;
      this.#unwritten = [];
      bestEffortSync('feed.seen', () => writeSync(this.#open().fd, text)); // I3
    }
    if (this.#young.size >= this.#generationCount) this.#turn();
  }

  /** What others of the group handled meanwhile. */
  refresh(): void {
    if (this.#path === undefined) return;
    bestEffortSync('feed.seen', () => this.#readOn());
  }

  [Symbol.dispose](): void {
    this.flush();
    this.#close();
  }

  /** An id is asked for, and then added. */
  #markOf(id: string): number | string {
    if (this.#last.id !== id) this.#last = { id, mark: markOf(id) };
    return this.#last.mark;
  }

  #load(path: string, into: Set<number | string>): void {
    const text = statSync(path, { throwIfNoEntry: false }) === undefined ? '' : readFileSync(path, 'utf8');
    for (const id of linesIn(text)) into.add(markOf(id));
  }

  #readOn(): void {
    const path = this.#path ?? '';
    const there = statSync(path, { throwIfNoEntry: false });
    if (this.#file !== undefined && there?.ino !== this.#file.ino) {
      this.#close(); // turned by another one of the group
      this.#readBytes = 0;
    }
    const { fd } = this.#open();
    const missingBytes = fstatSync(fd).size - this.#readBytes;
    if (missingBytes <= 0) return;
    const buffer = Buffer.alloc(missingBytes);
    const readBytes = readSync(fd, buffer, 0, missingBytes, this.#readBytes);
    const end = buffer.subarray(0, readBytes).lastIndexOf(0x0a) + 1; // I2
    for (const id of linesIn(buffer.toString('utf8', 0, end))) this.#young.add(markOf(id));
    this.#readBytes += end;
  }

  #open(): OpenFile {
    if (this.#file !== undefined) return this.#file;
    const path = this.#path ?? '';
    makeFolder(dirname(path), 0o700);
    const fd = openSync(path, 'a+', FILE_MODE);
    const { ino, size } = fstatSync(fd);
    const last = Buffer.alloc(1);
    if (size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a) writeSync(fd, '\n'); // I2: behind what is torn
    this.#file = { fd, ino };
    return this.#file;
  }

  #close(): void {
    if (this.#file !== undefined) closeSync(this.#file.fd);
    this.#file = undefined;
  }

  #turn(): void {
    this.#old = this.#young;
    this.#young = new Set();
    const path = this.#path;
    if (path === undefined) return;
    bestEffortSync('feed.seen', () => {
      const isMine = statSync(path, { throwIfNoEntry: false })?.ino === this.#file?.ino;
      this.#close();
      this.#readBytes = 0;
      if (isMine) renameSync(path, `${path}.old`);
    });
  }
}

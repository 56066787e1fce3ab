/**
 * Owns one file of the bus as one writer sees it: descriptor, sequence, chain, and the lines the disk refused.
 *
 * A1. A line is on disk, whole, before {@link FileAppender.append} says `written` (G2): one `write(2)`, its count checked.
 * A2. A line that was not written took no `seq`, so the chain has no hole of its own making.
 * A3. Order within the file is the order of `append`: while lines are held back, later ones queue behind them.
 * A4. After a torn write the next line starts with a line feed, so it is not glued to the torn part.
 * A5. A file that was removed or renamed under the writer is noticed within 1 ms, and the line goes to the new one.
 *     What was written in that millisecond shares the fate of all that was written before the removal.
 */
import { close, closeSync, existsSync, fdatasync, fstatSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { BoundedQueue, type QueueLimits } from '../failopen/bounded-queue.ts';
import { makeFolder } from '../failopen/make-folder.ts';
import { errnoOf } from '../model/error.ts';
import type { Head } from '../model/message.ts';
import type { Chain, ChainHash } from './chain.ts';
import { type BusFileName, DIR_MODE, FILE_MODE } from './layout.ts';
import { type Failing, failing, type FileOutage, type Health } from './file-outage.ts';
import { type BusRecord, lineBody, sealedLine } from './line.ts';

export interface AppenderOptions {
  readonly name: BusFileName;
  readonly path: string;
  readonly writer: string;
  readonly chain: Chain;
  readonly backlog: QueueLimits;
  /** True for the alpha bus: its file is renamed when it is full, so the path is looked at before each write. */
  readonly isSegmented: boolean;
  /** Told that the file was removed under the writer, and how many lines of this writer stood in it. */
  readonly onRemoved: (name: BusFileName, lineCount: number) => void;
}

interface OpenFile {
  readonly fd: number;
  readonly ino: number;
}

const RETRY_EVERY_MS = 100;
const LOOK_EVERY_MS = 1;
const LINE_FEED = Buffer.from('\n');

/** What a held-back record weighs in memory, about. */
const weigh = (record: BusRecord): number => record.metaJson.length + record.dataJson.length + 200;

export class FileAppender {
  readonly #options: AppenderOptions;
  readonly #held: BoundedQueue<BusRecord>;
  #file: OpenFile | undefined;
  #health: Health = { kind: 'well' };
  #seq = 0;
  #previous: ChainHash;
  #mayBeTorn = false;
  #sizeBytes = 0;
  #lookedAtMs = -1;
  #isDirty = false;

  constructor(options: AppenderOptions) {
    this.#options = options;
    this.#held = new BoundedQueue(options.backlog);
    this.#previous = options.chain.genesis(options.name, options.writer);
  }

  get name(): BusFileName {
    return this.#options.name;
  }

  get isFailing(): boolean {
    return this.#health.kind === 'failing';
  }

  /** Why it fails, while it fails: an errno code where there is one. */
  get cause(): string {
    return this.#health.kind === 'failing' ? this.#health.cause : '';
  }

  get heldCount(): number {
    return this.#held.count;
  }

  get refusedCount(): number {
    return this.#held.refused;
  }

  /** Size of the file after the last write, others' lines counted when it was last looked at. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get fd(): number | undefined {
    return this.#file?.fd;
  }

  /** Where something was written that may not be on stable storage: the descriptor, or the path if it is not open. */
  takeDirty(): number | string | undefined {
    if (!this.#isDirty) return undefined;
    this.#isDirty = false;
    return this.#file?.fd ?? this.#options.path;
  }

  get ino(): number | undefined {
    return this.#file?.ino;
  }

  /** The writer's head in this file; `undefined` before its first line. */
  get head(): Head | undefined {
    const { name, writer } = this.#options;
    return this.#seq === 0 ? undefined : { file: name, writer, seq: this.#seq, h: this.#previous };
  }

  /** Creates the file; false if it was there, compressed or not. @throws a system error where it cannot be made at all. */
  createExclusively(): boolean {
    try {
      this.#openWith('ax');
    } catch (thrown) {
      if (errnoOf(thrown) === 'EEXIST') return false;
      throw thrown;
    }
    // Looked for after the file was made: a packer puts the packed file there before it takes the plain one away.
    if (!existsSync(`${this.#options.path}.gz`)) return true;
    this.release();
    rmSync(this.#options.path);
    return false;
  }

  /** Puts the record into the file, or holds it back, or, with no room left, counts it as dropped. Never throws. */
  append(record: BusRecord): 'written' | 'held' | 'dropped' {
    if (this.#health.kind === 'failing' && !this.retry()) return this.#hold(record); // A3
    try {
      this.#write(record);
    } catch (thrown) {
      this.#fail(thrown);
      return this.#hold(record);
    }
    if (this.#health.kind === 'failing') this.#health.isMended = true;
    return 'written';
  }

  /** Tries to write what is held back, at most each 100 ms unless `now`. True: nothing is held any more. */
  retry(now = false): boolean {
    const health = this.#health;
    if (health.kind === 'well') return true;
    const atMs = Date.now();
    if (!now && atMs - health.lastTryMs < RETRY_EVERY_MS) return false;
    health.lastTryMs = atMs;
    try {
      for (let record = this.#held.peek(); record !== undefined; record = this.#held.peek()) {
        this.#write(record);
        this.#held.shift();
        health.replayed += 1;
        health.isMended = true;
      }
    } catch (thrown) {
      this.#fail(thrown);
      return false;
    }
    return true;
  }

  /** Once the disk took a line and nothing is held any more: what the outage was; the file is well again. */
  takeOutage(): FileOutage | undefined {
    const health = this.#health;
    if (health.kind === 'well' || !health.isMended || this.#held.count > 0) return undefined;
    return this.#endOutage(health);
  }

  /** Closes the file and gives up what is still held: the outage that did not end, if there is one. Who wants it synced does that before. */
  close(): FileOutage | undefined {
    this.retry(true);
    this.release();
    const health = this.#health;
    return health.kind === 'failing' ? this.#endOutage(health) : undefined;
  }

  /** Closes the descriptor only (G6); the chain goes on at the next append. */
  release(): void {
    if (this.#file !== undefined) closeQuietly(this.#file.fd);
    this.#file = undefined;
  }

  #endOutage({ sinceMs, cause, buffered, replayed }: Failing): FileOutage {
    const dropped = this.#held.takeRefused() + this.#held.count;
    this.#health = { kind: 'well' };
    return { sinceMs, cause, buffered, replayed, dropped };
  }

  #hold(record: BusRecord): 'held' | 'dropped' {
    if (!this.#held.offer(record, weigh(record))) return 'dropped'; // A2
    if (this.#health.kind === 'failing') this.#health.buffered += 1;
    return 'held';
  }

  #fail(thrown: unknown): void {
    this.#health = failing(this.#health, thrown);
    this.#closeFile();
  }

  #write(record: BusRecord): void {
    const line = sealedLine(this.#options.chain, this.#previous, lineBody(record, this.#options.writer, this.#seq + 1));
    const atMs = performance.now();
    const mustLook = atMs - this.#lookedAtMs >= LOOK_EVERY_MS;
    if (mustLook) this.#lookedAtMs = atMs;
    const wasRenamed = mustLook && this.#options.isSegmented && this.#wasRenamed();
    let wasRemoved = wasRenamed && !this.#isStillThere();
    if (wasRenamed) this.#closeFile();
    this.#writeWhole(line.bytes);
    if (mustLook && !this.#isStillThere()) {
      this.#closeFile(); // A5: what was written went into a file that nobody can find any more
      this.#writeWhole(line.bytes);
      wasRemoved = true;
    }
    this.#sizeBytes += line.bytes.byteLength;
    this.#seq += 1;
    this.#previous = line.h;
    if (wasRemoved) this.#options.onRemoved(this.#options.name, this.#seq - 1);
  }

  #writeWhole(line: Uint8Array): void {
    const { fd } = this.#file ?? this.#openWith('a');
    const text = this.#mayBeTorn ? Buffer.concat([LINE_FEED, line]) : line; // A4
    const wanted = text.byteLength;
    const written = writeSync(fd, text);
    if (written < wanted) this.#mayBeTorn = this.#mayBeTorn || written > 0;
    else this.#mayBeTorn = false;
    // Only the line feed is missing: the line itself is there, and A4 brings the line feed. Written again it would stand twice.
    if (written < wanted - 1) {
      throw Object.assign(new Error(`short write: ${written} of ${wanted} bytes`), { code: 'ENOSPC' });
    }
    this.#isDirty = true;
  }

  #isStillThere(): boolean {
    if (this.#file === undefined) return false;
    const stat = fstatSync(this.#file.fd);
    this.#sizeBytes = stat.size;
    return stat.nlink > 0;
  }

  #wasRenamed(): boolean {
    if (this.#file === undefined) return false;
    return statSync(this.#options.path, { throwIfNoEntry: false })?.ino !== this.#file.ino; // A5
  }

  #openWith(flags: 'a' | 'ax'): OpenFile {
    let fd: number;
    try {
      fd = openSync(this.#options.path, flags, FILE_MODE);
    } catch (thrown) {
      if (errnoOf(thrown) !== 'ENOENT') throw thrown;
      makeFolder(dirname(this.#options.path), DIR_MODE);
      fd = openSync(this.#options.path, flags, FILE_MODE);
    }
    const { ino, size } = fstatSync(fd);
    this.#file = { fd, ino };
    this.#sizeBytes = size;
    return this.#file;
  }

  #closeFile(): void {
    if (this.#file === undefined) return;
    const { fd } = this.#file;
    this.#file = undefined;
    if (!this.#isDirty) {
      closeQuietly(fd);
      return;
    }
    this.#isDirty = false;
    fdatasync(fd, () => close(fd, () => undefined)); // G2: what it holds is still owed to stable storage
  }
}

const closeQuietly = (fd: number): void => {
  try {
    closeSync(fd);
  } catch (thrown) {
    if (errnoOf(thrown) === undefined) throw thrown; // a system error of close(2) changes nothing for us
  }
};

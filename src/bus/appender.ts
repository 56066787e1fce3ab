/**
 * Owns one file of the bus as one writer sees it: descriptor, sequence, chain, and the lines the disk refused.
 *
 * A1. A line is on disk, whole, before {@link FileAppender.append} says `written` (G2): one `write(2)`, its count checked.
 * A2. A line that was not written took no `seq`, so the chain has no hole of its own making.
 * A3. Order within the file is the order of `append`: while lines are held back, later ones queue behind them.
 * A4. After a torn write the next line starts with a line feed, so it is not glued to the torn part.
 * A5. A file that was removed or moved away under the writer is noticed within 1 ms, and the line goes to the new one.
 *     What was written in that millisecond shares the fate of all that was written before. A full segment is not gone.
 */
import { closeSync, existsSync, fstatSync, openSync, rmSync, type Stats, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { BoundedQueue, type QueueLimits } from '../failopen/bounded-queue.ts';
import { makeFolder } from '../failopen/make-folder.ts';
import { errnoOf } from '../model/error.ts';
import type { Head } from '../model/message.ts';
import type { Chain, ChainHash } from './chain.ts';
import { type BusFileName, DIR_MODE, FILE_MODE } from './layout.ts';
import { type Failing, failing, type FileOutage, type Health } from './file-outage.ts';
import { type BusRecord, lineBody, sealedLine } from './line.ts';
import { isSegment } from './segments.ts';
import { type Dirty, syncAndClose } from './stable-storage.ts';

export interface AppenderOptions {
  readonly name: BusFileName;
  readonly path: string;
  readonly writer: string;
  readonly chain: Chain;
  readonly backlog: QueueLimits;
  /** True for the alpha bus: its file is renamed to a numbered segment when it is full. */
  readonly isSegmented: boolean;
  /** Told that the file was removed or moved away under the writer, and how many lines of this writer stood in it. */
  readonly onRemoved: (name: BusFileName, lineCount: number) => void;
  /** Told that what was written could not be put on stable storage when the file was left. */
  readonly onSyncFailure: (path: string, why: string) => void;
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
  /** Of the file that was open last. */
  #lastIno: number | undefined;
  #health: Health = { kind: 'well' };
  #seq = 0;
  #previous: ChainHash;
  #mayBeTorn = false;
  #sizeBytes = 0;
  #lookedAtMs = -1;
  #isGone = false;
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

  /** The file, if something was written to it that may not be on stable storage; from now on that is the caller's. */
  takeDirty(): readonly Dirty[] {
    if (!this.#isDirty) return [];
    this.#isDirty = false;
    return [{ path: this.#options.path, fd: this.#file?.fd }];
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
    this.#leaveIfGone(); // A5
    this.#writeWhole(line.bytes);
    this.#sizeBytes += line.bytes.byteLength;
    this.#seq += 1;
    this.#previous = line.h;
    if (!this.#isGone) return;
    this.#isGone = false;
    this.#options.onRemoved(this.#options.name, this.#seq - 1);
  }

  /** Looks, at most once a millisecond, whether the path still leads to the file that is open. */
  #leaveIfGone(): void {
    const atMs = performance.now();
    if (this.#file === undefined || atMs - this.#lookedAtMs < LOOK_EVERY_MS) return;
    this.#lookedAtMs = atMs;
    const stat = tryStat(this.#options.path);
    if (stat === 'unknown') return;
    if (stat?.ino === this.#file.ino) this.#sizeBytes = stat.size;
    else this.#closeFile();
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
    if (this.#lastIno !== ino) this.#isGone ||= this.#lastIno !== undefined && !this.#isKept(this.#lastIno);
    this.#lastIno = ino;
    return this.#file;
  }

  /** Whether the bus still has that earlier file: as a full segment, or compressed. */
  #isKept(ino: number): boolean {
    const { path, isSegmented } = this.#options;
    if (this.#seq === 0) return true; // nothing of this writer stood in it
    return isSegmented ? isSegment(dirname(path), ino) : existsSync(`${path}.gz`);
  }

  #closeFile(): void {
    if (this.#file === undefined) return;
    const { fd } = this.#file;
    this.#file = undefined;
    const { path, onSyncFailure } = this.#options;
    if (this.#isDirty) syncAndClose(fd, (why) => onSyncFailure(path, why)); // G2: what it holds is still owed
    else closeQuietly(fd);
    this.#isDirty = false;
  }
}

/** What the path leads to; `undefined`: nothing. `unknown`: it cannot be looked at, and what is open may still be there. */
const tryStat = (path: string): Stats | 'unknown' | undefined => {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (thrown) {
    return errnoOf(thrown) === 'ENOTDIR' ? undefined : 'unknown';
  }
};

const closeQuietly = (fd: number): void => {
  try {
    closeSync(fd);
  } catch (thrown) {
    if (errnoOf(thrown) === undefined) throw thrown; // a system error of close(2) changes nothing for us
  }
};

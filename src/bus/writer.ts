/**
 * Owns a process's way of writing to the bus: its appenders, what is on stable storage, and the outage as a whole.
 *
 * W1. A message of both files is written to the channel first, then to the alpha bus, with the same id.
 * W2. Nothing here throws into the caller or waits for anything but the write itself (G1).
 * W3. An outage of the bus is told once, when the last file that failed is whole again, or at close (G3).
 */
import { bestEffort, bestEffortSync } from '../failopen/best-effort.ts';
import type { QueueLimits } from '../failopen/bounded-queue.ts';
import { type EntityId, randomBase32 } from '../model/id.ts';
import { type Head, isChannelOnly } from '../model/message.ts';
import { thisProcess } from '../failopen/process-identity.ts';
import { FileAppender } from './appender.ts';
import { blobPath, writeBlob } from './blob.ts';
import type { Chain } from './chain.ts';
import { addOutages, type FileOutage } from './file-outage.ts';
import { ALPHA, type BusFileName, busPath, channelName } from './layout.ts';
import type { BusRecord } from './line.ts';
import { removeRegistration, writeRegistration } from './registration.ts';
import { rollSegment } from './segments.ts';
import { StableStorage } from './stable-storage.ts';

export interface BusWriterOptions {
  /** The `_bus/` folder. */
  readonly busDir: string;
  /** The `run/` folder. */
  readonly runDir: string;
  readonly chain: Chain;
  readonly segmentBytes: number;
  /** Per file. */
  readonly backlog: QueueLimits;
  /** Told once an outage began: the file, and why (an errno code where there is one). */
  readonly onOutageStart?: (file: BusFileName, why: string) => void;
  /** Told of each file that begins to refuse lines, before any later line is written to another file. */
  readonly onFileFailing?: (file: BusFileName, why: string) => void;
  /** Told of each file that was removed or moved away while it was written to, and how many lines of this writer went with it. */
  readonly onFileRemoved?: (file: BusFileName, lineCount: number) => void;
  /** Told of each file that could not be put on stable storage, and why. */
  readonly onSyncFailure?: (path: string, why: string) => void;
  /** Told once all that failed is whole again (`over`), or the writer was closed before (`given-up`). */
  readonly onOutageEnd?: (outage: FileOutage, how: 'over' | 'given-up') => void;
}

const MAX_OPEN_FILES = 128;
const RETRY_EVERY_MS = 250;
const ROLL_BUDGET_MS = 5_000;

export class BusWriter implements Disposable {
  /** Names this process on the bus: 12 characters of base32, 60 random bits. */
  readonly id: string = randomBase32(12);
  readonly #options: BusWriterOptions;
  /** Most recently used last. */
  readonly #appenders = new Map<BusFileName, FileAppender>();
  #last: FileAppender | undefined;
  readonly #failing = new Set<FileAppender>();
  readonly #storage: StableStorage;
  #outage: FileOutage | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #registeredIno: number | null | undefined;
  #isRolling = false;

  private constructor(options: BusWriterOptions) {
    this.#options = options;
    this.#storage = new StableStorage({
      busDir: options.busDir,
      takeDirty: () => [...this.#appenders.values()].flatMap((appender) => appender.takeDirty()),
      onFailure: (path, why) => options.onSyncFailure?.(path, why),
    });
  }

  static open(options: BusWriterOptions): BusWriter {
    return new BusWriter(options);
  }

  /** Whether any file is being held back now (G9). */
  get isFailing(): boolean {
    return this.#failing.size > 0;
  }

  /** Records that wait for the disk. */
  get heldCount(): number {
    let count = 0;
    for (const appender of this.#failing) count += appender.heldCount;
    return count;
  }

  /** Records that were dropped in an outage that is not over. */
  get refusedCount(): number {
    let count = 0;
    for (const appender of this.#failing) count += appender.refusedCount;
    return count;
  }

  /**
   * Makes the channel of a new entity; `exists`: the id is taken. A bus that cannot be written says `created`:
   * the pod goes on (G1), and what it has to say is held back.
   */
  createChannel(entity: EntityId): 'created' | 'exists' {
    const appender = this.#appender(channelName(entity));
    const created = bestEffortSync('bus.create-channel', () => appender.createExclusively());
    return created === false ? 'exists' : 'created';
  }

  /** Puts a message where it belongs: a tool call into the entity's channel, all else also on the alpha bus (W1). */
  write(record: BusRecord): void {
    this.#append(channelName(record.entity), record);
    if (!isChannelOnly(record.type)) this.#append(ALPHA, record);
  }

  /** Resolves once all that was written so far is on stable storage, or could not be put there. Calls are grouped (G2). */
  sync(): Promise<void> {
    return this.#storage.sync();
  }

  /**
   * Keeps a body too long for its line, and gives its SHA-256; it is put on stable storage with the next group (G2).
   * @throws a system error (full, read-only): the caller keeps the head alone and counts it.
   */
  keepBlob(text: string): string {
    const { busDir } = this.#options;
    const sha256 = writeBlob(busDir, text);
    this.#storage.oweBlob(blobPath(busDir, sha256));
    return sha256;
  }

  /** How often a file could not be put on stable storage: a power cut may lose what was written to it before (G3). */
  get syncFailureCount(): number {
    return this.#storage.failedCount;
  }

  /** The heads of this writer in all its files. */
  heads(): readonly Head[] {
    return [...this.#appenders.values()].flatMap((appender) => appender.head ?? []);
  }

  /** Writes what is held back, if the disk takes it now, and closes all files. What remains is told as dropped. */
  [Symbol.dispose](): void {
    this.retryNow();
    clearInterval(this.#retryTimer);
    for (const appender of this.#appenders.values()) {
      const outage = appender.close();
      if (outage !== undefined) this.#outage = addOutages(this.#outage, outage);
    }
    this.#failing.clear();
    this.#tellOutageEnd('given-up');
    bestEffortSync('bus.unregister', () => removeRegistration(this.#options.runDir, this.id));
  }

  /** Tries now to write all that is held back, whatever the time of the last try. */
  retryNow(): void {
    this.#retry(true);
  }

  #append(name: BusFileName, record: BusRecord): void {
    const appender = this.#appender(name);
    const wasFailing = appender.isFailing;
    appender.append(record);
    if (appender.isFailing || wasFailing) this.#followOutage(appender);
    if (name === ALPHA) this.#afterAlpha(appender);
  }

  #appender(name: BusFileName): FileAppender {
    const last = this.#last;
    if (last?.name === name && last.fd !== undefined) return last; // as nearly each tool call finds it
    let appender = this.#appenders.get(name);
    if (appender === undefined) {
      const { busDir, chain, backlog } = this.#options;
      const path = busPath(busDir, name);
      appender = new FileAppender({
        name,
        path,
        writer: this.id,
        chain,
        backlog,
        isSegmented: name === ALPHA,
        onRemoved: (file, lineCount) => this.#options.onFileRemoved?.(file, lineCount),
        onSyncFailure: (failed, why) => this.#storage.onFailure(failed, why),
      });
    } else {
      this.#appenders.delete(name);
    }
    if (appender.fd === undefined && this.#appenders.size >= MAX_OPEN_FILES) this.#releaseIdle();
    this.#appenders.set(name, appender);
    this.#last = appender;
    return appender;
  }

  #releaseIdle(): void {
    let open = 0;
    for (const appender of [...this.#appenders.values()].toReversed()) {
      if (appender.fd === undefined) continue;
      open += 1;
      if (open >= MAX_OPEN_FILES) appender.release();
    }
  }

  #followOutage(appender: FileAppender): void {
    const outage = appender.takeOutage();
    if (outage !== undefined) {
      this.#outage = addOutages(this.#outage, outage);
      this.#failing.delete(appender);
      if (this.#failing.size === 0) this.#tellOutageEnd('over');
      return;
    }
    this.#retryTimer ??= setInterval(() => this.#retry(false), RETRY_EVERY_MS).unref();
    if (this.#failing.has(appender)) return;
    const isFirst = this.#failing.size === 0;
    this.#failing.add(appender); // before anybody is told: who is told may write
    if (isFirst) this.#options.onOutageStart?.(appender.name, appender.cause);
    this.#options.onFileFailing?.(appender.name, appender.cause);
  }

  #retry(now: boolean): void {
    for (const appender of Array.from(this.#failing)) {
      // a copy: those that are well again leave the set
      appender.retry(now);
      this.#followOutage(appender);
    }
    if (this.#failing.size > 0) return;
    clearInterval(this.#retryTimer);
    this.#retryTimer = undefined;
  }

  #tellOutageEnd(how: 'over' | 'given-up'): void {
    const outage = this.#outage;
    this.#outage = undefined;
    if (outage !== undefined) this.#options.onOutageEnd?.(outage, how); // W3
  }

  #afterAlpha(alpha: FileAppender): void {
    if (alpha.ino !== undefined && alpha.ino !== this.#registeredIno) this.#register(alpha.ino);
    if (alpha.sizeBytes < this.#options.segmentBytes || this.#isRolling) return;
    this.#isRolling = true;
    const { busDir, segmentBytes } = this.#options;
    const roll = bestEffort('bus.roll-segment', { withinMs: ROLL_BUDGET_MS }, () => rollSegment(busDir, segmentBytes));
    roll.then(
      () => {
        this.#isRolling = false;
      },
      () => undefined, // bestEffort never rejects
    );
  }

  #register(ino: number): void {
    this.#registeredIno = ino;
    const { host, bootId, pid, pidNamespace, startTicks } = thisProcess();
    const process = { host, boot_id: bootId, pid, pid_ns: pidNamespace, start_ticks: startTicks };
    const registration = { writer: this.id, ...process, alpha_ino: ino };
    bestEffortSync('bus.register', () => writeRegistration(this.#options.runDir, registration));
  }
}

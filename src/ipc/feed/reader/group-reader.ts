/**
 * Owns the reading of a group's entries, for as long as nobody stops it (G1, G4).
 *
 * R1. In the order of the feed, one at a time, and never more than one batch in memory: while a handler works nothing is read.
 * R2. After whatever went wrong, what this consumer had taken comes first, then what is new: nothing is passed over.
 * R3. What it holds it renews; what it cannot be sure of it does not hand on (P1).
 * R4. Nothing is thrown out of the loop; after the signal it is over within a second.
 */
import { bestEffortSync } from '../../../failopen/best-effort.ts';
import { errorMessage } from '../../../model/error.ts';
import { createKeys } from '../../../redis/keys.ts';
import { type Link, openReader } from '../../../redis/link.ts';
import { READ_BLOCK_MS } from '../../../redis/link-options.ts';
import { EntryGiver } from './entry-giver.ts';
import {
  type FeedReader,
  type FeedReaderOptions,
  groupName,
  type ReaderCounts,
  type ReaderStatus,
} from './feed-reader.ts';
import { type Asked, type Failure, type FeedEntry, GroupSide, type PendingEntry } from './group-side.ts';
import { StopWatch } from './stop-watch.ts';

const BATCH_COUNT = 100;
/** Where a batch was handled at once: while much is there a round trip is what costs. */
const LARGE_BATCH_COUNT = 500;
const QUICK_MS = 50;
const MIN_IDLE_MS = 30_000;
/** More are not held at a time: reading waits until some are acknowledged (G6). */
const MAX_HELD = 1_000;
const HELD_LOOK_MS = 50;
/** While any are held: what is sent meanwhile, such as their acknowledgement, waits behind the blocking command. */
const HELD_BLOCK_MS = 200;
const LOOK_AGAIN_MS = 1_000;
const FIRST_PAUSE_MS = 200;
/** At the end. */
const LAST_ACK_MS = 200;

/** Why a round ended: something failed, or (`unsure`) it has to look again what is its own. */
type Halt = Failure | { readonly kind: 'unsure' };

const isSameStatus = (a: ReaderStatus, b: ReaderStatus): boolean =>
  a.kind === b.kind && (a.kind !== 'reading' || (b.kind === 'reading' && a.isCaughtUp === b.isCaughtUp));

class GroupReader implements FeedReader {
  readonly #options: FeedReaderOptions;
  readonly #minIdleMs: number;
  readonly #stop: StopWatch;
  readonly #giver: EntryGiver;
  readonly ended: Promise<void>;
  #status: ReaderStatus = { kind: 'connecting' };
  #tookOverAtMs = -Infinity;
  #batchCount = BATCH_COUNT;

  constructor(options: FeedReaderOptions) {
    this.#options = options;
    this.#minIdleMs = options.minIdleMs ?? MIN_IDLE_MS;
    this.#stop = new StopWatch(options.signal);
    this.#giver = new EntryGiver(options, this.#minIdleMs, this.#stop);
    this.ended = this.#run();
  }

  get status(): ReaderStatus {
    return this.#status;
  }

  get counts(): ReaderCounts {
    return this.#giver.counts;
  }

  acknowledge(eventId: string): void {
    this.#giver.acknowledge(eventId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.now();
    await this.ended;
  }

  async #run(): Promise<void> {
    const renewal = setInterval(() => void this.#renew(), this.#minIdleMs / 4);
    while (!this.#stop.isStopped) {
      try {
        await using link = await openReader(this.#options.target);
        await this.#serve(link);
      } catch (thrown) {
        this.#away(errorMessage(thrown)); // a certificate that cannot be read any more
        await this.#stop.pause(LOOK_AGAIN_MS);
      }
    }
    clearInterval(renewal);
    this.#giver[Symbol.dispose]();
    this.#stop[Symbol.dispose]();
    this.#set({ kind: 'stopped' });
  }

  async #serve(link: Link): Promise<void> {
    const { target, group, consumer } = this.#options;
    const side = new GroupSide(link, createKeys(target.prefix), groupName(group), consumer);
    this.#giver.side = side;
    for (let failedCount = 0; !this.#stop.isStopped;) {
      if (link.status.kind !== 'ready') {
        if (link.status.kind === 'down') this.#away(link.status.why);
        await link.untilReady(LOOK_AGAIN_MS, this.#stop.signal);
        continue;
      }
      const halt = await Promise.race([this.#readUntilHalt(side), this.#stop.overdue]); // R4
      this.#giver.own.dropRest();
      if (halt === undefined || this.#stop.isStopped) break;
      failedCount = halt.kind === 'away' && this.#status.kind === 'away' ? failedCount + 1 : 0;
      if (halt.kind === 'away') this.#away(halt.why);
      if (halt.kind !== 'unsure') await this.#stop.pause(Math.min(FIRST_PAUSE_MS * 2 ** failedCount, LOOK_AGAIN_MS));
    }
    this.#giver.side = undefined;
    const done = this.#giver.takeDone();
    if (done.length > 0) await side.acknowledge(done, undefined, LAST_ACK_MS);
  }

  /** R2 */
  async #readUntilHalt(side: GroupSide): Promise<Halt> {
    const made = await side.makeGroup(this.#stop.signal);
    if (!made.ok) return made.failure;
    this.#giver.seen.refresh();
    this.#giver.isAckLost = true;
    for (let isCaughtUp = false; !this.#stop.isStopped;) {
      const halt = (await this.#takeOver(side)) ?? (this.#giver.isAckLost ? await this.#readPending(side) : undefined);
      if (halt !== undefined) return halt;
      while (this.#giver.own.heldCount >= MAX_HELD && !this.#stop.isStopped) await this.#stop.pause(HELD_LOOK_MS);
      const read = await this.#readNew(side, isCaughtUp);
      if (!read.ok) return read.failure;
      isCaughtUp = read.value;
      if (!this.#stop.isStopped) this.#set({ kind: 'reading', isCaughtUp });
    }
    return { kind: 'unsure' };
  }

  /** A batch, handed on; whether there is no more. Who has caught up waits for the next. */
  async #readNew(
    side: GroupSide,
    isCaughtUp: boolean,
  ): Promise<{ readonly ok: true; readonly value: boolean } | { readonly ok: false; readonly failure: Halt }> {
    const longestMs = this.#giver.own.heldCount > 0 ? HELD_BLOCK_MS : READ_BLOCK_MS;
    const blockMs = isCaughtUp ? Math.min(longestMs, Math.ceil(this.#minIdleMs / 4)) : undefined;
    const untilMs = performance.now() + (blockMs ?? 0);
    const count = this.#batchCount;
    const wish = { count, blockMs, done: this.#giver.takeDone() };
    const asked = await side.readNew(wish, this.#stop.signal);
    if (!asked.ok) return asked;
    if (this.#status.kind !== 'reading') this.#set({ kind: 'reading', isCaughtUp: false });
    const gotAtMs = performance.now();
    const failure = await this.#giveBatch(side, asked.value, Math.min(untilMs, gotAtMs));
    const isFull = asked.value.length === count;
    this.#batchCount = isFull && performance.now() - gotAtMs < QUICK_MS ? LARGE_BATCH_COUNT : BATCH_COUNT;
    return failure === undefined ? { ok: true, value: !isFull } : { ok: false, failure };
  }

  async #giveBatch(side: GroupSide, batch: readonly FeedEntry[], atMs: number): Promise<Halt | undefined> {
    const { own } = this.#giver;
    own.take(
      batch.map(({ entry }) => entry),
      atMs,
    );
    for (const entry of batch) {
      if (this.#stop.isStopped) return undefined;
      if (!side.isReady || !own.isSure(entry.entry)) return { kind: 'unsure' }; // R3
      const halt = await this.#giver.give(side, entry, 1);
      if (halt !== undefined) return halt;
    }
    return undefined;
  }

  /** What is its own from before, in order. */
  async #readPending(side: GroupSide): Promise<Halt | undefined> {
    const { own } = this.#giver;
    this.#giver.isAckLost = false;
    for (let after: string | undefined; !this.#stop.isStopped;) {
      const page = await side.pending({ after, count: BATCH_COUNT, done: this.#giver.takeDone() }, this.#stop.signal);
      if (!page.ok) return page.failure;
      after = page.value.at(-1)?.entry;
      const fresh = page.value.filter(({ entry }) => !own.isOwn(entry)); // the others are held
      const renewed = await this.#claim(side, fresh);
      if (!renewed.ok) return renewed.failure;
      for (const pending of fresh) {
        const halt = this.#stop.isStopped ? undefined : await this.#givePending(side, pending);
        if (halt !== undefined) return halt;
      }
      if (page.value.length < BATCH_COUNT) return undefined;
    }
    return undefined;
  }

  async #givePending(side: GroupSide, { entry, deliveries }: PendingEntry): Promise<Halt | undefined> {
    if (!side.isReady || !this.#giver.own.isSure(entry)) return { kind: 'unsure' }; // R3
    const taken = await side.take(entry, this.#stop.signal);
    if (!taken.ok) return taken.failure;
    return taken.value === undefined ? this.#giver.trimmed(entry) : this.#giver.give(side, taken.value, deliveries + 1);
  }

  /** From now on nobody takes them over. */
  async #claim(side: GroupSide, pending: readonly PendingEntry[]): Promise<Asked<unknown>> {
    if (pending.length === 0) return { ok: true, value: undefined };
    const entries = pending.map(({ entry }) => entry);
    const askedAtMs = performance.now();
    const renewed = await side.renew(entries, this.#stop.signal);
    if (renewed.ok) this.#giver.own.take(entries, askedAtMs);
    return renewed;
  }

  /** What others left, each half of the time after which it may be taken. */
  async #takeOver(side: GroupSide): Promise<Halt | undefined> {
    if (performance.now() - this.#tookOverAtMs < this.#minIdleMs / 2) return undefined;
    const { counts, seen } = this.#giver;
    for (let cursor = '0-0'; !this.#stop.isStopped;) {
      const taken = await side.takeOver(this.#minIdleMs, cursor, BATCH_COUNT, this.#stop.signal);
      if (!taken.ok) return taken.failure;
      counts.takenOverCount += taken.value.count;
      counts.trimmedCount += taken.value.trimmedCount;
      if (taken.value.count > 0) {
        seen.refresh();
        const halt = await this.#readPending(side); // R1
        if (halt !== undefined) return halt;
      }
      ({ cursor } = taken.value);
      if (cursor === '0-0') break;
    }
    this.#tookOverAtMs = performance.now();
    return undefined;
  }

  /** R3 */
  async #renew(): Promise<void> {
    const { own, side } = this.#giver;
    const entries = own.toRenew();
    if (entries.length === 0 || side === undefined) return;
    const askedAtMs = performance.now();
    const renewed = await side.renew(entries, this.#stop.signal);
    if (!renewed.ok) return;
    own.take(
      entries.filter((entry) => own.isOwn(entry)),
      askedAtMs,
    );
  }

  #away(why: string): void {
    const { status } = this;
    this.#set({ kind: 'away', sinceAtMs: status.kind === 'away' ? status.sinceAtMs : Date.now(), why });
  }

  #set(next: ReaderStatus): void {
    const before = this.#status;
    this.#status = next;
    if (!isSameStatus(before, next)) bestEffortSync('feed.status', () => this.#options.onStatus?.(next));
  }
}

/** Begins at once, whether Redis is there or not; {@link FeedReader.status} tells how it stands. */
export const startFeedReader = (options: FeedReaderOptions): FeedReader => new GroupReader(options);

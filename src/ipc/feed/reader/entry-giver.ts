/**
 * Owns what becomes of an entry: handed on, passed over, tried again, or buried in `nika:feed:dead`; and its
 * acknowledgement.
 *
 * E1. What is done is noted, and then acknowledged; both within the same turn of the event loop. So it is given again only
 *     where the process is killed before that.
 * E2. A delivery is counted when an entry is handed on, not when it is read: the rest of a batch does not suffer for one
 *     that kills its reader.
 */
import { bestEffortSync } from '../../../failopen/best-effort.ts';
import { type FeedChange, isSignificantChange, parseFeedChange } from '../feed-change.ts';
import type { FeedReaderOptions } from './feed-reader.ts';
import type { Failure, FeedEntry, GroupSide } from './group-side.ts';
import { type HandOutcome, tryHand } from './handing.ts';
import { Possession } from './possession.ts';
import { SeenIds } from './seen-ids.ts';
import type { StopWatch } from './stop-watch.ts';

const DELIVERIES = 5;
const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5_000;
const ERROR_CHARS = 500;
const RESERVED: readonly string[] = ['group', 'entry', 'consumer', 'deliveries', 'error'];

export class EntryGiver implements Disposable {
  readonly #options: FeedReaderOptions;
  readonly #deliveries: number;
  readonly #stop: StopWatch;
  readonly seen: SeenIds;
  readonly own: Possession;
  readonly counts = {
    handledCount: 0,
    repeatedCount: 0,
    failedCount: 0,
    deadCount: 0,
    takenOverCount: 0,
    trimmedCount: 0,
    unreadableCount: 0,
  };
  /** What Redis is told through now; `undefined`: it cannot be told. */
  side: GroupSide | undefined;
  /** Whether an acknowledgement did not arrive. */
  isAckLost = false;
  #done: string[] = [];
  #isClosed = false;
  #isFlushDue = false;
  /** What is handed on now, and whether it was acknowledged before its handler said that it is held. */
  #current = { eventId: '', isAcknowledged: false };

  constructor(options: FeedReaderOptions, minIdleMs: number, stop: StopWatch) {
    this.#options = options;
    this.#deliveries = options.deliveries ?? DELIVERIES;
    this.#stop = stop;
    this.seen = new SeenIds(options.seenFile);
    this.own = new Possession(minIdleMs);
  }

  /** `delivery`: which one this is. Gives why it could not be brought to its end. */
  async give(side: GroupSide, { entry, fields }: FeedEntry, delivery: number): Promise<Failure | undefined> {
    const change = this.#wanted(entry, fields);
    if (change === undefined) return undefined;
    let why = 'whoever read it ended while it was handled';
    for (let nth = delivery; nth <= this.#deliveries; nth += 1) {
      this.#current = { eventId: change.id, isAcknowledged: false };
      const outcome = await this.#hand(change);
      if (outcome.kind !== 'failed') {
        this.#settle(change.id, entry, outcome.kind);
        return undefined;
      }
      ({ why } = outcome);
      this.counts.failedCount += 1;
      if (nth === this.#deliveries) break;
      await this.#stop.pause(Math.min(FIRST_PAUSE_MS * 2 ** (nth - 1), MAX_PAUSE_MS));
      if (this.#stop.isStopped) return undefined;
      const again = await side.take(entry, this.#stop.signal); // E2
      if (!again.ok) return again.failure;
      if (again.value === undefined) return this.trimmed(entry);
    }
    return this.#bury(side, { entry, fields }, change, why);
  }

  /** One that was held is done. */
  acknowledge(eventId: string): void {
    if (this.#current.eventId === eventId) this.#current.isAcknowledged = true;
    const entries = this.own.release(eventId);
    if (entries === undefined) return;
    this.seen.add(eventId);
    this.counts.handledCount += 1;
    for (const entry of entries) this.#markDone(entry);
  }

  /** It was taken, and is gone from the stream. */
  trimmed(entry: string): undefined {
    this.counts.trimmedCount += 1;
    this.#markDone(entry);
  }

  /** What is to be acknowledged; it is noted by now (E1). */
  takeDone(): readonly string[] {
    this.seen.flush();
    const done = this.#done;
    this.#done = [];
    return done;
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.seen[Symbol.dispose]();
  }

  /** A handler that comes to its end after its reader did changes nothing any more. */
  async #hand(change: FeedChange): Promise<HandOutcome> {
    const outcome = await tryHand(this.#options.handle, change, this.#stop.signal);
    return this.#isClosed ? { kind: 'stopped' } : outcome;
  }

  #settle(eventId: string, entry: string, how: 'done' | 'held' | 'stopped'): void {
    const isDone = how === 'done' || (how === 'held' && this.#current.isAcknowledged);
    if (how === 'held' && !isDone) this.own.hold(eventId, entry);
    if (!isDone) return;
    this.counts.handledCount += 1;
    this.seen.add(eventId);
    this.#markDone(entry);
  }

  /** `undefined`: it is passed over. */
  #wanted(entry: string, fields: Readonly<Record<string, string>>): FeedChange | undefined {
    const change = parseFeedChange(fields);
    if (change !== undefined && this.own.isHeld(change.id)) {
      this.own.hold(change.id, entry);
      return undefined;
    }
    const isSeen = change !== undefined && this.seen.has(change.id);
    const isAsked = this.#options.only !== 'significant' || (change !== undefined && isSignificantChange(change));
    if (change !== undefined && !isSeen && isAsked) return change;
    if (isSeen) this.counts.repeatedCount += 1;
    if (change === undefined) this.counts.unreadableCount += 1;
    this.#markDone(entry);
    return undefined;
  }

  async #bury(
    side: GroupSide,
    { entry, fields }: FeedEntry,
    change: FeedChange,
    why: string,
  ): Promise<Failure | undefined> {
    const { consumer, onDead } = this.#options;
    const own = Object.entries(fields).filter(([name]) => !RESERVED.includes(name));
    const story = { consumer, deliveries: String(this.#deliveries), error: why.slice(0, ERROR_CHARS) };
    const dead = { entry, fields: { ...story, ...Object.fromEntries(own) } };
    const added = await side.addDead(dead, this.#stop.signal);
    if (!added.ok) return added.failure;
    this.counts.deadCount += 1;
    this.#markDone(entry);
    bestEffortSync('feed.dead', () => onDead?.(change, why));
    return undefined;
  }

  /** E1 */
  #markDone(entry: string): void {
    this.own.done(entry);
    this.#done.push(entry);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(() => void this.#flush());
  }

  async #flush(): Promise<void> {
    this.#isFlushDue = false;
    if (this.#done.length === 0 || this.side === undefined) return;
    const acknowledged = await this.side.acknowledge(this.takeDone());
    if (!acknowledged.ok) this.isAckLost = true;
  }
}

/**
 * Owns how a session's transitions and conditions get onto the feed: in their order, once each as a consumer sees them.
 *
 * F1. The queue is bounded; what it cannot hold, and what Redis lost of what it had, comes from the bus, which has it all.
 * F2. Nothing is sent before it is on stable storage, where it is significant, or the disk had its time for that (G2).
 * F3. What was sent and not answered is looked for by the script before it is written again.
 */
import { type BatchSource, type BatchKind, type Part, partOf } from '../../redis/batch-writer.ts';
import type { CallOutcome } from '../../redis/call-outcome.ts';
import type { Keys } from '../../redis/keys.ts';
import { type FeedEvent, publish, type PublishAnswer } from '../../redis/scripts/publish.lua.ts';

export interface FeedPublisherOptions {
  readonly keys: Keys;
  /**
   * What this session has put on the bus for the feed and is not a day old, in its order. `sinceId`: nothing with a
   * lesser id.
   */
  readonly readBack: (sinceId: string | undefined, signal: AbortSignal) => AsyncIterable<FeedEvent>;
  /** Resolves once what was recorded so far is on stable storage, or could not be put there in time. Never rejects. */
  readonly settle: () => Promise<void>;
}

/** Events that wait in memory; each is at most 2 kB on the wire. */
const QUEUE_COUNT = 4_000;
const EVENTS_PER_BATCH = 200;

/** Events come from the bus: first those, then what waits in the queue and did not come by there. */
interface ReadBack {
  readonly events: AsyncIterator<FeedEvent>;
  readonly end: AbortController;
  /** Everything: any of it may be on the feed still. */
  readonly isAll: boolean;
}

export class FeedPublisher implements BatchSource {
  readonly #options: FeedPublisherOptions;
  /** By their ids, in order. */
  #queue = new Map<string, FeedEvent>();
  /** Under way, or to be sent again. */
  #sent: FeedEvent[] = [];
  #isAgain = false;
  /** The entry of the feed after which the next one of this session comes. */
  #afterId: string | undefined;
  #readBack: ReadBack | undefined;
  /** The first event that the queue could not hold; it and all after it come from the bus (F1). */
  #missingFrom: string | undefined;
  #unqueuedCount = 0;
  #isAllDue = false;
  #offeredCount = 0;
  #publishedCount = 0;
  /** Ids rise within a session: up to here all is counted. */
  #countedId = '';
  #hasSignificant = false;

  constructor(options: FeedPublisherOptions) {
    this.#options = options;
  }

  get offeredCount(): number {
    return this.#offeredCount;
  }

  get waitingCount(): number {
    const isReadingBack = this.#isAllDue || this.#readBack !== undefined;
    return this.#sent.length + this.#queue.size + this.#unqueuedCount + (isReadingBack ? 1 : 0);
  }

  /** Events that are on the feed, each counted once, however often Redis lost it. */
  get publishedCount(): number {
    return this.#publishedCount;
  }

  /** `isSignificant`: it must be on stable storage before anybody is told (F2). */
  offer(event: FeedEvent, isSignificant: boolean): void {
    this.#offeredCount += 1;
    this.#hasSignificant ||= isSignificant;
    if (this.#missingFrom === undefined && this.#queue.size < QUEUE_COUNT) this.#queue.set(event.id, event);
    else {
      this.#missingFrom ??= event.id; // F1
      this.#unqueuedCount += 1;
    }
  }

  async nextParts(kind: BatchKind, signal: AbortSignal): Promise<readonly Part[]> {
    if (this.#sent.length === 0) await this.#fill(signal);
    if (signal.aborted) return [];
    if (this.#sent.length === 0 && (kind === 'due' || this.#afterId === undefined)) return [];
    if (this.#hasSignificant && this.#sent.length > 0) {
      this.#hasSignificant = false;
      await this.#options.settle(); // F2
    }
    const { keys } = this.#options;
    const [afterId, isAgain] = [this.#afterId, this.#isAgain];
    const call = publish({ key: keys.feed, events: this.#sent, afterId, isAgain });
    return [partOf(call, (outcome) => this.#settle(outcome), this.#sent.length)];
  }

  #settle(outcome: CallOutcome<PublishAnswer>): void {
    if (outcome.kind !== 'done') {
      // F3; a script that was refused in its middle has written what came before
      if (outcome.kind !== 'unsent') this.#isAgain = this.#sent.length > 0;
      return;
    }
    if (outcome.value.kind === 'lost') return this.#beginAnew();
    if (outcome.value.lastId !== '') this.#afterId = outcome.value.lastId;
    for (const { id } of this.#sent) {
      if (id <= this.#countedId) continue;
      this.#publishedCount += 1;
      this.#countedId = id;
    }
    this.#sent = [];
    this.#isAgain = false;
  }

  /** F1: Redis lost its data, or the newest of them. */
  #beginAnew(): void {
    this.#afterId = undefined;
    this.#readBack?.end.abort();
    this.#readBack = undefined;
    // Those come by on the bus again; what cannot be there (a full disk) comes after.
    this.#queue = new Map([...this.#sent.map((event) => [event.id, event] as const), ...this.#queue]);
    this.#sent = [];
    this.#isAgain = false;
    this.#isAllDue = true;
  }

  async #fill(signal: AbortSignal): Promise<void> {
    if (this.#isAllDue) this.#startReadBack(true);
    if (this.#readBack === undefined && this.#queue.size === 0 && this.#missingFrom !== undefined)
      this.#startReadBack(false);
    if (this.#readBack !== undefined) await this.#fillFromBus(this.#readBack, signal);
    if (this.#readBack !== undefined) return;
    for (const [id, event] of this.#queue) {
      if (this.#sent.length >= EVENTS_PER_BATCH) break;
      this.#queue.delete(id);
      this.#sent.push(event);
    }
  }

  async #fillFromBus({ events, isAll }: ReadBack, signal: AbortSignal): Promise<void> {
    if (isAll) this.#isAgain = true; // some of it may be there still (F3)
    while (this.#sent.length < EVENTS_PER_BATCH && !signal.aborted) {
      const next = await events.next();
      if (next.done === true) {
        this.#readBack = undefined;
        if (this.#missingFrom === undefined) this.#unqueuedCount = 0;
        return;
      }
      if (!isAll && next.value.id <= this.#countedId) continue;
      this.#queue.delete(next.value.id);
      this.#sent.push(next.value);
    }
  }

  /** From now on new events go into the queue again, also those that come by on the bus. */
  #startReadBack(isAll: boolean): void {
    // What was read before is published: a second reading begins after it.
    const from = this.#missingFrom ?? '';
    const sinceId = isAll ? undefined : from > this.#countedId ? from : this.#countedId;
    this.#isAllDue = false;
    this.#missingFrom = undefined;
    this.#hasSignificant = true;
    const end = new AbortController();
    const events = this.#options.readBack(sinceId, end.signal)[Symbol.asyncIterator]();
    this.#readBack = { events, end, isAll };
  }
}

/**
 * Owns how a session's transitions and conditions get onto the feed: in their order, once each as a consumer sees them.
 *
 * F1. The queue is bounded; what it cannot hold, and what Redis lost of what it had, comes from the bus, which has it all.
 * F2. Nothing is sent before it is on stable storage, where it is significant, or the disk had its time for that (G2).
 * F3. What was sent and not answered is looked for by the script before it is written again.
 * F4. A reading of the bus that fails is tried again; one that takes its time holds up nothing but the feed. What the bus
 *     itself held back meanwhile is read once the bus is whole.
 */
import type { SessionId } from '../../model/id.ts';
import { type BatchSource, type BatchKind, type Part, partOf } from '../../redis/batch-writer.ts';
import type { CallOutcome } from '../../redis/call-outcome.ts';
import type { Keys } from '../../redis/keys.ts';
import { type FeedEvent, publish, type PublishAnswer } from '../../redis/scripts/publish.lua.ts';

export interface FeedPublisherOptions {
  readonly keys: Keys;
  readonly session: SessionId;
  /**
   * What this session has put on the bus for the feed and is not a day old, in its order; before it, what earlier ones
   * said of its entity. `sinceId`: nothing with a lesser id.
   */
  readonly readBack: (sinceId: string | undefined, signal: AbortSignal) => AsyncIterable<FeedEvent>;
  /** Resolves once what was recorded so far is on stable storage, or could not be put there in time. Never rejects. */
  readonly settle: () => Promise<void>;
  /** Whether all that was recorded so far stands on the bus: a full disk holds lines back. */
  readonly isBusWhole: () => boolean;
}

/** Events that wait in memory; each is at most 2 kB on the wire. */
const QUEUE_COUNT = 4_000;
const EVENTS_PER_BATCH = 200;
/** A batch waits so long for events of the bus; what else it has to tell must not wait for a long bus (F4). */
const READ_BACK_MS = 250;
/** Longer than the disk has for it: only the end of the session comes sooner. */
const SETTLE_MS = 2_000;
/** So long a bus that cannot be read is left alone. */
const READ_AGAIN_MS = 500;

/** What has to come from the bus. `all`: any of it may be on the feed still. `rest`: what the queue could not hold. */
type BackKind = 'all' | 'rest';

/** Events come from the bus: first those, then what waits in the queue and did not come by there. */
interface ReadBack {
  readonly kind: BackKind;
  readonly events: AsyncIterator<FeedEvent>;
  readonly end: AbortController;
  /** The first event that the queue could not hold. */
  readonly from: string | undefined;
  /** Asked for, and not there yet. */
  next: Promise<IteratorResult<FeedEvent>> | undefined;
}

/** Resolves after so long, or once it is given up; holds no process. */
const startPause = (ms: number, signal: AbortSignal): { readonly over: Promise<'over'>; stop(): void } => {
  const { promise: over, resolve } = Promise.withResolvers<'over'>();
  const onEnd = (): void => resolve('over');
  const timer = setTimeout(onEnd, ms).unref();
  signal.addEventListener('abort', onEnd, { once: true });
  if (signal.aborted) onEnd();
  const stop = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onEnd);
  };
  return { over, stop };
};

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
  /** What is to be read next, before anything else is sent. */
  #due: BackKind | undefined;
  /** All was read while the bus held lines back: it is read again once the bus is whole (F4). */
  #owesAll = false;
  #readAgainAtMs = 0;
  /** The first event that the queue could not hold; it and all after it come from the bus (F1). */
  #missingFrom: string | undefined;
  #unqueuedCount = 0;
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
    const isReadingBack = this.#due !== undefined || this.#readBack !== undefined;
    return this.#sent.length + this.#queue.size + this.#unqueuedCount + (isReadingBack ? 1 : 0);
  }

  /** Events of this session that are on the feed, each counted once, however often Redis lost it. */
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
    if (signal.aborted) return []; // what was taken to be sent goes with the next batch
    if (this.#sent.length === 0 && (kind === 'due' || this.#afterId === undefined)) return [];
    if (this.#hasSignificant && this.#sent.length > 0) {
      this.#hasSignificant = false;
      const pause = startPause(SETTLE_MS, signal);
      await Promise.race([this.#options.settle(), pause.over]); // F2
      pause.stop();
      if (signal.aborted) return [];
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
    for (const { id, fields } of this.#sent) {
      if (id <= this.#countedId || fields['session_id'] !== this.#options.session) continue;
      this.#publishedCount += 1;
      this.#countedId = id;
    }
    this.#sent = [];
    this.#isAgain = false;
  }

  /** What earlier sessions said of its entity may not be there: it begins with that. */
  resume(): void {
    this.#due ??= 'all';
  }

  /** Nothing is read for it any more. */
  close(): void {
    this.#endReadBack();
  }

  /** F1: Redis lost its data, or the newest of them. */
  #beginAnew(): void {
    this.#endReadBack();
    // Those come by on the bus again; what cannot be there (a full disk) comes after.
    this.#queue = new Map([...this.#sent.map((event) => [event.id, event] as const), ...this.#queue]);
    this.#sent = [];
    this.#isAgain = false;
    this.#due = 'all';
  }

  async #fill(signal: AbortSignal): Promise<void> {
    const isBusWhole = this.#options.isBusWhole();
    if (this.#readBack === undefined && isBusWhole) {
      if (this.#owesAll) this.#due = 'all';
      if (this.#queue.size === 0 && this.#missingFrom !== undefined) this.#due ??= 'rest';
    }
    if (this.#due !== undefined) {
      if (performance.now() < this.#readAgainAtMs) return; // what comes after it waits: the order stays
      this.#startReadBack(this.#due);
      this.#owesAll = !isBusWhole && this.#readBack?.kind === 'all';
    }
    if (this.#readBack !== undefined) await this.#fillFromBus(this.#readBack, signal);
    if (this.#readBack !== undefined || this.#due !== undefined) return;
    for (const [id, event] of this.#queue) {
      if (this.#sent.length >= EVENTS_PER_BATCH) break;
      this.#queue.delete(id);
      this.#sent.push(event);
    }
  }

  async #fillFromBus(readBack: ReadBack, signal: AbortSignal): Promise<void> {
    const isAll = readBack.kind === 'all';
    if (isAll) this.#isAgain = true; // some of it may be there still (F3)
    const pause = startPause(READ_BACK_MS, signal);
    try {
      while (this.#sent.length < EVENTS_PER_BATCH) {
        readBack.next ??= readBack.events.next();
        const next = await Promise.race([readBack.next, pause.over]);
        if (next === 'over' || this.#readBack !== readBack) return; // it comes with a later batch, or was given up
        readBack.next = undefined;
        if (next.done === true) {
          this.#readBack = undefined;
          if (this.#missingFrom === undefined) this.#unqueuedCount = 0;
          return;
        }
        if (!isAll && next.value.id <= this.#countedId) continue;
        this.#queue.delete(next.value.id);
        this.#sent.push(next.value);
      }
    } catch (thrown) {
      if (this.#readBack === readBack) this.#readAgain(readBack);
      throw thrown;
    } finally {
      pause.stop();
    }
  }

  /** From now on new events go into the queue again, also those that come by on the bus. */
  #startReadBack(kind: BackKind): void {
    // What was read before is published: a second reading begins after it.
    const from = this.#missingFrom;
    const sinceId = from === undefined || from < this.#countedId ? this.#countedId : from;
    if (kind === 'all') this.#afterId = undefined; // its first events stand before any that were sent
    this.#due = undefined;
    this.#missingFrom = undefined;
    this.#hasSignificant = true;
    const end = new AbortController();
    const events = this.#options.readBack(kind === 'all' ? undefined : sinceId, end.signal);
    this.#readBack = { kind, events: events[Symbol.asyncIterator](), end, from, next: undefined };
  }

  /** F4 */
  #readAgain({ kind, from }: ReadBack): void {
    this.#endReadBack();
    this.#due = kind;
    this.#missingFrom = from ?? this.#missingFrom;
    this.#readAgainAtMs = performance.now() + READ_AGAIN_MS;
  }

  #endReadBack(): void {
    const readBack = this.#readBack;
    this.#readBack = undefined;
    if (readBack === undefined) return;
    readBack.end.abort();
    const ended = readBack.events.return?.(); // else its file stays open
    ended?.then(
      () => undefined,
      () => undefined, // it was given up
    );
  }
}

/**
 * Owns the way of a sender's signals into Redis: in their order, each once, also over an outage and a loss of its data.
 *
 * X1. `send` resolves once Redis took the signal, or as soon as it is known that it does not now; then it is held (G1).
 * X2. One batch is under way at a time, so that what is tried again never comes behind what was sent later.
 * X3. What is held is bounded; what finds no room is refused and counted (G3, G6).
 * X4. No timer of it holds the process.
 */
import { Breaker } from '../../failopen/breaker.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { BoundedQueue } from '../../failopen/bounded-queue.ts';
import type { EntityId } from '../../model/id.ts';
import type { Keys } from '../../redis/keys.ts';
import type { Link } from '../../redis/link.ts';
import { addSignals } from '../../redis/scripts/add-signals.lua.ts';
import { runScripts } from '../../redis/scripts/script.ts';
import { SentRing } from './sent-ring.ts';
import { fieldsOf, type Signal, signalBytes } from './signal.ts';

export interface SignalWay {
  readonly link: Link;
  readonly keys: Keys;
}

/** Why there is none now. */
export type NoWay = { readonly why: string };

export type SendOutcome =
  | { readonly kind: 'taken' }
  /** It is sent when Redis is back. */
  | { readonly kind: 'held'; readonly why: string }
  | { readonly kind: 'full'; readonly why: string };

interface Waiting {
  readonly signal: Signal;
  isAgain: boolean;
  readonly settle: (outcome: SendOutcome) => void;
}

const LIMITS = { maxCount: 1_000, maxBytes: 4 * 1024 * 1024 };
const BATCH_COUNT = 64;
const BATCH_WITHIN_MS = 1_000;
const LOOK_EVERY_MS = 5_000;
const KEEP_MS = 2 * 60 * 60 * 1000;
const NOBODY = (): void => undefined;

/** In the order in which each target first comes. */
const byTarget = (batch: readonly Waiting[]): ReadonlyMap<EntityId, readonly Waiting[]> =>
  Map.groupBy(batch, ({ signal }) => signal.to);

const isExpired = ({ deadline, kind }: Signal): boolean =>
  kind === 'request' && deadline !== undefined && Date.parse(deadline) < Date.now();

export class SignalOutbox {
  readonly #getWay: () => Promise<SignalWay | NoWay>;
  readonly #queue = new BoundedQueue<Waiting>(LIMITS);
  readonly #sent = new SentRing(KEEP_MS);
  readonly #breaker = new Breaker({ firstPauseMs: 50, maxPauseMs: 1_000 });
  /** Taken off the queue and not settled: they come first. */
  #batch: readonly Waiting[] = [];
  /** What Redis lost: before all that was not sent yet. */
  #again: readonly Waiting[] = [];
  /** Whose senders wait for the outcome. */
  readonly #unsettled = new Set<Waiting>();
  #pumping: Promise<void> | undefined;
  #away: string | undefined;
  #retry: NodeJS.Timeout | undefined;
  #look: NodeJS.Timeout | undefined;
  #watched: Link | undefined;
  #isClosed = false;
  #refusedCount = 0;

  /** `getWay` never rejects. */
  constructor(getWay: () => Promise<SignalWay | NoWay>) {
    this.#getWay = getWay;
  }

  /** X1. Never rejects. */
  send(signal: Signal): Promise<SendOutcome> {
    const { promise, resolve } = Promise.withResolvers<SendOutcome>();
    const waiting: Waiting = {
      signal,
      isAgain: false,
      settle: (outcome) => {
        this.#unsettled.delete(waiting);
        resolve(outcome);
      },
    };
    if (this.#isClosed || !this.#queue.offer(waiting, signalBytes(signal))) {
      const why = this.#isClosed ? 'the pod ends' : `${this.#queue.count} signals wait for Redis already`;
      return Promise.resolve({ kind: 'full', why }); // X3
    }
    this.#unsettled.add(waiting);
    if (this.#away !== undefined) waiting.settle({ kind: 'held', why: this.#away });
    this.#pump();
    return promise;
  }

  /** Signals that wait for Redis. */
  get heldCount(): number {
    return this.#queue.count + this.#batch.length + this.#again.length;
  }

  /** Those that found no room. */
  get refusedCount(): number {
    return this.#queue.refused + this.#refusedCount;
  }

  /** A last try, in bounded time; nothing is sent afterwards. */
  async close(withinMs: number): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, withinMs);
    if (this.#away === undefined) await Promise.race([this.#pumping, late.promise]);
    clearTimeout(timer);
    this.#isClosed = true;
    clearTimeout(this.#retry);
    clearInterval(this.#look);
  }

  #pump(): void {
    if (this.#pumping !== undefined || this.#isClosed || this.#breaker.pauseMs > 0) return;
    this.#pumping = this.#sendAll().finally(() => (this.#pumping = undefined));
  }

  async #sendAll(): Promise<void> {
    for (;;) {
      this.#batch = [...this.#again, ...this.#batch, ...this.#nextOf(BATCH_COUNT - this.#batch.length)];
      this.#again = [];
      if (this.#batch.length === 0 || this.#isClosed) return;
      const way = await this.#getWay();
      const why = 'link' in way ? await this.#sendBatch(way) : way.why;
      if (why !== undefined) {
        this.#fail(why);
        return;
      }
      this.#breaker.succeeded();
      this.#away = undefined;
    }
  }

  #nextOf(count: number): readonly Waiting[] {
    const next: Waiting[] = [];
    while (next.length < count) {
      const waiting = this.#queue.shift();
      if (waiting === undefined) break;
      if (this.#away === undefined || !isExpired(waiting.signal)) next.push(waiting); // nobody waits for it any more
    }
    return next;
  }

  /** What is left of the batch is tried again. Why, if anything is. */
  async #sendBatch({ link, keys }: SignalWay): Promise<string | undefined> {
    this.#watch(link);
    const groups = [...byTarget(this.#batch)];
    const calls = groups.map(([job, group]) =>
      addSignals({
        key: keys.signals(job),
        entries: group.map(({ signal }) => ({ id: signal.id, fields: fieldsOf(signal) })),
        isAgain: group.some(({ isAgain }) => isAgain),
      }),
    );
    const outcomes = await runScripts(link, calls, { withinMs: BATCH_WITHIN_MS });
    const left: Waiting[] = [];
    let why: string | undefined;
    for (const [at, [, group]] of groups.entries()) {
      const outcome = outcomes[at];
      if (outcome?.kind === 'done') {
        const signals = group.map(({ signal }) => signal);
        this.#sent.add(signals, outcome.value.lastId);
        for (const { settle } of group) settle({ kind: 'taken' });
        continue;
      }
      if (outcome?.kind === 'refused' && outcome.code === 'WRONGTYPE') {
        this.#refusedCount += group.length; // something else stands there: it would hold up all others for ever
        for (const { settle } of group) settle({ kind: 'full', why: outcome.why });
        continue;
      }
      why = outcome?.why ?? 'not sent';
      for (const waiting of group) waiting.isAgain ||= outcome?.kind !== 'unsent';
      left.push(...group);
    }
    this.#batch = left;
    return why;
  }

  /** X1, X2 */
  #fail(why: string): void {
    this.#away = why;
    for (const { settle } of this.#unsettled) settle({ kind: 'held', why });
    this.#breaker.failed();
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#pump(), this.#breaker.pauseMs + 1).unref();
  }

  /** From the first one sent on it is looked whether all is still there. */
  #watch(link: Link): void {
    if (this.#watched === link) return;
    this.#watched = link;
    link.onStatus(({ kind }) => {
      if (kind === 'ready') this.#lookSoon();
    });
    this.#look ??= setInterval(() => this.#lookSoon(), LOOK_EVERY_MS).unref();
  }

  #lookSoon(): void {
    this.#bringAgain().then(NOBODY, (thrown: unknown) =>
      bestEffortSync('signals.look', () => {
        throw thrown;
      }),
    );
  }

  /** G4: what Redis lost and is still held here. */
  async #bringAgain(): Promise<void> {
    const way = this.#sent.isEmpty || this.#isClosed ? undefined : await this.#getWay();
    if (way === undefined || !('link' in way)) return;
    const { link, keys } = way;
    const targets = this.#sent.targets();
    const commands = targets.flatMap(({ job, lastId }) => [
      { name: 'xrange', args: [keys.signals(job).name, lastId, lastId, 'COUNT', 1] },
      { name: 'xlen', args: [keys.signals(job).name] },
    ]);
    const outcomes = await link.callAll(commands, { withinMs: BATCH_WITHIN_MS });
    for (const [nth, { job }] of targets.entries()) {
      const [last, length] = [outcomes[2 * nth], outcomes[2 * nth + 1]];
      if (last?.kind !== 'done' || length?.kind !== 'done') return;
      if (Array.isArray(last.value) && last.value.length > 0) continue;
      const lost = this.#sent.take(job);
      const isTrimmed = Number(length.value) >= (keys.signals(job).cap.maxCount ?? Infinity);
      if (isTrimmed) continue;
      const again = lost.map((signal): Waiting => ({ signal, isAgain: true, settle: NOBODY }));
      this.#again = [...this.#again, ...again];
    }
    this.#pump();
  }
}

/**
 * Owns the watching of the swarm without taking anything from anybody: the feed, and the bus of this home while Redis is away
 * or where there is none (G1).
 *
 * T1. Each change once, without a gap: what was shown is known by its id, whichever side it came from.
 * T2. A place on the feed that is ahead of all that is there means that Redis lost its data: it is read from the start, and
 *     what is brought again of the time before is not shown.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { RedisTarget } from '../../config/redis/redis-settings.ts';
import type { FeedChange } from '../../ipc/feed/feed-change.ts';
import { FeedLog, type LoggedChange } from '../../ipc/feed/log/feed-log.ts';
import { SeenIds } from '../../ipc/feed/reader/seen-ids.ts';
import { createKeys } from '../../redis/keys.ts';
import { type Link, openReader } from '../../redis/link.ts';
import { READ_BLOCK_MS } from '../../redis/link-options.ts';
import { BusChanges } from '../subscribe/bus-changes.ts';
import type { ChangeOrigin } from '../subscribe/change-source.ts';

export interface TailedChange {
  readonly change: FeedChange;
  readonly origin: ChangeOrigin;
}

export interface TailOptions {
  readonly busDir: string;
  /** `undefined`: none is configured. */
  readonly target: RedisTarget | undefined;
  /** Of those that are there: from then on … */
  readonly sinceMs: number | undefined;
  /** … and so many of the newest; `undefined`: all. */
  readonly last: number | undefined;
  readonly isFollowing: boolean;
  readonly filter: (change: FeedChange) => boolean;
  /** From now on what is shown is of this home alone. */
  readonly onLocal: (why: string) => void;
  readonly onBack: () => void;
  readonly signal: AbortSignal;
}

const PAGE_COUNT = 500;
const KNOWN_MS = 2_500;
const LOOK_EVERY_MS = 100;
const REMEMBERED = 100_000;
/** Hosts and Redis do not have the same clock. */
const CLOCK_MS = 5_000;
const BEGINNING = '0-0';
const NO_REDIS = 'no Redis is configured';

type Batch = readonly TailedChange[];

const isAhead = (a: string, b: string): boolean => {
  const [aMs = 0, aSeq = 0] = a.split('-').map(Number);
  const [bMs = 0, bSeq = 0] = b.split('-').map(Number);
  return aMs > bMs || (aMs === bMs && aSeq > bSeq);
};

class SwarmTail {
  readonly #options: TailOptions;
  readonly #shown = new SeenIds(undefined, REMEMBERED);
  readonly #startMs = Date.now();
  #bus: BusChanges;
  #after: string | undefined;
  #isLocal = false;
  /** T2 */
  #floorTs = '';

  constructor(options: TailOptions) {
    this.#options = options;
    this.#bus = new BusChanges(options.busDir, options.sinceMs);
  }

  async *run(): AsyncGenerator<Batch> {
    const { target, isFollowing, signal } = this.#options;
    await using link = target === undefined ? undefined : await openReader(target);
    const isKnown = (await link?.untilKnown(KNOWN_MS, signal)) === true;
    const log = link && new FeedLog(link, createKeys(target?.prefix ?? '').feed, signal);
    const fromFeed = log !== undefined && isKnown ? await this.#historyOfFeed(log) : undefined;
    if (fromFeed === undefined) this.#setLocal(whyOf(link));
    const history = fromFeed ?? (await this.#historyOfBus());
    if (history.length > 0) yield history;
    if (!isFollowing) return;
    if (fromFeed !== undefined)
      this.#bus = new BusChanges(this.#options.busDir, this.#options.sinceMs ?? this.#startMs);
    this.#after ??= `${(this.#options.sinceMs ?? this.#startMs - CLOCK_MS) - 1}`;
    while (!signal.aborted) {
      if (log !== undefined && link?.status.kind === 'ready') yield* this.#readFeed(log);
      else {
        this.#setLocal(whyOf(link));
        yield* this.#readBus();
        await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  #wanted(changes: readonly FeedChange[], origin: ChangeOrigin): Batch {
    return changes.flatMap((change) => {
      if (this.#shown.has(change.id) || change.ts < this.#floorTs || !this.#options.filter(change)) return [];
      this.#shown.add(change.id);
      return [{ change, origin }];
    });
  }

  #clip(batch: Batch): Batch {
    const { last } = this.#options;
    return last === undefined ? batch : batch.slice(Math.max(0, batch.length - last));
  }

  /** `undefined`: it cannot be had. */
  async #historyOfFeed(log: FeedLog): Promise<Batch | undefined> {
    return this.#options.sinceMs === undefined ? this.#newest(log) : this.#since(log, this.#options.sinceMs);
  }

  async #since(log: FeedLog, sinceMs: number): Promise<Batch | undefined> {
    let found: Batch = [];
    for (let from = `${sinceMs}`; ; from = `(${this.#after}`) {
      const page = await log.from(from, PAGE_COUNT);
      if (!page.ok) return undefined;
      this.#after = page.value.at(-1)?.entry ?? this.#after;
      found = this.#clip([...found, ...this.#wanted(changesOf(page.value), 'feed')]);
      if (page.value.length < PAGE_COUNT) return found;
    }
  }

  async #newest(log: FeedLog): Promise<Batch | undefined> {
    const { last = Infinity } = this.#options;
    const found: TailedChange[] = [];
    let isFirst = true;
    for (let end = '+'; ; isFirst = false) {
      const page = await log.before(end, isFirst && last === 0 ? 1 : PAGE_COUNT);
      if (!page.ok) return undefined;
      if (isFirst) this.#after = page.value[0]?.entry ?? BEGINNING;
      found.push(...this.#wanted(changesOf(page.value), 'feed'));
      const oldest = page.value.at(-1)?.entry;
      if (oldest === undefined || found.length >= last || page.value.length < PAGE_COUNT) break;
      end = `(${oldest}`;
    }
    return this.#clip(found.toReversed());
  }

  async #historyOfBus(): Promise<Batch> {
    let found: Batch = [];
    for await (const batch of this.#readBus()) found = this.#clip([...found, ...batch]);
    return found;
  }

  async *#readFeed(log: FeedLog): AsyncGenerator<Batch> {
    const after = this.#after ?? BEGINNING;
    const read = await log.after(after, PAGE_COUNT, this.#isLocal ? 1 : READ_BLOCK_MS);
    if (!read.ok) {
      await delay(LOOK_EVERY_MS, undefined, { signal: this.#options.signal }).catch(() => undefined);
      return;
    }
    if (this.#isLocal) {
      this.#isLocal = false;
      this.#options.onBack();
    }
    this.#after = read.value.at(-1)?.entry ?? after;
    if (read.value.length === 0) await this.#lookWhetherLost(log);
    const batch = this.#wanted(changesOf(read.value), 'feed');
    if (batch.length > 0) yield batch;
  }

  /** T2 */
  async #lookWhetherLost(log: FeedLog): Promise<void> {
    const newest = await log.before('+', 1);
    if (!newest.ok || !isAhead(this.#after ?? BEGINNING, newest.value[0]?.entry ?? BEGINNING)) return;
    if (newest.value.length === 0 && this.#floorTs !== '') return;
    this.#after = BEGINNING;
    this.#floorTs = new Date(this.#options.sinceMs ?? this.#startMs).toISOString();
  }

  async *#readBus(): AsyncGenerator<Batch> {
    const { signal } = this.#options;
    try {
      if (!this.#bus.hasMore()) return;
      for await (const changes of this.#bus.readOn(signal)) {
        const batch = this.#wanted(changes, 'bus');
        if (batch.length > 0) yield batch;
      }
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    }
  }

  #setLocal(why: string): void {
    if (this.#isLocal) return;
    this.#isLocal = true;
    this.#options.onLocal(why);
  }
}

const changesOf = (logged: readonly LoggedChange[]): readonly FeedChange[] =>
  logged.flatMap(({ change }) => change ?? []);

const whyOf = (link: Link | undefined): string => {
  if (link === undefined) return NO_REDIS;
  return link.status.kind === 'down' ? link.status.why : 'Redis does not answer';
};

/** In batches, in the order of each side. Ends with the signal, or after what is there. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
export const tailSwarm = (options: TailOptions): AsyncGenerator<Batch> => new SwarmTail(options).run();

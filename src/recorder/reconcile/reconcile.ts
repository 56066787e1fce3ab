/**
 * Owns the making whole of the feed from the bus, for sessions that ended or died while Redis was away (G4).
 *
 * R1. What is missing is published with its own id and time, in the order of the bus, once.
 * R2. What belongs to a session that lives is left to it, and looked at again the next time.
 * R3. One at a time in a home; wherever it is ended or interrupted, the next one does the rest.
 * R4. No cursor is left that stands for a feed which Redis lost while it was compared.
 */
import { existsSync } from 'node:fs';
import type { BusPlace } from '../../bus/query/bus-place.ts';
import { tryLock } from '../../bus/segments.ts';
import type { RedisTarget } from '../../config/redis/redis-settings.ts';
import { errorMessage } from '../../model/error.ts';
import { createKeys } from '../../redis/keys.ts';
import { openWriter } from '../../redis/link.ts';
import type { FeedEvent } from '../../redis/scripts/publish.lua.ts';
import { bringLeft } from './bring-left.ts';
import { type FeedCursor, readCursor, targetName, writeCursor } from './feed-cursor.ts';
import { type FeedLine, type FeedLines, readFeedLines } from './feed-lines.ts';
import { FeedIndex } from './feed-index.ts';
import { FeedSide, type Reply } from './feed-side.ts';
import { tellLeftCounts } from './left-counters.ts';
import { type EndedSession, tidyFleet } from './tidy-fleet.ts';

export interface ReconcileOptions {
  readonly target: RedisTarget;
  readonly busDir: string;
  readonly runDir: string;
  /** Whether a session publishes what it has to say itself (R2). */
  readonly isLiving: (session: string) => boolean;
  /** Sessions of this home that are over: what they could not say of themselves at their end is said for them. */
  readonly ended: readonly EndedSession[];
  /** Compare all of the last 24 hours, whatever the cursor says. */
  readonly isFull: boolean;
  readonly onProgress?: (counts: ReconcileCounts) => void;
  readonly signal: AbortSignal;
}

export interface ReconcileCounts {
  readonly comparedCount: number;
  readonly publishedCount: number;
  /** Missing, and of sessions that live. */
  readonly leftToLiveCount: number;
}

export type Reconciled =
  | ({ readonly kind: 'done'; readonly isFull: boolean; readonly durationMs: number } & ReconcileCounts)
  /** Another one of this home is at it. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'unreachable'; readonly why: string }
  /** What was published stays; the next one does the rest. */
  | ({ readonly kind: 'interrupted'; readonly why: string } & ReconcileCounts);

const CONNECT_MS = 2_000;
const EVENTS_PER_BATCH = 200;
/** Clocks of hosts differ, and what is on the bus is published a little later. */
const SLACK_MS = 60_000;
/** Redis lost its data while it was being made whole: so often it is begun anew. */
const MAX_ROUNDS = 3;

/** Why it cannot go on. */
class Interruption extends Error {}

const need = <T>(reply: Reply<T>): T => {
  if (reply.ok) return reply.value;
  throw new Interruption(reply.why);
};

/** How far the bus was gone through, and to where a cursor may stand for it. */
class Progress {
  readonly #beganAtMs: number;
  #place: BusPlace | null;
  /** Before the first piece that has to be looked at again, and when that was written. */
  #held: Pick<FeedCursor, 'place' | 'sinceMs'> | undefined;

  constructor(place: BusPlace | null, beganAtMs: number) {
    this.#place = place;
    this.#beganAtMs = beganAtMs;
  }

  get reached(): Pick<FeedCursor, 'place' | 'sinceMs'> {
    return this.#held ?? { place: this.#place, sinceMs: this.#beganAtMs };
  }

  /** `leftAtMs`: when the first of its events was written that is left to a session that lives. */
  pass({ lines, start, end }: FeedLines, leftAtMs: number | undefined): void {
    const youngMs = this.#beganAtMs - SLACK_MS;
    // A segment that was full a moment ago may get a last line from a writer that has not noticed.
    const isYoung = (lines[0]?.atMs ?? Infinity) > youngMs;
    if (this.#place !== null && this.#place.begins !== start.begins && isYoung)
      this.#held ??= { place: this.#place, sinceMs: youngMs };
    if (leftAtMs !== undefined) this.#held ??= { place: start, sinceMs: Math.min(leftAtMs, this.#beganAtMs) };
    this.#place = end;
  }
}

class Reconciliation {
  readonly #options: ReconcileOptions;
  readonly #feed: FeedSide;
  readonly #maxAgeMs: number;
  comparedCount = 0;
  publishedCount = 0;
  leftToLiveCount = 0;
  #pending: FeedEvent[] = [];
  /** How far Redis's clock is ahead of this host's. */
  #aheadMs: number | undefined;

  constructor(options: ReconcileOptions, feed: FeedSide, maxAgeMs: number) {
    this.#options = options;
    this.#feed = feed;
    this.#maxAgeMs = maxAgeMs;
  }

  get counts(): ReconcileCounts {
    const { comparedCount, publishedCount, leftToLiveCount } = this;
    return { comparedCount, publishedCount, leftToLiveCount };
  }

  /** Whether everything was compared. @throws Interruption */
  async run(): Promise<boolean> {
    const { isFull, runDir, target } = this.#options;
    let cursor = isFull ? undefined : await this.#usableCursor(readCursor(runDir), targetName(target));
    for (let round = 1; round <= MAX_ROUNDS; round += 1) {
      const next = await this.#compare(cursor);
      if (next === undefined) {
        cursor = undefined; // the place is gone, or Redis lost its data: anew, and everything
        continue;
      }
      writeCursor(runDir, next);
      return cursor === undefined;
    }
    throw new Interruption('Redis loses its data again and again');
  }

  async #usableCursor(cursor: FeedCursor | undefined, target: string): Promise<FeedCursor | undefined> {
    if (cursor === undefined || cursor.target !== target) return undefined;
    if (cursor.sinceMs < Date.now() - this.#maxAgeMs) return undefined; // begins with what is too old: places may be gone
    if (cursor.feedId === null) return cursor; // nothing was on the feed that could be gone
    return need(await this.#feed.isAccountedFor(cursor.feedId)) ? cursor : undefined;
  }

  /** The cursor for the next time; `undefined`: it has to begin anew. */
  async #compare(cursor: FeedCursor | undefined): Promise<FeedCursor | undefined> {
    const { busDir, signal, target } = this.#options;
    const beganAtMs = Date.now();
    const sinceMs = beganAtMs - this.#maxAgeMs;
    const from = cursor?.place ?? undefined;
    const index = new FeedIndex(this.#feed);
    const progress = new Progress(from ?? null, beganAtMs);
    this.#beginAnew(cursor);
    for await (const piece of readFeedLines({ busDir, sinceMs, from, signal })) {
      if (piece === 'lost') return undefined;
      if (piece.lines.length > 0) await this.#lookBack(index, cursor, piece.lines);
      progress.pass(piece, this.#judge(piece, index));
      if (this.#pending.length >= EVENTS_PER_BATCH && !(await this.#publish())) return undefined;
      this.#options.onProgress?.(this.counts);
    }
    if (!(await this.#publish())) return undefined;
    const feedId = need(await this.#feed.newestId()); // first this, then whether the feed is still the same one (R4)
    const { afterId } = this.#feed;
    if (afterId !== undefined && !need(await this.#feed.isAccountedFor(afterId))) return undefined;
    return { v: 1, target: targetName(target), ...progress.reached, feedId, atMs: Date.now() };
  }

  #beginAnew(cursor: FeedCursor | undefined): void {
    this.#feed.afterId = cursor?.feedId ?? undefined;
    this.#pending = [];
    this.comparedCount = 0;
    this.publishedCount = 0;
    this.leftToLiveCount = 0;
  }

  /**
   * An event is on the feed soon after its own time, or later; one that a clock ahead of others stamped not before the
   * cursor was made. Without a cursor all of the feed is looked at.
   */
  async #lookBack(index: FeedIndex, cursor: FeedCursor | undefined, lines: readonly FeedLine[]): Promise<void> {
    this.#aheadMs ??= need(await this.#feed.nowMs()) - Date.now();
    const oldestMs = lines.reduce((least, { atMs }) => Math.min(least, atMs), cursor?.sinceMs ?? -Infinity);
    const newestId = need(await index.reach(oldestMs + this.#aheadMs - SLACK_MS));
    if (newestId !== undefined) this.#feed.afterId = newestId; // what is published from now on comes after it (R4)
  }

  /** When the first event was written that is left to a session that lives. */
  #judge({ lines }: FeedLines, index: FeedIndex): number | undefined {
    let leftAtMs: number | undefined;
    for (const { event, session, atMs } of lines) {
      this.comparedCount += 1;
      if (index.has(event.id)) continue;
      if (this.#options.isLiving(session)) {
        this.leftToLiveCount += 1; // R2
        leftAtMs ??= atMs;
      } else this.#pending.push(event);
    }
    return leftAtMs;
  }

  /** False: Redis lost its data meanwhile. */
  async #publish(): Promise<boolean> {
    while (this.#pending.length > 0) {
      const events = this.#pending.slice(0, EVENTS_PER_BATCH);
      const count = need(await this.#feed.publish(events));
      if (count === 'lost') return false;
      this.publishedCount += count; // R1
      this.#pending = this.#pending.slice(events.length);
    }
    return true;
  }
}

/** Makes the feed whole. Never rejects. */
export const reconcile = async (options: ReconcileOptions): Promise<Reconciled> => {
  const beganAtMs = performance.now();
  const { target, busDir, runDir, signal } = options;
  const none = { comparedCount: 0, publishedCount: 0, leftToLiveCount: 0 };
  let work: Reconciliation | undefined;
  if (!existsSync(busDir)) return { kind: 'done', isFull: true, durationMs: 0, ...none };
  try {
    await using lock = await tryLock(busDir, 'reconcile'); // R3
    if (lock === undefined) return { kind: 'busy' };
    await using link = await openWriter(target);
    if (!(await link.untilKnown(CONNECT_MS, signal))) {
      const { status } = link;
      return { kind: 'unreachable', why: status.kind === 'down' ? status.why : 'it does not take the connection' };
    }
    const keys = createKeys(target.prefix);
    work = new Reconciliation(options, new FeedSide(link, keys.feed, signal), keys.feed.cap.maxAgeMs ?? 0);
    const isFull = await work.run();
    await tidyFleet(link, keys, options.ended, signal);
    await tellLeftCounts(link, keys, { runDir, target: targetName(target) }, signal);
    await bringLeft({ link, keys, runDir, signal });
    return { kind: 'done', isFull, durationMs: Math.round(performance.now() - beganAtMs), ...work.counts };
  } catch (thrown) {
    return { kind: 'interrupted', why: errorMessage(thrown), ...(work?.counts ?? none) };
  }
};

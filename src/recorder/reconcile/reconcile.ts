/**
 * Owns the making whole of the feed from the bus, for sessions that ended or died while Redis was away (G4).
 *
 * R1. What is missing is published with its own id and time, in the order of the bus, once.
 * R2. What belongs to a session that lives is left to it, and looked at again the next time.
 * R3. One at a time in a home; wherever it is ended or interrupted, the next one does the rest.
 */
import { existsSync } from 'node:fs';
import { tryLock } from '../../bus/segments.ts';
import type { RedisTarget } from '../../config/redis/redis-settings.ts';
import { errorMessage } from '../../model/error.ts';
import { createKeys } from '../../redis/keys.ts';
import { openWriter } from '../../redis/link.ts';
import type { FeedEvent } from '../../redis/scripts/publish.lua.ts';
import { type FeedCursor, readCursor, targetName, writeCursor } from './feed-cursor.ts';
import { type BusPlace, type FeedLines, readFeedLines } from './feed-lines.ts';
import { FeedSide, fingerprint, type Reply } from './feed-side.ts';
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

class Reconciliation {
  readonly #options: ReconcileOptions;
  readonly #feed: FeedSide;
  readonly #maxAgeMs: number;
  comparedCount = 0;
  publishedCount = 0;
  leftToLiveCount = 0;
  #pending: FeedEvent[] = [];

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
    const nowMs = need(await this.#feed.nowMs());
    return need(await this.#feed.isAccountedFor(cursor.feedId, nowMs)) ? cursor : undefined;
  }

  /** The cursor for the next time; `undefined`: it has to begin anew. */
  async #compare(cursor: FeedCursor | undefined): Promise<FeedCursor | undefined> {
    const { busDir, signal, target } = this.#options;
    const beganAtMs = Date.now();
    const sinceMs = beganAtMs - this.#maxAgeMs;
    const from = cursor?.place ?? undefined;
    let published: ReadonlySet<number> | undefined;
    let place = from ?? null;
    let held: { readonly place: BusPlace; readonly atMs: number } | undefined;
    this.leftToLiveCount = 0;
    for await (const piece of readFeedLines({ busDir, sinceMs, from, signal })) {
      if (piece === 'lost') return undefined;
      if (piece.lines.length > 0) published ??= await this.#published(cursor);
      const leftAtMs = this.#judge(piece, published ?? new Set());
      // A segment that was full a moment ago may get a last line from a writer that has not noticed.
      const isYoung = (piece.lines[0]?.atMs ?? Infinity) > beganAtMs - SLACK_MS;
      if (place !== null && place.begins !== piece.start.begins && isYoung)
        held ??= { place, atMs: beganAtMs - SLACK_MS };
      if (leftAtMs !== undefined) held ??= { place: piece.start, atMs: leftAtMs };
      place = piece.end;
      if (this.#pending.length >= EVENTS_PER_BATCH && !(await this.#publish())) return undefined;
      this.#options.onProgress?.(this.counts);
    }
    if (!(await this.#publish())) return undefined;
    return {
      v: 1,
      target: targetName(target),
      place: held?.place ?? place,
      sinceMs: held?.atMs ?? beganAtMs,
      feedId: need(await this.#feed.newestId()),
      atMs: Date.now(),
    };
  }

  /** What is on the feed already: all of it, or what may have come since the cursor was made. */
  async #published(cursor: FeedCursor | undefined): Promise<ReadonlySet<number>> {
    if (cursor === undefined) return need(await this.#feed.published('-'));
    const aheadMs = need(await this.#feed.nowMs()) - Date.now();
    return need(await this.#feed.published(`${Math.max(0, Math.floor(cursor.sinceMs + aheadMs - SLACK_MS))}`));
  }

  /** When the first event was written that is left to a session that lives. */
  #judge({ lines }: FeedLines, published: ReadonlySet<number>): number | undefined {
    let leftAtMs: number | undefined;
    for (const { event, session, atMs } of lines) {
      this.comparedCount += 1;
      if (published.has(fingerprint(event.id))) continue;
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
      if (need(await this.#feed.publish(events)) === 'lost') {
        this.#pending = [];
        return false;
      }
      this.publishedCount += events.length; // R1
      this.#pending = this.#pending.slice(events.length);
    }
    return true;
  }
}

/** Makes the feed whole. Never rejects. */
export const reconcile = async (options: ReconcileOptions): Promise<Reconciled> => {
  const beganAtMs = performance.now();
  const { target, busDir, signal } = options;
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
    return { kind: 'done', isFull, durationMs: Math.round(performance.now() - beganAtMs), ...work.counts };
  } catch (thrown) {
    return { kind: 'interrupted', why: errorMessage(thrown), ...(work?.counts ?? none) };
  }
};

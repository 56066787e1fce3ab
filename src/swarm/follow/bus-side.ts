/**
 * Owns what a follower reads from the bus of its home: the events that the feed would carry, from a place on before which
 * all was handled.
 *
 * B1. While the feed is read nothing is given from here: what stands on the bus and did not come by the feed yet holds the
 *     place back, so that nothing is missed once Redis is away.
 * B2. In the order of the alpha bus: for an entity that is the order in which it was written, as on the feed.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { BusPlace } from '../../bus/query/bus-place.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { type FeedChange, parseFeedChange } from '../../ipc/feed/feed-change.ts';
import { type FeedLines, readFeedLines } from '../../recorder/reconcile/feed-lines.ts';
import { KEY_KINDS } from '../../redis/keys.ts';
import type { SeenIds } from './seen-ids.ts';

export interface BusSideOptions {
  readonly busDir: string;
  readonly seen: SeenIds;
  /** Where the place is kept across restarts. */
  readonly placeFile: string;
}

const placeSchema = z.object({ begins: z.string(), byte: z.int().min(0) });

/** With so many unseen ones in memory nothing more is read until the feed gave some of them (G6). */
const MAX_PENDING = 10_000;
/** A writer looks each millisecond whether its segment was renamed: till then its lines go to the old one. */
const TURN_MS = 2_000;

const readPlace = (path: string): BusPlace | undefined => {
  try {
    return placeSchema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch {
    return undefined; // none yet: from the beginning of what the feed would hold
  }
};

const isSame = (a: BusPlace | undefined, b: BusPlace | undefined): boolean =>
  a?.begins === b?.begins && a?.byte === b?.byte;

export class BusSide {
  readonly #options: BusSideOptions;
  /** Up to where was looked. */
  #reached: BusPlace | undefined;
  /** Unseen events, in their order, and the place before each (B1). */
  readonly #pending = new Map<string, BusPlace>();
  /** Handled by who followed the swarm before. */
  readonly #elsewhere = new Set<string>();
  /** The end of a segment that was left a moment ago; `isFirst`: nothing before it waits. */
  #turn: { readonly place: BusPlace; readonly untilMs: number; readonly isFirst: boolean } | undefined;
  #kept: BusPlace | undefined;

  constructor(options: BusSideOptions) {
    this.#options = options;
    this.#reached = readPlace(options.placeFile);
    this.#kept = this.#reached;
  }

  /** How many events of this home have not come by the feed. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Looks what came, and gives nothing (B1). @throws {NikaError} `NIKA_BUS_UNREADABLE` */
  async look(signal: AbortSignal): Promise<void> {
    for (const id of this.#pending.keys()) if (this.#options.seen.has(id)) this.#pending.delete(id);
    if (this.#pending.size >= MAX_PENDING) return;
    await this.#read(this.#from(), signal, (id, start) => void this.#pending.set(id, start), MAX_PENDING);
    this.#keep();
  }

  /**
   * Gives what was not handled yet. `handle` marks it as seen; where it rejects the rest is left to the next time.
   * @throws what `handle` rejects with; {NikaError} `NIKA_BUS_UNREADABLE`
   */
  async give(handle: (change: FeedChange) => Promise<void>, signal: AbortSignal): Promise<void> {
    const [first] = this.#pending.values();
    const from = this.#turn?.isFirst === true ? this.#from() : (first ?? this.#from());
    await this.#read(from, signal, async (_id, _start, change) => handle(change));
    this.#pending.clear();
    this.#keep();
  }

  /** Those ids stand on the feed, and all that stands there was handled by somebody, or will be given by it. */
  passOver(isOnFeed: (id: string) => boolean): void {
    for (const id of this.#pending.keys()) {
      if (!isOnFeed(id)) continue;
      this.#pending.delete(id);
      this.#elsewhere.add(id);
    }
    this.#keep();
  }

  #from(): BusPlace | undefined {
    const turn = this.#turn;
    if (turn === undefined) return this.#reached;
    if (Date.now() > turn.untilMs) this.#turn = undefined; // once more, and then no more
    return turn.place;
  }

  async #read(
    from: BusPlace | undefined,
    signal: AbortSignal,
    onUnseen: (id: string, start: BusPlace, change: FeedChange) => void | Promise<void>,
    /** It stops behind the piece that fills it: what it passed by would be held by nobody (B1). */
    maxPending = Infinity,
  ): Promise<void> {
    const { busDir } = this.#options;
    if (!existsSync(busDir)) return; // nothing has run here yet
    const sinceMs = Date.now() - KEY_KINDS.feed.cap.maxAgeMs;
    let place = from;
    for await (const piece of readFeedLines({ busDir, sinceMs, from, signal })) {
      if (piece === 'lost') {
        this.#reached = undefined; // the bus was moved or cut: all of it, and what was seen is passed over
        if (from !== undefined) await this.#read(undefined, signal, onUnseen, maxPending);
        return;
      }
      await this.#readPiece(piece, onUnseen);
      if (place !== undefined && place.begins !== piece.end.begins)
        this.#turn = { place, untilMs: Date.now() + TURN_MS, isFirst: this.#pending.size === 0 };
      place = piece.end;
      this.#reached = piece.end;
      if (this.#pending.size >= maxPending) return;
    }
  }

  async #readPiece(
    { lines, start }: FeedLines,
    onUnseen: (id: string, start: BusPlace, change: FeedChange) => void | Promise<void>,
  ): Promise<void> {
    for (const { event } of lines) {
      if (this.#options.seen.has(event.id) || this.#elsewhere.has(event.id)) continue;
      const change = parseFeedChange({ id: event.id, ...event.fields });
      if (change !== undefined) await onUnseen(event.id, start, change);
    }
  }

  /** The place before which all is handled, for who comes after a restart. */
  #keep(): void {
    const [first] = this.#pending.values();
    const place = first ?? this.#turn?.place ?? this.#reached;
    if (place === undefined || isSame(place, this.#kept)) return;
    this.#kept = place;
    const { placeFile } = this.#options;
    bestEffortSync('follow.place', () => {
      mkdirSync(dirname(placeFile), { recursive: true, mode: 0o700 });
      writeFileSync(`${placeFile}.tmp`, JSON.stringify(place), { mode: 0o600 });
      renameSync(`${placeFile}.tmp`, placeFile);
    });
  }
}

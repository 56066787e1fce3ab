/**
 * Owns what the bus of a home has of what the feed carries, read on from where it was left: for who follows the swarm while
 * Redis is away or where there is none (G1).
 *
 * B1. A change may come twice: whoever reads goes by its id. None is missed, also when the bus turns to its next segment.
 */
import { existsSync, statSync } from 'node:fs';
import { ALPHA, busPath } from '../../bus/layout.ts';
import type { BusPlace } from '../../bus/query/bus-place.ts';
import { type FeedChange, parseFeedChange } from '../../ipc/feed/feed-change.ts';
import { type FeedLines, readFeedLines } from '../../recorder/reconcile/feed-lines.ts';
import { KEY_KINDS } from '../../redis/keys.ts';

/** A writer looks each millisecond whether its segment was renamed: till then its lines go to the old one. */
const TURN_MS = 2_000;

const changesOf = ({ lines }: FeedLines): readonly FeedChange[] =>
  lines.flatMap(({ event }) => parseFeedChange({ id: event.id, ...event.fields }) ?? []);

export class BusChanges {
  readonly #busDir: string;
  readonly #sinceMs: number;
  #place: BusPlace | undefined;
  /** The end of a segment that was left a moment ago. */
  #turn: { readonly place: BusPlace; readonly untilMs: number } | undefined;
  #mark = '';

  /** What happened before `sinceMs`, or longer ago than the feed keeps, is not given. */
  constructor(busDir: string, sinceMs = 0) {
    this.#busDir = busDir;
    this.#sinceMs = sinceMs;
  }

  /** Whether something may have been written since it was last asked. */
  hasMore(): boolean {
    const stat = statSync(busPath(this.#busDir, ALPHA), { throwIfNoEntry: false });
    const mark = stat === undefined ? '' : `${stat.ino} ${stat.size}`;
    const isNew = mark !== this.#mark || this.#turn !== undefined;
    this.#mark = mark;
    return isNew;
  }

  /** What came since, piece by piece. @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason */
  async *readOn(signal: AbortSignal): AsyncGenerator<readonly FeedChange[]> {
    if (!existsSync(this.#busDir)) return; // nothing has run here yet
    const sinceMs = Math.max(this.#sinceMs, Date.now() - KEY_KINDS.feed.cap.maxAgeMs);
    const from = this.#turn?.place ?? this.#place;
    if (this.#turn !== undefined && Date.now() > this.#turn.untilMs) this.#turn = undefined; // once more, and then no more
    let place = from;
    for await (const piece of readFeedLines({ busDir: this.#busDir, sinceMs, from, signal })) {
      if (piece === 'lost') {
        this.#place = undefined; // moved or cut: all of it, at the next time (B1)
        this.#turn = undefined;
        this.#mark = '';
        return;
      }
      if (place !== undefined && place.begins !== piece.end.begins)
        this.#turn ??= { place, untilMs: Date.now() + TURN_MS };
      place = piece.end;
      this.#place = place;
      const changes = changesOf(piece);
      if (changes.length > 0) yield changes;
    }
  }
}

/**
 * Owns the lines of whole buses in order of time: all their files, of one home or several, as one stream (G6).
 *
 * M1. A part is opened only when the merge has come to its first line, and let go of once it is read.
 * M2. Each event once, though it stands in two files.
 * M3. However many parts overlap in time: what is held of them together is bounded, and so are the files open. Each
 *     compressed part is unpacked once: it stays open, or what is found in it goes to a file beside.
 */
import type { NikaError } from '../../model/error.ts';
import { STEP_BYTES } from '../read/byte-source.ts';
import { createLineFilter, idOf, type LineQuery, timeKey, typeOf } from './line-filter.ts';
import { type FoundLine, PartCursor } from './part-cursor.ts';
import { partsFor } from './parts.ts';
import { Spill } from './spill.ts';
import { toTs } from './time-span.ts';
import { RecentIds } from './recent-ids.ts';

export type { FoundLine } from './part-cursor.ts';

export interface MergeProgress {
  /** On disk. */
  readonly readBytes: number;
  readonly totalBytes: number;
}

export interface MergeOptions {
  /** One `_bus/` or several. */
  readonly busDirs: readonly string[];
  readonly query: LineQuery;
  readonly signal?: AbortSignal;
  /** Told of a part that cannot be read, after which the others go on; without it that is thrown. */
  readonly onUnreadable?: (error: NikaError) => void;
  readonly onProgress?: (progress: MergeProgress) => void;
}

const HELD_BYTES = 4 * 1024 * 1024;
const QUOTA_MIN_BYTES = 16 * 1024;
const QUOTA_MAX_BYTES = 128 * 1024;
const READING_BYTES = 4 * 1024 * 1024;
const OPEN_PLAIN_COUNT = 16;
/** The first ones get more of it than the later: together about three times as much. */
const UNPACKING_BYTES = 2 * 1024 * 1024;
const PACKED_STEP_MIN_BYTES = 16 * 1024;
const PACKED_STEP_MAX_BYTES = 256 * 1024;
const OPEN_PACKED_COUNT = 16;
const BATCH_COUNT = 512;
/** Lines that a writer had to hold back stand after younger ones of other writers. */
const LATE_SLACK_MS = 24 * 3600_000;

const within = (value: number, min: number, max: number): number => Math.floor(Math.min(max, Math.max(min, value)));

const isBefore = (a: PartCursor | undefined, b: PartCursor): boolean =>
  a !== undefined && (a.at < b.at || (a.at === b.at && a.rank < b.rank));

/** Cursors by time, the earliest at the end. */
class TimeOrder {
  readonly #cursors: PartCursor[];

  constructor(cursors: readonly PartCursor[]) {
    this.#cursors = cursors.toSorted((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : b.rank - a.rank));
  }

  get first(): PartCursor | undefined {
    return this.#cursors.at(-1);
  }

  get count(): number {
    return this.#cursors.length;
  }

  takeFirst(): PartCursor | undefined {
    return this.#cursors.pop();
  }

  /** Before those of the same time and rank: what stands in one file stays together. */
  insert(cursor: PartCursor): void {
    let low = 0;
    let high = this.#cursors.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(this.#cursors[middle], cursor)) high = middle;
      else low = middle + 1;
    }
    this.#cursors.splice(low, 0, cursor);
  }
}

class Merge implements AsyncDisposable {
  readonly #unread: TimeOrder;
  readonly #read = new TimeOrder([]);
  /** Least recently filled first. */
  readonly #openPlain = new Set<PartCursor>();
  readonly #openPacked = new Set<PartCursor>();
  readonly #spill = new Spill();
  /** Once there is no room for it, compressed parts are unpacked from their beginning again and again. */
  #maySpill = true;
  readonly #seen: RecentIds;

  constructor(cursors: readonly PartCursor[], seen: RecentIds) {
    this.#unread = new TimeOrder(cursors);
    this.#seen = seen;
  }

  /** The next lines, empty where there were none this time; `undefined` at the end. Waits only to look on in a part. */
  async next(): Promise<readonly FoundLine[] | undefined> {
    const lines: FoundLine[] = [];
    while (lines.length < BATCH_COUNT) {
      const cursor = this.#isUnreadNext() ? this.#unread.takeFirst() : this.#read.takeFirst();
      if (cursor === undefined) return lines.length > 0 ? lines : undefined;
      this.#takeFrom(cursor, lines);
      const mustFill = cursor.isEmpty;
      if (mustFill) await this.#fill(cursor);
      if (!cursor.isEmpty) this.#read.insert(cursor);
      if (mustFill) break; // what was found is not kept waiting
    }
    return lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cursor of [...this.#openPlain, ...this.#openPacked]) await cursor.park();
    this.#spill[Symbol.dispose]();
  }

  /** Takes what comes before all lines of other cursors. */
  #takeFrom(cursor: PartCursor, lines: FoundLine[]): void {
    const unreadAt = this.#unread.first?.at ?? Infinity;
    const other = this.#read.first;
    while (lines.length < BATCH_COUNT && !cursor.isEmpty && cursor.at < unreadAt && !isBefore(other, cursor)) {
      const line = cursor.take();
      const id = line === undefined ? undefined : idOf(line.text);
      if (line !== undefined && (id === undefined || this.#seen.add(id, typeOf(line.text)))) lines.push(line); // M2
    }
  }

  /** Whether a part begins before all that was read: then its first lines are looked for (M1). */
  #isUnreadNext(): boolean {
    const unread = this.#unread.first;
    const read = this.#read.first;
    return unread !== undefined && !(read !== undefined && read.at < unread.at);
  }

  async #fill(cursor: PartCursor): Promise<void> {
    const open = cursor.isCompressed ? this.#openPacked : this.#openPlain;
    const quotaBytes = within(HELD_BYTES / (this.#read.count + 1), QUOTA_MIN_BYTES, QUOTA_MAX_BYTES);
    const stepBytes = cursor.isCompressed
      ? within(UNPACKING_BYTES / (open.size + 1), PACKED_STEP_MIN_BYTES, PACKED_STEP_MAX_BYTES)
      : within(READING_BYTES / (this.#read.count + 1), QUOTA_MIN_BYTES, STEP_BYTES);
    await cursor.lookOn({ quotaBytes, stepBytes });
    open.delete(cursor);
    if (!cursor.isOpen) return;
    open.add(cursor);
    if (open.size > (cursor.isCompressed ? OPEN_PACKED_COUNT : OPEN_PLAIN_COUNT)) await this.#parkOne(open); // M3
  }

  /** The one that was filled longest ago. */
  async #parkOne(open: Set<PartCursor>): Promise<void> {
    const [longest] = open;
    if (longest === undefined) return;
    open.delete(longest);
    if (!longest.isCompressed || !this.#maySpill) await longest.park();
    else this.#maySpill = await longest.spill(this.#spill);
  }
}

const openCursors = (options: MergeOptions): readonly PartCursor[] => {
  const { busDirs, query, signal, onUnreadable, onProgress } = options;
  const filter = createLineFilter(query);
  const parts = busDirs.flatMap((busDir, bus) => partsFor(busDir, query).map((part) => ({ part, bus })));
  const totalBytes = parts.reduce((total, { part }) => total + part.sizeBytes, 0);
  let readBytes = 0;
  const onDone = (bytes: number): void => {
    readBytes += bytes;
    onProgress?.({ readBytes, totalBytes });
  };
  const untilKey = query.untilTs === undefined ? Infinity : timeKey(toTs(Date.parse(query.untilTs) + LATE_SLACK_MS));
  return parts
    .map(({ part, bus }) => new PartCursor({ part, bus, filter, signal, onDone, onUnreadable }))
    .filter(({ at }) => at < untilKey);
};

/**
 * The lines asked for, in order of time, in batches; the lines of one file in their own order.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason when it is aborted.
 */
export async function* mergeLines(options: MergeOptions): AsyncGenerator<readonly FoundLine[]> {
  await using merge = new Merge(openCursors(options), new RecentIds({ withCalls: options.busDirs.length > 1 }));
  for (let lines = await merge.next(); lines !== undefined; lines = await merge.next()) {
    if (lines.length > 0) yield lines;
  }
}

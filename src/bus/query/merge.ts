/**
 * Owns the lines of whole buses in order of time: all their files, of one home or several, as one stream (G6).
 *
 * M1. A part is opened only when the merge has come to its first line, and let go of once it is read.
 * M2. Each event once, though it stands in two files.
 * M3. However many parts overlap in time: what is held of them together is bounded, and so are the files open.
 */
import type { NikaError } from '../../model/error.ts';
import { createLineFilter, idOf, type LineQuery, typeOf } from './line-filter.ts';
import { type FoundLine, PartCursor } from './part-cursor.ts';
import { partsFor } from './parts.ts';
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

const HELD_BYTES = 8 * 1024 * 1024;
const QUOTA_MIN_BYTES = 32 * 1024;
const QUOTA_MAX_BYTES = 128 * 1024;
const OPEN_PLAIN_COUNT = 16;
const OPEN_PACKED_COUNT = 8;
const BATCH_COUNT = 512;
/** Lines that a writer had to hold back stand after younger ones of other writers. */
const LATE_SLACK_MS = 24 * 3600_000;

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
  readonly #open = new Set<PartCursor>();
  readonly #seen = new RecentIds();

  constructor(cursors: readonly PartCursor[]) {
    this.#unread = new TimeOrder(cursors);
  }

  /** The next lines, empty where there were none this time; `undefined` at the end. */
  async next(): Promise<readonly FoundLine[] | undefined> {
    const cursor = await this.#earliest();
    if (cursor === undefined) return undefined;
    const lines: FoundLine[] = [];
    while (lines.length < BATCH_COUNT && this.#isNext(cursor)) {
      const line = cursor.take();
      const id = line === undefined ? undefined : idOf(line.text);
      if (line !== undefined && (id === undefined || this.#seen.add(id, typeOf(line.text)))) lines.push(line); // M2
    }
    if (cursor.isEmpty) await this.#fill(cursor);
    if (!cursor.isEmpty) this.#read.insert(cursor);
    return lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cursor of this.#open) await cursor.park();
  }

  /** Whether its next line is there and comes before all of other cursors. */
  #isNext(cursor: PartCursor): boolean {
    if (cursor.isEmpty) return false;
    const unread = this.#unread.first;
    return (unread === undefined || cursor.at < unread.at) && !isBefore(this.#read.first, cursor);
  }

  /** The cursor with the next line of all, taken out of its place; every part that begins before was read (M1). */
  async #earliest(): Promise<PartCursor | undefined> {
    for (;;) {
      const unread = this.#unread.first;
      const read = this.#read.first;
      if (unread === undefined || (read !== undefined && read.at < unread.at)) return this.#read.takeFirst();
      this.#unread.takeFirst();
      await this.#fill(unread);
      if (!unread.isEmpty) this.#read.insert(unread);
    }
  }

  async #fill(cursor: PartCursor): Promise<void> {
    const share = HELD_BYTES / (this.#read.count + 1);
    await cursor.fill(Math.min(QUOTA_MAX_BYTES, Math.max(QUOTA_MIN_BYTES, share)));
    this.#open.delete(cursor);
    if (!cursor.isOpen) return;
    this.#open.add(cursor);
    await this.#parkOne(cursor.isCompressed); // M3
  }

  async #parkOne(compressed: boolean): Promise<void> {
    const alike = [...this.#open].filter(({ isCompressed }) => isCompressed === compressed);
    const [longest] = alike;
    if (longest === undefined || alike.length <= (compressed ? OPEN_PACKED_COUNT : OPEN_PLAIN_COUNT)) return;
    this.#open.delete(longest);
    await longest.park();
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
  const untilMs = query.untilTs === undefined ? Infinity : Date.parse(query.untilTs) + LATE_SLACK_MS;
  return parts
    .map(({ part, bus }) => new PartCursor({ part, bus, filter, signal, onDone, onUnreadable }))
    .filter(({ at }) => at === '' || Date.parse(at) < untilMs);
};

/**
 * The lines asked for, in order of time, in batches; the lines of one file in their own order.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason when it is aborted.
 */
export async function* mergeLines(options: MergeOptions): AsyncGenerator<readonly FoundLine[]> {
  await using merge = new Merge(openCursors(options));
  for (let lines = await merge.next(); lines !== undefined; lines = await merge.next()) {
    if (lines.length > 0) yield lines;
  }
}

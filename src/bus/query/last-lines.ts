/**
 * Owns the newest lines of a bus: read from the ends of its files, the youngest file first.
 *
 * T1. A file that was last written to before the oldest line to be shown is not opened.
 * T2. Of a plain file only its end is read, as far back as it takes; memory holds `count` lines and one chunk (G6).
 */
import { type Chunk, readChunks, slicesOf } from '../read/chunks.ts';
import type { BusFilePart } from '../read/files.ts';
import { linesOf, type RawLine } from '../read/lines.ts';
import { createLineFilter, idOf, type LineFilter, type LineQuery, tsOf } from './line-filter.ts';
import { MTIME_SLACK_MS, partsFor, rankOf } from './parts.ts';
import { ownCopy } from '../read/own-copy.ts';

export interface LastLinesOptions {
  readonly busDir: string;
  readonly query: LineQuery;
  readonly count: number;
  /** `alpha`: only what stands on the alpha bus, all but tool calls. Default: all files. */
  readonly files?: 'all' | 'alpha';
  readonly signal?: AbortSignal;
}

interface Dated {
  readonly ts: string;
  readonly rank: number;
  readonly text: string;
}

const WINDOW_BYTES = 256 * 1024;
const WINDOW_GROWS = 8;
const SLICE_BYTES = 32 * 1024;

/** The newest lines so far, each event once: of two copies that of the channel. */
class Newest {
  readonly #count: number;
  #lines: readonly Dated[] = [];

  constructor(count: number) {
    this.#count = count;
  }

  /** Time of the oldest, once there are as many as wanted; before, a time that none comes before. */
  get floorTs(): string {
    return this.#lines.length < this.#count ? '' : (this.#lines[0]?.ts ?? '');
  }

  get texts(): readonly string[] {
    return this.#lines.map(({ text }) => text);
  }

  add(lines: readonly Dated[]): void {
    const byId = new Map<string, Dated>();
    for (const line of [...this.#lines, ...lines]) {
      const id = idOf(line.text) ?? line.text;
      if ((byId.get(id)?.rank ?? 1) < line.rank) continue;
      byId.delete(id); // its place is that of the copy that is kept
      byId.set(id, line);
    }
    const inOrder = [...byId.values()].sort((a, b) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : a.rank - b.rank));
    this.#lines = inOrder.slice(-this.#count);
  }
}

interface Tail {
  readonly part: BusFilePart;
  readonly fromByte: number;
  readonly filter: LineFilter;
  readonly count: number;
}

/** The last `count` lines found from a byte on. What that byte cuts through is left out. */
const readTail = async ({ part, fromByte, filter, count }: Tail, signal: AbortSignal | undefined): Promise<Dated[]> => {
  let found: Dated[] = [];
  const rank = rankOf(part.path);
  const isCut = ({ line }: RawLine, slice: Chunk): boolean => fromByte > 0 && slice.firstLine === 1 && line === 1;
  for await (const chunk of readChunks(part, { fromByte, ...(signal === undefined ? {} : { signal }) })) {
    for (const slice of slicesOf(chunk, SLICE_BYTES)) {
      const wanted = linesOf(slice).filter((raw) => raw.kind !== 'torn' && !isCut(raw, slice) && filter(raw.text));
      found.push(...wanted.slice(-count).map(({ text }) => ({ ts: tsOf(text), rank, text: ownCopy(text) })));
      if (found.length > 2 * count) found = found.slice(-count);
    }
  }
  return found.slice(-count);
};

const readLastOf = async (tail: Omit<Tail, 'fromByte'>, floorTs: string, signal?: AbortSignal): Promise<Dated[]> => {
  const { part, count } = tail;
  for (let windowBytes = WINDOW_BYTES; ; windowBytes *= WINDOW_GROWS) {
    const fromByte = part.compressed ? 0 : Math.max(0, part.sizeBytes - windowBytes);
    const found = await readTail({ ...tail, fromByte }, signal);
    const isDeepEnough = found.length >= count || found.some(({ ts }) => ts < floorTs);
    if (fromByte === 0 || isDeepEnough) return found;
  }
};

/**
 * The newest lines that are asked for, the oldest of them first.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason when it is aborted.
 */
export const readLastLines = async (options: LastLinesOptions): Promise<readonly string[]> => {
  const { busDir, query, count, files = 'all', signal } = options;
  if (count <= 0) return [];
  const filter = createLineFilter(query);
  const newest = new Newest(count);
  for (const part of partsFor(busDir, query, files).toSorted((a, b) => b.mtimeMs - a.mtimeMs)) {
    if (newest.floorTs !== '' && part.mtimeMs + MTIME_SLACK_MS < Date.parse(newest.floorTs)) break; // T1
    newest.add(await readLastOf({ part, filter, count }, newest.floorTs, signal));
  }
  return newest.texts;
};

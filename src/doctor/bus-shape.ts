/**
 * Owns what the files of a bus look like from outside: how many, how large, how fast they grow, which end in a torn line.
 * There may be very many: each look has a budget of time, and says how far it came.
 */
import { closeSync, fstatSync, opendirSync, openSync, readSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ALPHA, blobsDir, channelsDir, segmentNumber } from '../bus/layout.ts';
import { errnoOf } from '../model/error.ts';

const DAY_MS = 24 * 3_600_000;
/** What the pace is taken from. */
const WINDOW_MS = 7 * DAY_MS;
const LINE_FEED = 10;
const ENTRIES_AT_ONCE = 1024;

export interface BusShape {
  /** Of lines. */
  readonly fileCount: number;
  /** With the blobs. */
  readonly sizeBytes: number;
  /** About so much was written within the last days: of a file, the share of its life that lies in them. */
  readonly grownBytes: number;
  /** Of the days, or as long as the bus is there. */
  readonly grownMs: number;
  /** Not compressed, the newest first. */
  readonly livePaths: readonly string[];
  /** Whether the time was enough for all. */
  readonly isWhole: boolean;
}

interface Entry {
  readonly path: string;
  readonly sizeBytes: number;
  readonly bornMs: number;
  readonly writtenMs: number;
}

/** How much of a file was written since, as if it had grown evenly. */
const grownSince = ({ sizeBytes, bornMs, writtenMs }: Entry, sinceMs: number): number => {
  if (writtenMs <= sinceMs) return 0;
  const lifeMs = writtenMs - bornMs;
  return lifeMs <= 0 || bornMs >= sinceMs ? sizeBytes : (sizeBytes * (writtenMs - sinceMs)) / lifeMs;
};

/** A file that was compressed was born by that, after its last line: as if written at once. */
const entryOf = (path: string): Entry | undefined => {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) return undefined;
  const { size: sizeBytes, mtimeMs: writtenMs, birthtimeMs } = stat;
  return { path, sizeBytes, writtenMs, bornMs: birthtimeMs > 0 ? Math.min(birthtimeMs, writtenMs) : writtenMs };
};

const isLines = (name: string): boolean => /\.jsonl(?:\.gz)?$/.test(name);
const isAlpha = (name: string): boolean =>
  name === ALPHA || name === `${ALPHA}.gz` || segmentNumber(name) !== undefined;

/** What of a folder counts, in no order; nothing where it is not there. @throws a system error */
function* entriesIn(folder: string, counts: (name: string) => boolean): Generator<Entry> {
  try {
    using dir = opendirSync(folder, { bufferSize: ENTRIES_AT_ONCE });
    for (let found = dir.readSync(); found !== null; found = dir.readSync()) {
      const entry = counts(found.name) ? entryOf(join(folder, found.name)) : undefined;
      if (entry !== undefined) yield entry;
    }
  } catch (thrown) {
    if (errnoOf(thrown) !== 'ENOENT') throw thrown;
  }
}

function* entriesOf(busDir: string): Generator<Entry> {
  yield* entriesIn(busDir, isAlpha);
  yield* entriesIn(channelsDir(busDir), isLines);
  yield* entriesIn(blobsDir(busDir), () => true);
}

export interface ShapeOptions {
  readonly nowMs: number;
  readonly withinMs: number;
}

/** @throws a system error */
export const shapeOf = (busDir: string, { nowMs, withinMs }: ShapeOptions): BusShape => {
  const endMs = performance.now() + withinMs;
  const sinceMs = nowMs - WINDOW_MS;
  const live: Entry[] = [];
  let [fileCount, sizeBytes, grownBytes, oldestMs, isWhole] = [0, 0, 0, nowMs, true];
  for (const entry of entriesOf(busDir)) {
    if (isLines(entry.path)) fileCount += 1;
    if (entry.path.endsWith('.jsonl')) live.push(entry);
    sizeBytes += entry.sizeBytes;
    grownBytes += grownSince(entry, sinceMs);
    oldestMs = Math.min(oldestMs, entry.bornMs);
    isWhole = performance.now() < endMs;
    if (!isWhole) break;
  }
  const livePaths = live.sort((a, b) => b.writtenMs - a.writtenMs).map(({ path }) => path);
  return { fileCount, sizeBytes, grownBytes, grownMs: Math.min(WINDOW_MS, nowMs - oldestMs), livePaths, isWhole };
};

const endsInLineFeed = (path: string): boolean => {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const last = Buffer.alloc(1);
    return size === 0 || readSync(fd, last, 0, 1, size - 1) < 1 || last[0] === LINE_FEED;
  } finally {
    closeSync(fd);
  }
};

const isTorn = (path: string): boolean => {
  try {
    return !endsInLineFeed(path);
  } catch {
    return false; // compressed or removed meanwhile
  }
};

export interface TornTails {
  /** By name. */
  readonly torn: readonly string[];
  readonly lookedAtCount: number;
}

/** Which of the files end in a torn line. A line is one write: one under way is not seen in part. */
export const tornTails = (paths: readonly string[], withinMs: number): TornTails => {
  const endMs = performance.now() + withinMs;
  const torn: string[] = [];
  for (const [at, path] of paths.entries()) {
    if (performance.now() > endMs) return { torn, lookedAtCount: at };
    if (isTorn(path)) torn.push(basename(path));
  }
  return { torn, lookedAtCount: paths.length };
};

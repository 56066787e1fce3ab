/** Owns what the files of a bus look like from outside: how many, how large, how fast they grow, which end in a torn line. */
import { closeSync, lstatSync, opendirSync, openSync, readSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { blobsDir } from '../bus/layout.ts';
import { type BusFilePart, listBusFiles } from '../bus/read/files.ts';

const DAY_MS = 24 * 3_600_000;
/** What the pace is taken from. */
const WINDOW_MS = 7 * DAY_MS;
const LINE_FEED = 10;

export interface BusShape {
  readonly fileCount: number;
  /** With the blobs. */
  readonly sizeBytes: number;
  /** About so much was written within the last days: of a file, the share of its life that lies in them. */
  readonly grownBytes: number;
  /** Of the days, or as long as the bus is there. */
  readonly grownMs: number;
}

interface Span {
  readonly sizeBytes: number;
  readonly bornMs: number;
  readonly writtenMs: number;
}

/** How much of a file was written since, as if it had grown evenly. */
const grownSince = ({ sizeBytes, bornMs, writtenMs }: Span, sinceMs: number): number => {
  if (writtenMs <= sinceMs) return 0;
  const lifeMs = writtenMs - bornMs;
  return lifeMs <= 0 || bornMs >= sinceMs ? sizeBytes : (sizeBytes * (writtenMs - sinceMs)) / lifeMs;
};

/** A file that was compressed was born by that, after its last line: as if written at once. */
const spanOf = (path: string, sizeBytes: number, writtenMs: number): Span => {
  const bornMs = statSync(path, { throwIfNoEntry: false })?.birthtimeMs ?? writtenMs;
  return { sizeBytes, writtenMs, bornMs: bornMs > 0 ? Math.min(bornMs, writtenMs) : writtenMs };
};

function* blobSpans(busDir: string): Generator<Span> {
  const folder = blobsDir(busDir);
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return;
  using dir = opendirSync(folder);
  for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) {
    const stat = lstatSync(join(folder, entry.name), { throwIfNoEntry: false });
    if (stat?.isFile() === true) yield { sizeBytes: stat.size, bornMs: stat.mtimeMs, writtenMs: stat.mtimeMs };
  }
}

/** @throws {NikaError} `NIKA_BUS_UNREADABLE` */
export const partsOfBus = (busDir: string): readonly BusFilePart[] =>
  listBusFiles(busDir).flatMap(({ parts }) => parts);

/** @throws a system error */
export const shapeOf = (busDir: string, parts: readonly BusFilePart[], nowMs: number): BusShape => {
  const sinceMs = nowMs - WINDOW_MS;
  let [sizeBytes, grownBytes, oldestMs] = [0, 0, nowMs];
  const add = (span: Span): void => {
    sizeBytes += span.sizeBytes;
    grownBytes += grownSince(span, sinceMs);
    oldestMs = Math.min(oldestMs, span.bornMs);
  };
  for (const { path, sizeBytes: bytes, mtimeMs } of parts) add(spanOf(path, bytes, mtimeMs));
  for (const span of blobSpans(busDir)) add(span);
  return { fileCount: parts.length, sizeBytes, grownBytes, grownMs: Math.min(WINDOW_MS, nowMs - oldestMs) };
};

const endsInLineFeed = (path: string): boolean => {
  const fd = openSync(path, 'r');
  try {
    const size = statSync(path).size;
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

/** Files that are written to whose last line is torn, by name. A line is one write: one under way is not seen in part. */
export const tornTails = (parts: readonly BusFilePart[]): readonly string[] =>
  parts.filter(({ compressed, path }) => !compressed && isTorn(path)).map(({ path }) => basename(path));

/** Owns the points of a bus, read from a place on, in the order of writing. */
import { tryParseLine } from '../../bus/line.ts';
import type { BusPlace } from '../../bus/query/bus-place.ts';
import { tsOf } from '../../bus/query/line-filter.ts';
import { readTypes, type ReadTypesOptions } from '../../bus/query/read-types.ts';
import { SegmentSpans } from '../bus/segment-spans.ts';
import { MEMORY_TYPES, type MemoryPayload, type MemoryPoint, pointOf } from '../point.ts';

export interface RememberedLines {
  readonly points: readonly MemoryPoint[];
  /** Behind them: where to go on. */
  readonly end: BusPlace;
  /** When its segment was last written to. */
  readonly changedAtMs: number;
}

export interface RememberedOptions {
  readonly busDir: string;
  readonly from?: BusPlace | undefined;
  /** Where it is noted from when to when segments are, if they are read from the beginning of the bus. */
  readonly runDir?: string;
  /** Told of bytes on disk as they were read. */
  readonly onRead?: (bytes: number, totalBytes: number) => void;
  readonly signal: AbortSignal;
}

/** What was copied from the feed is brought by the home that it happened in, which knows more of it. */
const isCopied = (data: Readonly<Record<string, unknown>>): boolean => data['via'] === 'feed';

/** Half a character can only come of such an escape; Qdrant takes none. */
const MAY_BE_HALF = /\\ud[89a-f]/i;

const wellFormed = (value: unknown): unknown => {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key.toWellFormed(), wellFormed(part)]));
};

const pointsOf = (text: string): readonly MemoryPoint[] => {
  const line = tryParseLine(text);
  const point = line === undefined || isCopied(line.data) ? undefined : pointOf(line);
  if (point === undefined) return [];
  return MAY_BE_HALF.test(text) ? [{ ...point, payload: wellFormed(point.payload) as MemoryPayload }] : [point];
};

/**
 * Piece by piece; a piece may hold none. `lost`: the place to begin at is not there any more.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason when it is aborted.
 */
export async function* readRemembered(options: RememberedOptions): AsyncGenerator<RememberedLines | 'lost'> {
  const { busDir, from, runDir, onRead, signal } = options;
  const spans = runDir === undefined || from !== undefined ? undefined : new SegmentSpans(runDir);
  const wants: ReadTypesOptions['wants'] = (part, begins) => {
    spans?.begin(part, begins);
    return true;
  };
  const reading = { busDir, types: MEMORY_TYPES, sinceMs: -Infinity, from, wants, signal };
  try {
    for await (const piece of readTypes(onRead === undefined ? reading : { ...reading, onRead })) {
      if (piece === 'lost') yield 'lost';
      else {
        for (const text of piece.texts) spans?.see(tsOf(text));
        yield { points: piece.texts.flatMap(pointsOf), end: piece.end, changedAtMs: piece.changedAtMs };
      }
    }
  } finally {
    spans?.keep();
  }
}

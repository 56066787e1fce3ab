/** Owns the events of the bus that belong on the feed, read from a place on: for whoever makes the feed whole (G4). */
import { ALPHA, type BusFileName } from '../../bus/layout.ts';
import { tryParseLine } from '../../bus/line.ts';
import { beginningOf, type BusPlace, partsFrom } from '../../bus/query/bus-place.ts';
import { readChunks, slicesOf } from '../../bus/read/chunks.ts';
import { type BusFilePart, findBusFile } from '../../bus/read/files.ts';
import { linesOf } from '../../bus/read/lines.ts';
import { feedEventOf, mayBeOnFeed } from '../../ipc/feed/feed-event.ts';
import type { FeedEvent } from '../../redis/scripts/publish.lua.ts';

export interface FeedLine {
  readonly event: FeedEvent;
  readonly session: string;
  readonly atMs: number;
}

export interface FeedLines {
  readonly lines: readonly FeedLine[];
  /** Before them, and behind them. */
  readonly start: BusPlace;
  readonly end: BusPlace;
}

export interface FeedLinesOptions {
  readonly busDir: string;
  /** The alpha bus, where nothing else is said. */
  readonly file?: BusFileName;
  /** Events of before are not given, and segments of before not read. */
  readonly sinceMs: number;
  /** Begin there; `undefined`: at the first segment that is not too old. */
  readonly from?: BusPlace | undefined;
  /** Only lines in which this text stands. */
  readonly mark?: string;
  readonly signal: AbortSignal;
}

const SLICE_BYTES = 64 * 1024;
/** `{"ts":"…","type":"`: 24 characters of time in it. */
const TYPE_AT = 41;

const typeIn = (text: string): string => text.slice(TYPE_AT, text.indexOf('"', TYPE_AT));

const lineOf = (text: string, sinceMs: number): FeedLine | undefined => {
  const line = tryParseLine(text);
  if (line === undefined) return undefined;
  const atMs = Date.parse(line.ts);
  if (!(atMs >= sinceMs)) return undefined;
  const { id, ts, type, entity, meta, data } = line;
  const event = feedEventOf({ id, ts, type, entity, metaJson: JSON.stringify(meta), dataJson: JSON.stringify(data) });
  return event === undefined ? undefined : { event, session: String(meta['session_id']), atMs };
};

async function* readPart(part: BusFilePart, fromByte: number, options: FeedLinesOptions): AsyncGenerator<FeedLines> {
  const { sinceMs, mark, signal } = options;
  const begins = await beginningOf(part, signal);
  let byte = fromByte;
  for await (const chunk of readChunks(part, { fromByte, signal })) {
    for (const slice of slicesOf(chunk, SLICE_BYTES)) {
      const start = { begins, byte };
      // What has no line feed yet may still be written to: it is read again.
      if (slice.kind !== 'rest') byte += slice.bytes.byteLength;
      const lines = linesOf(slice).flatMap(({ text, kind }) => {
        if (kind === 'torn' || !mayBeOnFeed(typeIn(text)) || (mark !== undefined && !text.includes(mark))) return [];
        return lineOf(text, sinceMs) ?? [];
      });
      yield { lines, start, end: { begins, byte } };
    }
  }
}

/**
 * Piece by piece, in the order of writing; a piece may hold none. `lost`: the place to begin at is not there any more.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason when it is aborted.
 */
export async function* readFeedLines(options: FeedLinesOptions): AsyncGenerator<FeedLines | 'lost'> {
  const file = findBusFile(options.busDir, options.file ?? ALPHA);
  if (file === undefined) return;
  const found = await partsFrom(options, file.parts);
  if (found === undefined) {
    yield 'lost';
    return;
  }
  let { fromByte } = found;
  for (const part of found.parts) {
    yield* readPart(part, fromByte, options);
    fromByte = 0;
  }
}

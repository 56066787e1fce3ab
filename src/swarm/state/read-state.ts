/**
 * Owns how the swarm's state is read: from what was kept of the last time, and the lines that came since. The Alpha calls
 * it now and then, so that whoever asks has little to read.
 */
import { existsSync } from 'node:fs';
import { ALPHA } from '../../bus/layout.ts';
import type { BusPlace } from '../../bus/query/bus-place.ts';
import { readTypes } from '../../bus/query/read-types.ts';
import { toTs } from '../../bus/query/time-span.ts';
import { findBusFile } from '../../bus/read/files.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { type KnownState, readKnownState, writeKnownState } from './state-file.ts';
import { STATE_TYPES } from '../../bus/query/state-types.ts';
import { SwarmState } from './swarm-state.ts';

export interface ReadStateOptions {
  readonly busDir: string;
  readonly signal: AbortSignal;
  /** Default: now. */
  readonly nowMs?: number;
  /** Told of bytes on disk as they were read. */
  readonly onRead?: (bytes: number, totalBytes: number) => void;
}

const HOUR_MS = 3_600_000;
/** What ended is kept for so long; what is asked of before is read anew. */
export const KEPT_MS = 72 * HOUR_MS;
/** Fewer new bytes are read again sooner than a file is written. */
const WORTH_KEEPING_BYTES = 256 * 1024;

interface Read {
  readonly place: BusPlace | undefined;
  readonly bytes: number;
  readonly isLost: boolean;
}

interface Span {
  readonly from?: BusPlace | undefined;
  /** Files that were last written to before are not read. */
  readonly sinceMs?: number;
  /** What ended before is not kept; as on the bus. */
  readonly keepTs?: string;
}

const readInto = async (state: SwarmState, span: Span, options: ReadStateOptions): Promise<Read> => {
  const { busDir, signal, onRead } = options;
  const { from, sinceMs = 0, keepTs = '' } = span;
  const told = onRead === undefined ? {} : { onRead };
  let place = from;
  let bytes = 0;
  for await (const piece of readTypes({ busDir, types: STATE_TYPES, sinceMs, from, signal, ...told })) {
    if (piece === 'lost') return { place: undefined, bytes: 0, isLost: true };
    for (const text of piece.texts) state.takeText(text, keepTs);
    state.endBatch();
    bytes += Math.max(0, piece.end.byte - (piece.end.begins === place?.begins ? place.byte : 0));
    place = piece.end;
  }
  state.settle();
  return { place, bytes, isLost: false };
};

const hasAlpha = (busDir: string): boolean => existsSync(busDir) && findBusFile(busDir, ALPHA) !== undefined;

/**
 * The state as it is now; it is kept in `run/digest/` where that spares the next one much.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason when it is aborted.
 */
export const readSwarmState = async (runDir: string, options: ReadStateOptions): Promise<KnownState> => {
  if (!hasAlpha(options.busDir)) return { state: new SwarmState(), place: undefined };
  const kept = readKnownState(runDir);
  let known: KnownState = kept ?? { state: new SwarmState(), place: undefined };
  const keepTs = toTs((options.nowMs ?? Date.now()) - KEPT_MS);
  let read = await readInto(known.state, { from: known.place, keepTs }, options);
  if (read.isLost) {
    known = { state: new SwarmState(), place: undefined }; // another bus, or its beginning is gone
    read = await readInto(known.state, { keepTs }, options);
  }
  const { state } = known;
  state.forgetBefore(keepTs);
  const now: KnownState = { state, place: read.place };
  if (read.bytes >= WORTH_KEEPING_BYTES) bestEffortSync('digest.state', () => writeKnownState(runDir, now));
  return now;
};

/** What came since a place of the alpha bus; `lost`: that is not there any more. @throws as {@link readSwarmState} */
export const readStateFrom = async (
  from: BusPlace | undefined,
  options: ReadStateOptions,
): Promise<KnownState | 'lost'> => {
  const state = new SwarmState();
  if (!hasAlpha(options.busDir)) return from === undefined ? { state, place: undefined } : 'lost';
  const { isLost, place } = await readInto(state, { from }, options);
  return isLost ? 'lost' : { state, place };
};

/** What came since a time. @throws as {@link readSwarmState} */
export const readStateSince = async (ts: string, options: ReadStateOptions): Promise<SwarmState> => {
  const state = new SwarmState();
  if (!hasAlpha(options.busDir)) return state;
  await readInto(state, { sinceMs: Date.parse(ts), keepTs: ts }, options);
  state.forgetBefore(ts);
  return state;
};

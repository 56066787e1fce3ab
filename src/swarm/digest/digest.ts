/**
 * Owns the digest: what somebody who follows the swarm with a small context must know and no more, the most important
 * first, in so many tokens at most. It works without a running Alpha, and without Redis.
 */
import { hostname } from 'node:os';
import type { BusPlace } from '../../bus/query/bus-place.ts';
import { toTs } from '../../bus/query/time-span.ts';
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { NikaError } from '../../model/error.ts';
import { readCurrentRecords } from '../../pod/registry/current-records.ts';
import type { FleetPod } from '../../telemetry/read-fleet.ts';
import { KEPT_MS, readStateFrom, readStateSince, type ReadStateOptions, readSwarmState } from '../state/read-state.ts';
import type { SwarmState } from '../state/swarm-state.ts';
import { cursorText, type DigestCursor, parseCursor } from './digest-cursor.ts';
import { gather } from './gather.ts';
import { checkMaxTokens, DEFAULT_MAX_TOKENS } from './max-tokens.ts';
import { openTokenCount } from './token-count.ts';
import { type Digest, type DigestManner, writeDigest } from './write-digest.ts';

export interface DigestRequest {
  readonly home: Home;
  readonly settings: Settings;
  /** Default: 800. */
  readonly maxTokens?: number;
  /** What ended since, ISO 8601; default: a day ago. Not with a cursor. */
  readonly since?: string;
  /** Only what is new since the digest that gave it. */
  readonly cursor?: string;
  readonly manner: DigestManner;
  readonly signal: AbortSignal;
  /** Default: now. */
  readonly nowMs?: number;
  /** Told of bytes of the alpha bus as they were read. */
  readonly onRead?: (bytes: number, totalBytes: number) => void;
}

const DAY_MS = 86_400_000;
/** A person waits for it, and the bus has nearly all. */
const FLEET_WITHIN_MS = 300;

interface Fleet {
  readonly pods: readonly FleetPod[];
  /** Why other hosts are not told of. */
  readonly missing?: string;
}

const readFleetSoon = async ({ redis }: Settings): Promise<Fleet> => {
  if (redis.kind === 'off') return { pods: [] };
  const { readFleet } = await import('../../telemetry/read-fleet.ts');
  const fleet = await readFleet(redis, FLEET_WITHIN_MS);
  return fleet.kind === 'read' ? { pods: fleet.pods } : { pods: [], missing: fleet.why };
};

interface Since {
  /** All that is open, and what ended lately. */
  readonly all: SwarmState;
  /** What came since. */
  readonly state: SwarmState;
  readonly ts: string;
  readonly newSinceMs: number | undefined;
  /** Where the next digest goes on. */
  readonly place: BusPlace | undefined;
}

/** What came since is read first: what comes meanwhile is told by the next digest, and by it alone. */
const sinceCursor = async (cursor: DigestCursor, runDir: string, options: ReadStateOptions): Promise<Since> => {
  const since = await readStateFrom(cursor.place, options);
  if (since === 'lost') throw new NikaError('NIKA_DIGEST_CURSOR', 'the place of the cursor on the bus is gone');
  const { state: all } = await readSwarmState(runDir, options);
  return { ...since, all, ts: '', newSinceMs: cursor.atMs };
};

const sinceTime = async (ts: string, runDir: string, options: ReadStateOptions & { nowMs: number }): Promise<Since> => {
  const { state: all, place } = await readSwarmState(runDir, options);
  const isKept = Date.parse(ts) >= options.nowMs - KEPT_MS;
  return { all, state: isKept ? all : await readStateSince(ts, options), ts, newSinceMs: undefined, place };
};

/**
 * @throws {NikaError} `NIKA_DIGEST_TOO_SMALL`, `NIKA_DIGEST_CURSOR`, `NIKA_BUS_UNREADABLE`; the signal's reason when it
 * is aborted.
 */
export const digestHome = async (request: DigestRequest): Promise<Digest> => {
  const { home, settings, cursor, signal, onRead, manner } = request;
  const { busDir, runDir } = home;
  const maxTokens = checkMaxTokens(request.maxTokens ?? DEFAULT_MAX_TOKENS);
  const nowMs = request.nowMs ?? Date.now(); // before anything is read: what changes meanwhile is new to the next one
  const from = cursor === undefined ? undefined : await parseCursor(cursor, busDir);
  const fleet = readFleetSoon(settings);
  const counting = openTokenCount();
  const { records } = await readCurrentRecords({ home, settings });
  const reading = { busDir, signal, nowMs, ...(onRead === undefined ? {} : { onRead }) };
  const sinceTs = request.since ?? toTs(nowMs - DAY_MS);
  const since =
    from === undefined ? await sinceTime(sinceTs, runDir, reading) : await sinceCursor(from, runDir, reading);
  const { pods, missing } = await fleet;
  const gathered = gather({
    state: since.all,
    since: since.state,
    sinceTs: since.ts,
    newSinceMs: since.newSinceMs,
    records,
    fleet: pods,
    host: hostname(),
    nowMs,
  });
  return writeDigest(gathered, {
    maxTokens,
    count: await counting,
    nowMs,
    cursor: cursorText(busDir, { place: since.place, atMs: nowMs }),
    span:
      from === undefined
        ? { kind: 'since', ms: nowMs - Date.parse(sinceTs) }
        : { kind: 'cursor', ms: nowMs - from.atMs },
    missing,
    manner,
  });
};

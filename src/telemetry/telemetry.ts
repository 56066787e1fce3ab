/**
 * Owns what a session leaves in Redis as it works: an entry per tool call, its heartbeat, the counters of the day, and its
 * field in the state of the fleet (seed: Redis Streams telemetry).
 *
 * T1. A tool call costs its maker the making of one small entry; all else happens when a batch is made (G1).
 * T2. The newest 5,000 entries are kept, whatever the outage; what Redis lost of them is brought again (G4, G6).
 */
import { NewestRing } from '../failopen/newest-ring.ts';
import type { SessionId } from '../model/id.ts';
import { type BatchKind, type BatchSource, type Part, partOf } from '../redis/batch-writer.ts';
import type { DayCounts } from '../redis/day-totals.ts';
import type { Keys } from '../redis/keys.ts';
import { addEvents, idOf, type StreamEntry } from '../redis/scripts/add-events.lua.ts';
import { setFleetField } from '../redis/scripts/set-fleet-field.lua.ts';
import { setState } from '../redis/scripts/set-state.lua.ts';
import { fleetValue, type SessionFacts, stateFields } from './session-facts.ts';
import { type RecordedToolCall, TOOL_CALL_FIELDS, toolCallEntry } from './tool-call-entry.ts';
import { ToolTotals } from './tool-totals.ts';

export interface TelemetryOptions {
  readonly keys: Keys;
  readonly session: SessionId;
  /** How the session stands now; `undefined`: there is nothing to say yet. */
  readonly facts: () => SessionFacts | undefined;
}

const RING_MAX_BYTES = 8 * 1024 * 1024;
const ENTRIES_PER_BATCH = 512;
/**
 * 25,000 entries a second at most, a tenth of what a server can do. Of a flood that is faster the ring lets go of the
 * oldest, which Redis would not keep either: 5,000 are kept there too. Counters know of all of them.
 */
const FULL_PAUSE_MS = 20;
/** The heartbeat is told at most so often, however many batches there are. */
const STATE_EVERY_MS = 250;

/** Of an entry, about: its parts and how they hang together, until it is sent. */
const memoryOf = (entry: StreamEntry): number => 2 * entry.length + 400;

/** -1, 0 or 1, of two `<milliseconds>-<number>`. */
const compareIds = (a: string, b: string): number => {
  const [aMs = 0, aNumber = 0] = a.split('-').map(Number);
  const [bMs = 0, bNumber = 0] = b.split('-').map(Number);
  return Math.sign(aMs - bMs || aNumber - bNumber);
};

export class Telemetry implements BatchSource {
  readonly #options: TelemetryOptions;
  readonly #ring: NewestRing<StreamEntry>;
  readonly #totals: ToolTotals;
  readonly fullPauseMs = FULL_PAUSE_MS;
  #believedLastId = '0-0';
  #offeredCount = 0;
  #rev = 0;
  #toldAtMs = -Infinity;

  constructor(options: TelemetryOptions) {
    this.#options = options;
    const { keys, session } = options;
    this.#ring = new NewestRing({ maxCount: keys.events(session).cap.maxCount ?? 0, maxBytes: RING_MAX_BYTES });
    this.#totals = new ToolTotals(keys, session);
  }

  get offeredCount(): number {
    return this.#offeredCount;
  }

  get waitingCount(): number {
    return this.#ring.waitingCount;
  }

  /** Entries that the ring let go before Redis had them. */
  get droppedCount(): number {
    return this.#ring.droppedCount;
  }

  /** Entries that Redis confirmed, each counted once. */
  get writtenCount(): number {
    return this.#ring.takenInCount;
  }

  /** Counts of tools that Redis has not confirmed. */
  get unconfirmedCounts(): readonly DayCounts[] {
    return this.#totals.unconfirmed;
  }

  /** T1 */
  offer(call: RecordedToolCall): void {
    const entry = toolCallEntry(call);
    this.#offeredCount += 1;
    this.#ring.push(entry, memoryOf(entry));
    this.#totals.add(call);
  }

  async nextParts(kind: BatchKind): Promise<readonly Part[]> {
    return [...this.#entryParts(kind), ...this.#factParts(kind), ...this.#totals.nextParts(kind)];
  }

  /** T2 */
  #entryParts(kind: BatchKind): readonly Part[] {
    const entries = this.#ring.take(ENTRIES_PER_BATCH);
    if (entries.length === 0 && (kind === 'due' || this.#believedLastId === '0-0')) return [];
    const { keys, session } = this.#options;
    const believedLastId = this.#believedLastId;
    const call = addEvents({ key: keys.events(session), believedLastId, fields: TOOL_CALL_FIELDS, entries });
    return [
      partOf(
        call,
        (outcome) => {
          const isAdded = outcome.kind === 'done' && outcome.value.kind === 'added';
          this.#ring.settle(isAdded);
          if (outcome.kind !== 'done') return;
          const { lastId } = outcome.value;
          if (outcome.value.kind === 'behind') this.#ring.rewind((entry) => compareIds(idOf(entry), lastId) <= 0);
          this.#believedLastId = lastId;
        },
        entries.length,
      ),
    ];
  }

  #factParts(kind: BatchKind): readonly Part[] {
    const nowMs = performance.now();
    if (kind === 'due' && nowMs - this.#toldAtMs < STATE_EVERY_MS) return [];
    const { keys, session, facts: factsNow } = this.#options;
    const facts = factsNow();
    if (facts === undefined) return [];
    this.#toldAtMs = nowMs;
    this.#rev += 1;
    return [
      partOf(setState({ key: keys.state(session), rev: this.#rev, fields: stateFields(facts) }), () => undefined),
      partOf(setFleetField({ key: keys.fleet, session, value: fleetValue(facts) }), () => undefined),
    ];
  }
}

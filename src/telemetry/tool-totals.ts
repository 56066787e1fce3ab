/**
 * Owns the counting of tool calls by tool and day, for `agent:metrics:{date}`: calls, errors, milliseconds.
 *
 * A call only adds to three numbers; names of fields, and what changed, are looked after when a batch is made (G1).
 */
import type { SessionId } from '../model/id.ts';
import type { BatchKind, Part } from '../redis/batch-writer.ts';
import { DAY_MS, type DayCounts, DayTotalsBook } from '../redis/day-totals.ts';
import type { Keys } from '../redis/keys.ts';
import type { RecordedToolCall } from './tool-call-entry.ts';

/** Of one tool, since the last batch. */
interface ToolCounts {
  readonly tool: string;
  calls: number;
  errors: number;
  ms: number;
}

const MAX_TOOLS = 200;
const OTHER = '(other)';

export class ToolTotals {
  readonly #book: DayTotalsBook;
  readonly #tools = new Map<string, ToolCounts>();
  /** Those of them that were called since the last batch. */
  #called: ToolCounts[] = [];
  /** On which that was: number of days since 1970, UTC. */
  #day = 0;

  constructor(keys: Keys, session: SessionId) {
    this.#book = new DayTotalsBook({ session, keyOf: keys.metrics });
  }

  add({ tool, isOk, atMs, durationMs }: RecordedToolCall): void {
    const day = Math.floor(atMs / DAY_MS);
    if (day !== this.#day) {
      this.#toBook();
      this.#day = day;
    }
    const counts = this.#tools.get(tool) ?? this.#meet(tool);
    if (counts.calls === 0) this.#called.push(counts);
    counts.calls += 1;
    if (!isOk) counts.errors += 1;
    counts.ms += Math.round(durationMs);
  }

  /** {@link DayTotalsBook.unconfirmed} */
  get unconfirmed(): readonly DayCounts[] {
    this.#toBook();
    return this.#book.unconfirmed;
  }

  nextParts(kind: BatchKind): readonly Part[] {
    this.#toBook();
    return this.#book.nextParts(kind);
  }

  #toBook(): void {
    const atMs = this.#day * DAY_MS;
    for (const counts of this.#called) {
      for (const name of ['calls', 'errors', 'ms'] as const) {
        if (counts[name] > 0) this.#book.add(atMs, `${counts.tool}:${name}`, counts[name]);
        counts[name] = 0;
      }
    }
    this.#called = [];
  }

  /** At most 200 names, the rest under `(other)` (G6). */
  #meet(tool: string): ToolCounts {
    const name = this.#tools.size < MAX_TOOLS ? tool : OTHER;
    const counts = this.#tools.get(name) ?? { tool: name, calls: 0, errors: 0, ms: 0 };
    this.#tools.set(name, counts);
    return counts;
  }
}

/** Owns what a session adds to `nika:ipc:metrics:{date}`: what went through Redis, what did not, and how often it was away. */
import type { SessionId } from '../model/id.ts';
import type { BatchKind, BatchSource, Part } from '../redis/batch-writer.ts';
import { type DayCounts, DayTotalsBook } from '../redis/day-totals.ts';
import type { Keys } from '../redis/keys.ts';

/** Totals of this session so far; they only rise. */
export interface IpcTotals {
  /** Entries on the feed. */
  readonly published: number;
  /** Entries on `agent:events`. */
  readonly events: number;
  /** Entries of both that came late, after an outage. */
  readonly replayed: number;
  readonly dropped: number;
  readonly outages: number;
}

const NAMES = ['published', 'events', 'replayed', 'dropped', 'outages'] as const;

export class IpcCounters implements BatchSource {
  readonly #book: DayTotalsBook;
  readonly #look: () => IpcTotals;
  #told: IpcTotals = { published: 0, events: 0, replayed: 0, dropped: 0, outages: 0 };

  constructor(keys: Keys, session: SessionId, look: () => IpcTotals) {
    this.#book = new DayTotalsBook({ session, keyOf: keys.ipcMetrics });
    this.#look = look;
  }

  /** 1: something was counted since the last batch; nobody else would send it. */
  get waitingCount(): number {
    const now = this.#look();
    return NAMES.some((name) => now[name] > this.#told[name]) ? 1 : 0;
  }

  /** Counts that Redis has not confirmed. */
  get unconfirmed(): readonly DayCounts[] {
    this.#toBook();
    return this.#book.unconfirmed;
  }

  async nextParts(kind: BatchKind): Promise<readonly Part[]> {
    this.#toBook();
    return this.#book.nextParts(kind);
  }

  #toBook(): void {
    const now = this.#look();
    for (const name of NAMES) {
      const more = now[name] - this.#told[name];
      if (more > 0) this.#book.add(Date.now(), name, more);
    }
    this.#told = now;
  }
}

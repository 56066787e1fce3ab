/**
 * Owns what a session counts by day (UTC), as totals that only rise: so they can be told again at any time (G4).
 *
 * D1. What was told and not confirmed is told again; what has not changed is told with each heartbeat alone.
 */
import type { Key } from './keys.ts';
import type { SessionId } from '../model/id.ts';
import { addCounters } from './scripts/add-counters.lua.ts';
import { type Part, partOf } from './batch-writer.ts';

export const DAY_MS = 86_400_000;
/** As long as such a hash lives; a session that lives longer forgets what is gone there too (G6). */
const KEPT_DAYS = 7;

interface DayTotals {
  readonly totals: Map<string, number>;
  /** Fields that changed since Redis last confirmed them. */
  changed: Set<string>;
}

export interface DayCounts {
  /** ISO 8601, its beginning, UTC. */
  readonly day: string;
  readonly totals: Readonly<Record<string, number>>;
}

export interface DayTotalsOptions {
  readonly session: SessionId;
  readonly keyOf: (day: Date) => Key;
}

export class DayTotalsBook {
  readonly #options: DayTotalsOptions;
  readonly #days = new Map<number, DayTotals>();

  constructor(options: DayTotalsOptions) {
    this.#options = options;
  }

  /** `atMs`: when it happened, by the wall clock. */
  add(atMs: number, field: string, count: number): void {
    const day = this.#dayOf(Math.floor(atMs / DAY_MS));
    day.totals.set(field, (day.totals.get(field) ?? 0) + count);
    day.changed.add(field);
  }

  /** By day, what Redis has not confirmed: all totals of such a day. */
  get unconfirmed(): readonly DayCounts[] {
    return Array.from(this.#days)
      .filter(([, { changed }]) => changed.size > 0)
      .map(([day, { totals }]) => ({ day: new Date(day * DAY_MS).toISOString(), totals: Object.fromEntries(totals) }));
  }

  /** D1 */
  nextParts(kind: 'due' | 'heartbeat'): readonly Part[] {
    return Array.from(this.#days, ([day, counts]) => this.#partOf(day, counts, kind)).filter(
      (part) => part !== undefined,
    );
  }

  #partOf(day: number, counts: DayTotals, kind: 'due' | 'heartbeat'): Part | undefined {
    const names = kind === 'heartbeat' ? [...counts.totals.keys()] : [...counts.changed];
    if (names.length === 0) return undefined;
    const told = counts.changed;
    counts.changed = new Set();
    const totals = Object.fromEntries(names.map((name) => [name, counts.totals.get(name) ?? 0]));
    const { session, keyOf } = this.#options;
    return partOf(addCounters({ key: keyOf(new Date(day * DAY_MS)), session, totals }), (outcome) => {
      if (outcome.kind === 'done') return;
      for (const name of told) counts.changed.add(name);
    });
  }

  #dayOf(day: number): DayTotals {
    const known = this.#days.get(day);
    if (known !== undefined) return known;
    for (const old of this.#days.keys()) if (Math.abs(old - day) > KEPT_DAYS) this.#days.delete(old);
    const made = { totals: new Map<string, number>(), changed: new Set<string>() };
    this.#days.set(day, made);
    return made;
  }
}

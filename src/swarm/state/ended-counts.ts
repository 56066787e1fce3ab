/** Owns how many jobs ended, hour by hour, of which nothing else is kept. Bounded (G6). */
import { z } from 'zod';
import type { EndState } from './swarm-entity.ts';

const HOUR_CHARS = '2026-11-20T11'.length;
const MAX_JOBS_PER_HOUR = 50;
/** Names beyond the first {@link MAX_JOBS_PER_HOUR}. */
export const OTHER_JOBS = 'other jobs';

/** By hour, then state, then job. */
export const endedCountsSchema = z.record(z.string(), z.record(z.string(), z.record(z.string(), z.int())));

export class EndedCounts {
  readonly #hours: Map<string, Map<string, Map<string, number>>>;

  constructor(kept: z.infer<typeof endedCountsSchema> = {}) {
    this.#hours = new Map(
      Object.entries(kept).map(([hour, states]) => [
        hour,
        new Map(Object.entries(states).map(([state, jobs]) => [state, new Map(Object.entries(jobs))])),
      ]),
    );
  }

  add({ endedAt, state, job }: { readonly endedAt: string; readonly state: EndState; readonly job: string }): void {
    const hour = endedAt.slice(0, HOUR_CHARS);
    const states = this.#hours.get(hour) ?? new Map<string, Map<string, number>>();
    this.#hours.set(hour, states);
    const jobs = states.get(state) ?? new Map<string, number>();
    states.set(state, jobs);
    const name = jobs.has(job) || jobs.size < MAX_JOBS_PER_HOUR ? job : OTHER_JOBS;
    jobs.set(name, (jobs.get(name) ?? 0) + 1);
  }

  /** By job, of those that ended in that state since the hour of that time. */
  since(ts: string, state: EndState): ReadonlyMap<string, number> {
    const sum = new Map<string, number>();
    for (const [hour, states] of this.#hours) {
      if (hour < ts.slice(0, HOUR_CHARS)) continue;
      for (const [job, count] of states.get(state) ?? []) sum.set(job, (sum.get(job) ?? 0) + count);
    }
    return sum;
  }

  forgetBefore(ts: string): void {
    for (const hour of this.#hours.keys()) if (hour < ts.slice(0, HOUR_CHARS)) this.#hours.delete(hour);
  }

  toJSON(): z.infer<typeof endedCountsSchema> {
    const plain = (jobs: ReadonlyMap<string, number>): Record<string, number> => Object.fromEntries(jobs);
    return Object.fromEntries(
      Array.from(this.#hours, ([hour, states]) => [
        hour,
        Object.fromEntries(Array.from(states, ([state, jobs]) => [state, plain(jobs)])),
      ]),
    );
  }
}

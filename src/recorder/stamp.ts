/** Owns time and id of a line that is written. */
import { createEventId } from '../model/event-id.ts';

export interface Stamp {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** UUID version 7, of that time. */
  readonly id: string;
}

export const stampNow = (): Stamp => {
  const atMs = Date.now();
  return { atMs, id: createEventId(atMs) };
};

let lastMs = -1;
let lastIso = '';

/** ISO 8601 of a time in milliseconds; the same millisecond is made into text once. */
export const isoTime = (atMs: number): string => {
  if (atMs !== lastMs) {
    lastMs = atMs;
    lastIso = new Date(atMs).toISOString();
  }
  return lastIso;
};

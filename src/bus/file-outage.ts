/** Owns how a file of the bus stands with its disk, and what an outage came to. */
import { errnoOf, errorMessage } from '../model/error.ts';

/** How long the file could not be written, and what became of the lines meanwhile. */
export interface FileOutage {
  readonly sinceMs: number;
  /** An errno code where there is one. */
  readonly cause: string;
  readonly buffered: number;
  readonly replayed: number;
  readonly dropped: number;
}

export interface Failing {
  kind: 'failing';
  sinceMs: number;
  cause: string;
  buffered: number;
  replayed: number;
  lastTryMs: number;
  /** A line was written since the last refusal. */
  isMended: boolean;
}

export type Health = { readonly kind: 'well' } | Failing;

/** The disk refused a line: a new outage, or one that goes on. */
export const failing = (before: Health, thrown: unknown): Failing => {
  const lastTryMs = Date.now();
  const cause = errnoOf(thrown) ?? errorMessage(thrown);
  const counts = before.kind === 'failing' ? before : { sinceMs: lastTryMs, buffered: 0, replayed: 0 };
  return { ...counts, kind: 'failing', cause, lastTryMs, isMended: false };
};

/** Several files' outages as one. */
export const addOutages = (a: FileOutage | undefined, b: FileOutage): FileOutage =>
  a === undefined
    ? b
    : {
        sinceMs: Math.min(a.sinceMs, b.sinceMs),
        cause: a.cause,
        buffered: a.buffered + b.buffered,
        replayed: a.replayed + b.replayed,
        dropped: a.dropped + b.dropped,
      };

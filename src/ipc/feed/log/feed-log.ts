/** Owns the plain reading of the feed, which takes nothing from any group. Every wait is bounded; failures are values. */
import type { CallOutcome } from '../../../redis/call-outcome.ts';
import type { Key } from '../../../redis/keys.ts';
import type { Argument, Link } from '../../../redis/link.ts';
import { type FeedChange, parseFeedChange } from '../feed-change.ts';

export interface LoggedChange {
  /** On the stream; not the event's. */
  readonly entry: string;
  /** `undefined`: somebody put there what is no change. */
  readonly change: FeedChange | undefined;
}

export type Logged<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

type RawEntry = readonly [entry: string, fields: readonly string[]];

/** Fields of an entry, as Redis gives them in one list. */
export const fieldsIn = (list: readonly string[]): Readonly<Record<string, string>> => {
  const fields: Record<string, string> = {};
  for (let at = 0; at + 1 < list.length; at += 2) fields[list[at] ?? ''] = list[at + 1] ?? '';
  return fields;
};

/** What XRANGE and XREVRANGE answer. */
export const entriesIn = (value: unknown): readonly RawEntry[] =>
  Array.isArray(value) ? (value as readonly RawEntry[]) : [];

const changesIn = (value: unknown): readonly LoggedChange[] =>
  entriesIn(value).map(([entry, fields]) => ({ entry, change: parseFeedChange(fieldsIn(fields)) }));

const CALL_OVER_BLOCK_MS = 2_500;

export class FeedLog {
  readonly #link: Link;
  readonly #feed: Key;
  readonly #signal: AbortSignal;

  constructor(link: Link, feed: Key, signal: AbortSignal) {
    this.#link = link;
    this.#feed = feed;
    this.#signal = signal;
  }

  /** From that entry or time (ms) on, the oldest first. */
  async from(start: string, count: number): Promise<Logged<readonly LoggedChange[]>> {
    return this.#ask('xrange', [this.#feed.name, start, '+', 'COUNT', count], changesIn);
  }

  /** Up to that entry, the newest first. */
  async before(end: string, count: number): Promise<Logged<readonly LoggedChange[]>> {
    return this.#ask('xrevrange', [this.#feed.name, end, '-', 'COUNT', count], changesIn);
  }

  /** What came after that entry, as soon as there is any. */
  async after(entry: string, count: number, blockMs: number): Promise<Logged<readonly LoggedChange[]>> {
    const args = ['COUNT', count, 'BLOCK', blockMs, 'STREAMS', this.#feed.name, entry];
    const read = (value: unknown): readonly LoggedChange[] => {
      const [stream] = Array.isArray(value) ? (value as readonly (readonly [string, unknown])[]) : [];
      return changesIn(stream?.[1]);
    };
    return this.#ask('xread', args, read, blockMs + CALL_OVER_BLOCK_MS);
  }

  async #ask<T>(
    name: string,
    args: readonly Argument[],
    read: (value: unknown) => T,
    withinMs?: number,
  ): Promise<Logged<T>> {
    const options = withinMs === undefined ? {} : { withinMs };
    const outcome: CallOutcome = await this.#link.call({ name, args }, options, this.#signal);
    return outcome.kind === 'done' ? { ok: true, value: read(outcome.value) } : { ok: false, why: outcome.why };
  }
}

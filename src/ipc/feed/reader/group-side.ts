/** Owns what a reader of a group says to Redis. Every wait is bounded; failures are values. */
import type { CallOutcome } from '../../../redis/call-outcome.ts';
import type { Keys } from '../../../redis/keys.ts';
import type { Argument, Command, Link } from '../../../redis/link.ts';
import { addDead, type DeadEntry } from '../../../redis/scripts/add-dead.lua.ts';
import { makeGroup } from '../../../redis/scripts/make-group.lua.ts';
import { runScript } from '../../../redis/scripts/script.ts';

export interface FeedEntry {
  /** On the stream; not the event's. */
  readonly entry: string;
  readonly fields: Readonly<Record<string, string>>;
}

export interface PendingEntry {
  readonly entry: string;
  /** How often it was taken or given so far. */
  readonly deliveries: number;
}

export interface TakenOver {
  readonly count: number;
  /** Gone from the stream; no longer pending. */
  readonly trimmedCount: number;
  /** Where to go on; `0-0`: all were looked at. */
  readonly cursor: string;
}

/** Why not. `group-gone`: it has to be made again, which is nothing that a person must be told. */
export type Failure = { readonly kind: 'away'; readonly why: string } | { readonly kind: 'group-gone' };
export type Asked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

const failed = (outcome: CallOutcome | undefined): { readonly ok: false; readonly failure: Failure } => {
  if (outcome === undefined || outcome.kind === 'done')
    return { ok: false, failure: { kind: 'away', why: 'not sent' } };
  // UNBLOCKED: the stream went while it was waited for.
  if (outcome.kind === 'refused' && (outcome.code === 'NOGROUP' || outcome.code === 'UNBLOCKED'))
    return { ok: false, failure: { kind: 'group-gone' } };
  return { ok: false, failure: { kind: 'away', why: outcome.why } };
};

type RawEntry = readonly [entry: string, fields: readonly string[] | null] | null;

const fieldsOf = (list: readonly string[]): Readonly<Record<string, string>> => {
  const fields: Record<string, string> = {};
  for (let at = 0; at + 1 < list.length; at += 2) fields[list[at] ?? ''] = list[at + 1] ?? '';
  return fields;
};

/** `undefined`: it is gone from the stream. */
const entryOf = (raw: RawEntry | undefined): FeedEntry | undefined => {
  const [entry, fields] = raw ?? [];
  return entry === undefined || fields === undefined || fields === null
    ? undefined
    : { entry, fields: fieldsOf(fields) };
};

/** Entries of the one stream that was asked for. */
const streamEntries = (value: unknown): readonly RawEntry[] => {
  if (!Array.isArray(value)) return [];
  const [stream] = value as readonly (readonly [string, readonly RawEntry[]])[];
  return stream?.[1] ?? [];
};

export class GroupSide {
  readonly #link: Link;
  readonly #keys: Keys;
  readonly #group: string;
  readonly #consumer: string;

  constructor(link: Link, keys: Keys, group: string, consumer: string) {
    this.#link = link;
    this.#keys = keys;
    this.#group = group;
    this.#consumer = consumer;
  }

  get isReady(): boolean {
    return this.#link.status.kind === 'ready';
  }

  async makeGroup(signal: AbortSignal): Promise<Asked<'made' | 'there'>> {
    const outcome = await runScript(this.#link, makeGroup(this.#keys.feed, this.#group), {}, signal);
    return outcome.kind === 'done' ? { ok: true, value: outcome.value } : failed(outcome);
  }

  /** New ones; what is done is acknowledged with the same write. Without `blockMs` it does not wait. */
  async readNew(
    {
      count,
      blockMs,
      done,
    }: { readonly count: number; readonly blockMs: number | undefined; readonly done: readonly string[] },
    signal: AbortSignal,
  ): Promise<Asked<readonly FeedEntry[]>> {
    const wait = blockMs === undefined ? [] : ['BLOCK', blockMs];
    const args = ['GROUP', this.#group, this.#consumer, 'COUNT', count, ...wait, 'STREAMS', this.#keys.feed.name, '>'];
    const outcome = await this.#afterAck(done, { name: 'xreadgroup', args }, signal);
    if (!outcome.ok) return outcome;
    return { ok: true, value: streamEntries(outcome.value).flatMap((raw) => entryOf(raw) ?? []) };
  }

  /** A page of what this consumer has taken and not acknowledged. */
  async pending(
    {
      after,
      count,
      done,
    }: { readonly after: string | undefined; readonly count: number; readonly done: readonly string[] },
    signal: AbortSignal,
  ): Promise<Asked<readonly PendingEntry[]>> {
    const from = after === undefined ? '-' : `(${after}`;
    const args = [this.#keys.feed.name, this.#group, from, '+', count, this.#consumer];
    const outcome = await this.#afterAck(done, { name: 'xpending', args }, signal);
    if (!outcome.ok) return outcome;
    const rows = outcome.value as readonly (readonly [string, string, number, number])[];
    return { ok: true, value: rows.map(([entry, , , deliveries]) => ({ entry, deliveries })) };
  }

  /** Takes one that is this consumer's already: it counts as one delivery more. `undefined`: it is gone from the stream. */
  async take(entry: string, signal: AbortSignal): Promise<Asked<FeedEntry | undefined>> {
    const outcome = await this.#ask('xclaim', [this.#feed, this.#group, this.#consumer, 0, entry], signal);
    return outcome.ok ? { ok: true, value: entryOf((outcome.value as readonly RawEntry[])[0]) } : outcome;
  }

  /** A sign of life for those that are held. */
  async renew(entries: readonly string[], signal: AbortSignal): Promise<Asked<unknown>> {
    return this.#ask('xclaim', [this.#feed, this.#group, this.#consumer, 0, ...entries, 'JUSTID'], signal);
  }

  /** Makes it this consumer's what others have held for so long; it does not count as a delivery. */
  async takeOver(minIdleMs: number, cursor: string, count: number, signal: AbortSignal): Promise<Asked<TakenOver>> {
    const args = [this.#feed, this.#group, this.#consumer, minIdleMs, cursor, 'COUNT', count, 'JUSTID'];
    const outcome = await this.#ask('xautoclaim', args, signal);
    if (!outcome.ok) return outcome;
    const [next, taken, gone = []] = outcome.value as [string, readonly string[], (readonly string[])?];
    return { ok: true, value: { count: taken.length, trimmedCount: gone.length, cursor: next } };
  }

  async acknowledge(entries: readonly string[], signal?: AbortSignal, withinMs?: number): Promise<Asked<unknown>> {
    const options = withinMs === undefined ? {} : { withinMs };
    const outcome = await this.#link.call(this.#ack(entries), options, signal);
    return outcome.kind === 'done' ? { ok: true, value: outcome.value } : failed(outcome);
  }

  async addDead(dead: Omit<DeadEntry, 'group'>, signal: AbortSignal): Promise<Asked<string>> {
    const call = addDead(this.#keys.deadFeed, { ...dead, group: this.#group });
    const outcome = await runScript(this.#link, call, {}, signal);
    return outcome.kind === 'done' ? { ok: true, value: outcome.value } : failed(outcome);
  }

  get #feed(): string {
    return this.#keys.feed.name;
  }

  #ack(entries: readonly string[]): Command {
    return { name: 'xack', args: [this.#feed, this.#group, ...entries] };
  }

  async #afterAck(done: readonly string[], command: Command, signal: AbortSignal): Promise<Asked<unknown>> {
    const commands = done.length === 0 ? [command] : [this.#ack(done), command];
    const outcomes = await this.#link.callAll(commands, {}, signal);
    const bad = outcomes.find(({ kind }) => kind !== 'done');
    const last = outcomes.at(-1);
    return bad !== undefined || last?.kind !== 'done' ? failed(bad) : { ok: true, value: last.value };
  }

  async #ask(name: string, args: readonly Argument[], signal: AbortSignal): Promise<Asked<unknown>> {
    const outcome = await this.#link.call({ name, args }, {}, signal);
    return outcome.kind === 'done' ? { ok: true, value: outcome.value } : failed(outcome);
  }
}

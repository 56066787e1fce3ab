/** Owns what reconcile asks of the feed and writes to it. Every wait is bounded; failures are values. */
import { setTimeout as delay } from 'node:timers/promises';
import type { CallOutcome } from '../../redis/call-outcome.ts';
import type { Key } from '../../redis/keys.ts';
import type { Link } from '../../redis/link.ts';
import { type FeedEvent, publish, type PublishAnswer } from '../../redis/scripts/publish.lua.ts';
import { runScript } from '../../redis/scripts/script.ts';

export type Reply<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

const CALL_MS = 3_000;
const PAGE_COUNT = 1_000;
const TRIES = 5;
const FIRST_PAUSE_MS = 100;
const READY_MS = 1_000;

const whyOf = (outcome: CallOutcome | undefined): string =>
  outcome === undefined || outcome.kind === 'done' ? 'no answer' : outcome.why;

/** What TIME answers. */
const msOf = (time: unknown): number => {
  const [seconds = 0, micros = 0] = (time as readonly unknown[]).map(Number);
  return seconds * 1000 + Math.floor(micros / 1000);
};

type Entry = readonly [id: string, fields: readonly string[]];

const entriesOf = (value: unknown): readonly Entry[] => (Array.isArray(value) ? (value as readonly Entry[]) : []);

const nextId = (id: string): string => `(${id}`;

export interface FeedEntry {
  readonly id: string;
  /** `undefined`: somebody put it there who gives none. */
  readonly eventId: string | undefined;
}

const entryOf = ([id, fields]: Entry): FeedEntry => {
  const at = fields.indexOf('id');
  return { id, eventId: at < 0 ? undefined : fields[at + 1] };
};

export class FeedSide {
  readonly #link: Link;
  readonly #feed: Key;
  readonly #signal: AbortSignal;
  /** The entry after which comes what is published next: it must be there, or Redis lost its data. */
  afterId: string | undefined;

  constructor(link: Link, feed: Key, signal: AbortSignal) {
    this.#link = link;
    this.#feed = feed;
    this.#signal = signal;
  }

  /** Redis's own clock. */
  async nowMs(): Promise<Reply<number>> {
    const outcome = await this.#call('time');
    if (outcome.kind !== 'done') return { ok: false, why: whyOf(outcome) };
    return { ok: true, value: msOf(outcome.value) };
  }

  async newestId(): Promise<Reply<string | null>> {
    const outcome = await this.#call('xrevrange', this.#feed.name, '+', '-', 'COUNT', 1);
    if (outcome.kind !== 'done') return { ok: false, why: whyOf(outcome) };
    return { ok: true, value: entriesOf(outcome.value)[0]?.[0] ?? null };
  }

  /** Whether the entry is there, or had to go: by its age, or because the feed is full. */
  async isAccountedFor(id: string): Promise<Reply<boolean>> {
    const { maxAgeMs = 0, maxCount = Infinity } = this.#feed.cap;
    const commands = [
      { name: 'time', args: [] },
      { name: 'xrange', args: [this.#feed.name, id, id] },
      { name: 'xlen', args: [this.#feed.name] },
    ];
    const [time, there, length] = await this.#link.callAll(commands, { withinMs: CALL_MS }, this.#signal);
    if (time?.kind !== 'done') return { ok: false, why: whyOf(time) };
    if (there?.kind !== 'done') return { ok: false, why: whyOf(there) };
    if (length?.kind !== 'done') return { ok: false, why: whyOf(length) };
    const isDue = Number(id.split('-')[0]) < msOf(time.value) - maxAgeMs;
    return { ok: true, value: isDue || entriesOf(there.value).length > 0 || Number(length.value) >= maxCount };
  }

  /** The entries between two ids, those included, in pages. It ends with the first that could not be had. */
  async *pages(fromId: string, untilId: string): AsyncGenerator<Reply<readonly FeedEntry[]>> {
    for (let from = fromId; ;) {
      const outcome = await this.#call('xrange', this.#feed.name, from, untilId, 'COUNT', PAGE_COUNT);
      if (outcome.kind !== 'done') {
        yield { ok: false, why: whyOf(outcome) };
        return;
      }
      const entries = entriesOf(outcome.value);
      yield { ok: true, value: entries.map(entryOf) };
      const last = entries.at(-1);
      if (last === undefined || entries.length < PAGE_COUNT) return;
      from = nextId(last[0]);
    }
  }

  /**
   * In order; what was sent without an answer is looked for before it is written again. How many it was; `lost`: none,
   * since Redis lost its data meanwhile.
   */
  async publish(events: readonly FeedEvent[]): Promise<Reply<number | 'lost'>> {
    let outcome: CallOutcome<PublishAnswer> = { kind: 'unsent', why: 'not tried' };
    for (let nth = 0; nth < TRIES && !this.#signal.aborted; nth += 1) {
      if (nth > 0) await this.#pause(nth);
      const call = publish({ key: this.#feed, events, afterId: this.afterId, isAgain: true });
      outcome = await runScript(this.#link, call, { withinMs: CALL_MS }, this.#signal);
      if (outcome.kind !== 'done') continue;
      if (outcome.value.kind === 'lost') return { ok: true, value: 'lost' };
      this.afterId = outcome.value.lastId;
      // Sent again, it may be an earlier try of ours that put them there.
      return { ok: true, value: nth === 0 ? outcome.value.addedCount : events.length };
    }
    return { ok: false, why: whyOf(outcome) };
  }

  async #pause(nth: number): Promise<void> {
    try {
      await delay(FIRST_PAUSE_MS * 2 ** nth, undefined, { signal: this.#signal });
    } catch {
      return; // given up: told by the signal
    }
    await this.#link.untilReady(READY_MS, this.#signal);
  }

  async #call(name: string, ...args: readonly (string | number)[]): Promise<CallOutcome> {
    return this.#link.call({ name, args }, { withinMs: CALL_MS }, this.#signal);
  }
}

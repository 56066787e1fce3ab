/**
 * Owns the following of one job's signals on its stream, from a place on, until it is closed.
 *
 * D1. Nothing throws out of it: what Redis does (away, hung, emptied, restarted) is waited for and gone on after.
 * D2. It waits in XREAD on a connection of its own, which is open only as long as it is.
 * D3. Whoever takes the signals says when there is room for more: until then they stay in Redis.
 * D4. Entries that were trimmed before they were read are counted as a gap (G3).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import type { EntityId } from '../../model/id.ts';
import type { CallOutcome } from '../../redis/call-outcome.ts';
import type { Key } from '../../redis/keys.ts';
import type { Link } from '../../redis/link.ts';
import { READ_BLOCK_MS } from '../../redis/link-options.ts';
import { type Signal, tryReadSignal } from './signal.ts';

export interface SignalReaderOptions {
  /** A reader link; this closes it. May reject: it is tried again. */
  readonly openLink: () => Promise<Link>;
  readonly key: Key;
  readonly job: EntityId;
  /** Read is what comes after it; `0-0`: all that is there. */
  readonly afterId: string;
  /** In their order, each with Redis's id. */
  readonly onSignals: (signals: readonly ReadSignal[]) => void;
  /** Resolves when there is room for more; at once, as a rule. */
  readonly untilRoom?: (signal: AbortSignal) => Promise<void>;
}

export interface ReadSignal {
  readonly signal: Signal;
  readonly entryId: string;
}

type Entry = readonly [id: string, fields: readonly string[]];

const READ_COUNT = 100;
const CONNECT_MS = 1_000;
const AGAIN_MS = 200;
export const BEGINNING = '0-0';

/** By protocol a map, or a list of names and values by turns. */
const entriesOf = (reply: unknown): readonly Entry[] => {
  if (reply === null || typeof reply !== 'object') return [];
  const first: unknown = Array.isArray(reply) ? (reply as readonly unknown[])[0] : Object.values(reply)[0];
  if (!Array.isArray(reply)) return (first as readonly Entry[] | undefined) ?? [];
  return Array.isArray(first) ? ((first as readonly unknown[])[1] as readonly Entry[]) : [];
};

const idParts = (id: string): readonly [number, number] => {
  const [ms = '0', seq = '0'] = id.split('-');
  return [Number(ms), Number(seq)];
};

const isBefore = (a: string, b: string): boolean => {
  const [aMs, aSeq] = idParts(a);
  const [bMs, bSeq] = idParts(b);
  return aMs < bMs || (aMs === bMs && aSeq < bSeq);
};

/** Redis's id of the last entry; {@link BEGINNING}: there is none, or nobody can tell. */
export const readLastId = async (link: Link, key: Key, withinMs: number): Promise<string> => {
  const outcome = await link.call({ name: 'xrevrange', args: [key.name, '+', '-', 'COUNT', 1] }, { withinMs });
  const [last] = outcome.kind === 'done' ? (outcome.value as readonly Entry[]) : [];
  return last?.[0] ?? BEGINNING;
};

export interface LastSignals {
  readonly key: Key;
  readonly job: EntityId;
  readonly count: number;
  /** By Redis's clock. */
  readonly sinceMs: number | undefined;
}

/** The newest ones that are there, the oldest first, and the id of the last entry. */
export const readLastSignals = async (
  link: Link,
  { key, job, count, sinceMs }: LastSignals,
): Promise<CallOutcome<{ readonly signals: readonly Signal[]; readonly lastId: string }>> => {
  const args = [key.name, '+', sinceMs === undefined ? '-' : sinceMs, 'COUNT', Math.max(1, count)];
  const outcome = await link.call({ name: 'xrevrange', args });
  if (outcome.kind !== 'done') return outcome;
  const entries = (outcome.value as readonly Entry[]).toReversed();
  const signals = entries.flatMap(([entryId, fields]) => tryReadSignal(entryId, fields, job) ?? []);
  const lastId = entries.at(-1)?.[0] ?? (sinceMs === undefined ? BEGINNING : `${sinceMs}-0`);
  return { kind: 'done', value: { signals: count === 0 ? [] : signals, lastId } };
};

export class SignalReader implements AsyncDisposable {
  readonly #options: SignalReaderOptions;
  readonly #end = new AbortController();
  readonly #running: Promise<void>;
  #lastId: string;
  #gaps = 0;
  #unreadable = 0;

  constructor(options: SignalReaderOptions) {
    this.#options = options;
    this.#lastId = options.afterId;
    this.#running = this.#run();
  }

  /** Redis's id of what was read last. */
  get lastId(): string {
    return this.#lastId;
  }

  /** How often something was trimmed before it was read (D4). */
  get gapCount(): number {
    return this.#gaps;
  }

  /** Entries of others that are no signals: passed over (G3). */
  get unreadableCount(): number {
    return this.#unreadable;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  /** D1 */
  async #run(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      try {
        await using link = await this.#options.openLink();
        const close = (): void => void link.close().catch(() => undefined); // it does not reject
        signal.addEventListener('abort', close, { once: true });
        await this.#follow(link);
      } catch (thrown) {
        bestEffortSync('signals.read', () => {
          throw thrown;
        });
        await this.#pause();
      }
    }
  }

  async #follow(link: Link): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      if (!(await link.untilReady(CONNECT_MS, signal))) {
        if (link.status.kind !== 'connecting') await this.#pause();
        continue;
      }
      const hadRoom = this.#options.untilRoom?.(signal);
      await hadRoom; // D3
      if (signal.aborted) return;
      await this.#read(link);
    }
  }

  async #read(link: Link): Promise<void> {
    const { key, job, onSignals } = this.#options;
    const asked = this.#lastId;
    const args = ['COUNT', READ_COUNT, 'BLOCK', READ_BLOCK_MS, 'STREAMS', key.name, asked];
    const outcome = await link.call({ name: 'xread', args }, {}, this.#end.signal);
    if (outcome.kind !== 'done') {
      await this.#pause();
      return;
    }
    const entries = entriesOf(outcome.value);
    const last = entries.at(-1);
    if (last === undefined) {
      await this.#lookForReset(link);
      return;
    }
    if (entries.length === READ_COUNT && asked !== BEGINNING) await this.#lookForGap(link, asked);
    this.#lastId = last[0];
    const signals = entries.flatMap(([entryId, fields]) => {
      const read = tryReadSignal(entryId, fields, job);
      return read === undefined ? [] : [{ signal: read, entryId }];
    });
    this.#unreadable += entries.length - signals.length;
    bestEffortSync('signals.take', () => onSignals(signals));
  }

  /** A Redis that lost its data, and whose clock is behind, gives ids before ours: all that is there is read again. */
  async #lookForReset(link: Link): Promise<void> {
    if (this.#lastId === BEGINNING) return;
    const last = await readLastId(link, this.#options.key, READ_BLOCK_MS);
    if (last !== BEGINNING && isBefore(last, this.#lastId)) this.#lastId = BEGINNING;
  }

  /** D4: a reader that is behind finds the place it read up to no more, and the stream full. */
  async #lookForGap(link: Link, asked: string): Promise<void> {
    const { key } = this.#options;
    const commands = [
      { name: 'xrange', args: [key.name, asked, asked, 'COUNT', 1] },
      { name: 'xlen', args: [key.name] },
    ];
    const [there, length] = await link.callAll(commands, { withinMs: READ_BLOCK_MS }, this.#end.signal);
    const isGone = there?.kind === 'done' && (there.value as readonly Entry[]).length === 0;
    const isFull = length?.kind === 'done' && Number(length.value) >= (key.cap.maxCount ?? Infinity);
    if (isGone && isFull) this.#gaps += 1;
  }

  async #pause(): Promise<void> {
    await delay(AGAIN_MS, undefined, { signal: this.#end.signal, ref: false }).catch(() => undefined); // it ends
  }
}

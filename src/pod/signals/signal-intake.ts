/**
 * Owns what a pod reads of its stream in Redis: all of it while somebody listens, else only answers to its own requests.
 * Nothing is opened before it is wanted.
 */
import { type ReadSignal, readLastId, SignalReader } from '../../ipc/signals/signal-reader.ts';
import type { SignalWay, NoWay } from '../../ipc/signals/signal-outbox.ts';
import type { RedisTarget } from '../../config/redis/redis-settings.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
import type { EntityId } from '../../model/id.ts';
import { createKeys, type Keys } from '../../redis/keys.ts';
import type { Link } from '../../redis/link.ts';

export interface SignalIntakeOptions {
  readonly target: RedisTarget;
  readonly getWay: () => Promise<SignalWay | NoWay>;
  readonly onSignals: (signals: readonly ReadSignal[]) => void;
  /** Only answers of them are of interest. */
  readonly onReplies: (signals: readonly ReadSignal[]) => void;
  readonly untilRoom: (signal: AbortSignal) => Promise<void>;
}

const PLACE_WITHIN_MS = 500;
const CLOSE_MS = 500;

export class SignalIntake {
  readonly #options: SignalIntakeOptions;
  readonly #keys: Keys;
  #listening: SignalReader | undefined;
  #replies: { readonly job: EntityId; readonly reader: Promise<SignalReader> } | undefined;
  #gaps = 0;
  #unreadable = 0;
  /** Up to where it was read. */
  #placeId: string;

  constructor(options: SignalIntakeOptions, placeId: string) {
    this.#options = options;
    this.#keys = createKeys(options.target.prefix);
    this.#placeId = placeId;
  }

  get placeId(): string {
    return this.#listening?.lastId ?? this.#placeId;
  }

  get gapCount(): number {
    return this.#gaps + (this.#listening?.gapCount ?? 0);
  }

  get unreadableCount(): number {
    return this.#unreadable + (this.#listening?.unreadableCount ?? 0);
  }

  listen(job: EntityId): void {
    const { onSignals, untilRoom } = this.#options;
    this.#listening ??= new SignalReader({ ...this.#readerOf(job), afterId: this.#placeId, onSignals, untilRoom });
  }

  /** Nobody listens any more: what comes stays in Redis. `repliesOf`: whose answers are still waited for. */
  unlisten(repliesOf?: EntityId): void {
    const reader = this.#listening;
    if (reader === undefined) return;
    this.#placeId = reader.lastId;
    this.#gaps += reader.gapCount;
    this.#unreadable += reader.unreadableCount;
    this.#listening = undefined;
    closeSoon(reader);
    if (repliesOf === undefined || this.#replies !== undefined) return;
    this.#readRepliesAfter(repliesOf, reader.lastId);
  }

  /**
   * Resolves when no answer that comes to the stream of that job from now on is missed. Never rejects.
   * `isHeldUp`: who listens takes no more now; the answer stands behind what waits for him.
   */
  async awaitReplies(job: EntityId, isHeldUp: boolean): Promise<void> {
    if (this.#listening !== undefined && this.#replies === undefined) {
      if (isHeldUp) this.#readRepliesAfter(job, this.#listening.lastId);
      return;
    }
    if (this.#replies?.job !== job) {
      if (this.#replies !== undefined) this.#replies.reader.then(closeSoon, () => undefined);
      this.#replies = { job, reader: this.#readReplies(job) };
    }
    await this.#replies.reader;
  }

  async close(): Promise<void> {
    this.unlisten();
    const reader = await this.#replies?.reader;
    await reader?.[Symbol.asyncDispose]();
  }

  #readRepliesAfter(job: EntityId, afterId: string): void {
    const reader = new SignalReader({ ...this.#readerOf(job), afterId, onSignals: this.#options.onReplies });
    this.#replies = { job, reader: Promise.resolve(reader) };
  }

  async #readReplies(job: EntityId): Promise<SignalReader> {
    const way = await this.#options.getWay();
    const key = this.#keys.signals(job);
    const afterId = 'link' in way ? await readLastId(way.link, key, PLACE_WITHIN_MS) : '0-0';
    return new SignalReader({ ...this.#readerOf(job), afterId, onSignals: this.#options.onReplies });
  }

  #readerOf(job: EntityId) {
    const { target } = this.#options;
    const openLink = async (): Promise<Link> => (await import('../../redis/link.ts')).openReader(target);
    return { openLink, key: this.#keys.signals(job), job };
  }
}

const closeSoon = (reader: SignalReader): void => {
  bestEffort('signals.close', { withinMs: CLOSE_MS }, () => reader[Symbol.asyncDispose]()).then(
    () => undefined,
    () => undefined, // it does not reject
  );
};

/**
 * Owns the changes that a subscription is given: those of its group on the feed, and those on the bus of its home while
 * Redis is away or where there is none (G1, G4).
 *
 * H1. Each once: both sides go by the ids that were handled, which are kept in a file. One at a time, whichever gives it.
 * H2. From the bus is given from when the feed cannot be read until it has caught up: there is no gap in between.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { RedisTarget } from '../../config/redis/redis-settings.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { type FeedChange, isSignificantChange } from '../../ipc/feed/feed-change.ts';
import type { FeedReader, Handled, ReaderStatus } from '../../ipc/feed/reader/feed-reader.ts';
import { SeenIds } from '../../ipc/feed/reader/seen-ids.ts';
import { BusChanges } from './bus-changes.ts';
import type { ChangeOrigin, ChangeSource, SourceOptions } from './change-source.ts';

export interface HomeSourceOptions extends SourceOptions {
  readonly busDir: string;
  /** `undefined`: no Redis is configured. */
  readonly target: RedisTarget | undefined;
  readonly group: string;
  readonly consumer: string;
  readonly seenFile: string;
  readonly only: 'significant' | 'all';
  readonly onStatus?: (status: SourceStatus) => void;
}

export type SourceStatus =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'feed' }
  /** Local only. */
  | { readonly kind: 'bus'; readonly why: string };

const LOOK_EVERY_MS = 100;
const NO_REDIS = 'no Redis is configured';

class HomeSource implements ChangeSource {
  readonly #options: HomeSourceOptions;
  readonly #seen: SeenIds;
  readonly #held = new Set<string>();
  /** What is given now, and whether it was acknowledged before it is held. */
  #current = { eventId: '', isAcknowledged: false };
  readonly #bus: BusChanges;
  readonly ended: Promise<void>;
  #reader: FeedReader | undefined;
  #status: SourceStatus = { kind: 'connecting' };
  /** H1 */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: HomeSourceOptions) {
    this.#options = options;
    this.#seen = new SeenIds(options.seenFile);
    this.#bus = new BusChanges(options.busDir);
    this.ended = this.#run();
  }

  acknowledge(eventId: string): void {
    if (this.#current.eventId === eventId) this.#current.isAcknowledged = true;
    if (!this.#held.delete(eventId)) return;
    this.#note(eventId);
    this.#reader?.acknowledge(eventId);
  }

  async #run(): Promise<void> {
    const { target, group, consumer, seenFile, only, signal } = this.#options;
    if (target === undefined) this.#set({ kind: 'bus', why: NO_REDIS });
    else {
      const { startFeedReader } = await import('../../ipc/feed/reader/group-reader.ts');
      const handle = async (change: FeedChange): Promise<Handled> => this.#give(change, 'feed');
      const onStatus = (status: ReaderStatus): void => this.#hear(status);
      this.#reader = startFeedReader({ target, group, consumer, seenFile, only, handle, onStatus, signal });
    }
    while (!signal.aborted) {
      if (this.#status.kind === 'bus' && this.#mayHaveMore()) await this.#giveFromBus();
      await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
    await this.#reader?.ended;
    await this.#turn;
    this.#seen[Symbol.dispose]();
  }

  #mayHaveMore(): boolean {
    return bestEffortSync('subscribe.look', () => this.#bus.hasMore()) ?? false;
  }

  /** H2 */
  async #giveFromBus(): Promise<void> {
    const { only, signal } = this.#options;
    this.#seen.refresh();
    try {
      for await (const changes of this.#bus.readOn(signal)) {
        for (const change of changes) {
          if (signal.aborted) return;
          if (only === 'all' || isSignificantChange(change)) await this.#give(change, 'bus');
        }
      }
    } catch {
      // the bus cannot be read now: the next look
    }
  }

  #hear(status: ReaderStatus): void {
    if (status.kind === 'away') this.#set({ kind: 'bus', why: status.why });
    if (status.kind === 'reading' && (status.isCaughtUp || this.#status.kind !== 'bus')) this.#set({ kind: 'feed' });
  }

  #set(status: SourceStatus): void {
    if (status.kind === this.#status.kind) return;
    this.#status = status;
    bestEffortSync('subscribe.status', () => this.#options.onStatus?.(status));
  }

  /** H1 */
  #give(change: FeedChange, origin: ChangeOrigin): Promise<Handled> {
    const given = this.#turn.then(async (): Promise<Handled> => {
      if (this.#held.has(change.id)) return 'held';
      if (this.#seen.has(change.id)) return undefined;
      this.#options.signal.throwIfAborted();
      const current = { eventId: change.id, isAcknowledged: false };
      this.#current = current;
      const handled = await this.#options.handle(change, origin);
      if (handled === 'held' && !current.isAcknowledged) {
        this.#held.add(change.id);
        return handled;
      }
      this.#note(change.id);
      return undefined;
    });
    this.#turn = given.catch(() => undefined);
    return given;
  }

  #note(eventId: string): void {
    this.#seen.add(eventId);
    this.#seen.flush();
  }
}

export const startHomeSource = (options: HomeSourceOptions): ChangeSource => new HomeSource(options);

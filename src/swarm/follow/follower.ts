/**
 * Owns the following of the swarm: changes from the feed, and from the bus of this home while Redis is away or where none
 * is configured (G1, G4).
 *
 * F1. The same events in the same order per entity, each once. Both sides give an entity's events in their order and
 *     completely from a place on before which all was handled; so whichever gives one first, what is seen first of each is
 *     in order. Between two restarts the ids that were handled are kept in a file.
 * F2. From the bus is given from when the feed cannot be read until it has caught up: there is no gap in between.
 * F3. Nothing here throws out of its loops; it ends within a second of its signal.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AlphaWake } from '../../bus/query/alpha-wake.ts';
import type { RedisTarget } from '../../config/redis/redis-settings.ts';
import { bestEffort, bestEffortSync } from '../../failopen/best-effort.ts';
import type { FeedChange } from '../../ipc/feed/feed-change.ts';
import type { FeedReader, ReaderStatus, StartFeedReader } from '../../ipc/feed/reader/feed-reader.ts';
import { errorMessage } from '../../model/error.ts';
import { BusSide } from './bus-side.ts';
import { claimPending } from './claim-pending.ts';
import { readFeedIds } from './feed-ids.ts';
import { SeenIds } from './seen-ids.ts';

export type FollowSource =
  | 'feed'
  /** Of this home alone: Redis is away, or there is none. */
  | 'bus';

export interface Followed {
  readonly change: FeedChange;
  readonly source: FollowSource;
}

export type FollowStatus =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'feed'; readonly isCaughtUp: boolean }
  | { readonly kind: 'bus'; readonly sinceAtMs: number; readonly why: string }
  | { readonly kind: 'stopped' };

export interface FollowerOptions {
  readonly busDir: string;
  /** Where is kept what was handled, and up to where. */
  readonly stateDir: string;
  /** `undefined`: no Redis is configured. */
  readonly target: RedisTarget | undefined;
  readonly startReader: StartFeedReader;
  /** Whether it holds the role over all hosts: then what others of the group had taken is its own. */
  readonly isAlone: boolean;
  readonly group: string;
  /** The same after a restart. */
  readonly consumer: string;
  /** One at a time. Once it resolves the change is not given again; where it rejects, it is, after a pause. */
  readonly handle: (followed: Followed, signal: AbortSignal) => Promise<void>;
  /** How often one from the bus is given before it is passed over. Default 5. */
  readonly deliveries?: number;
  /** What a consumer has held for so long without a sign of life is taken over. */
  readonly minIdleMs?: number;
  readonly onStatus?: (status: FollowStatus) => void;
  /** One of the bus was given up. */
  readonly onGivenUp?: (change: FeedChange, why: string) => void;
  readonly signal: AbortSignal;
}

const NO_REDIS = 'no Redis is configured';
/** So long a first connection may take. */
const CONNECT_MS = 2_000;
const CLAIM_MS = 5_000;
/** While the feed is read. */
const LOOK_EVERY_MS = 2_000;
const PAUSE_MS = 200;
const DELIVERIES = 5;

export class Follower implements AsyncDisposable {
  readonly #options: FollowerOptions;
  readonly #seen: SeenIds;
  readonly #bus: BusSide;
  readonly #end = new AbortController();
  #reader: FeedReader | undefined;
  readonly ended: Promise<void>;
  #status: FollowStatus = { kind: 'connecting' };
  #changed = Promise.withResolvers<void>();
  /** One at a time, whichever side gives it. */
  #turn: Promise<unknown> = Promise.resolve();
  #hasPassedOver = false;
  readonly #tries = { id: '', count: 0 };
  readonly counts = { fromFeed: 0, fromBus: 0, repeated: 0, givenUp: 0 };

  constructor(options: FollowerOptions) {
    this.#options = options;
    const { stateDir, busDir, group, signal } = options;
    this.#seen = new SeenIds(join(stateDir, `${group}.seen`));
    this.#bus = new BusSide({ busDir, seen: this.#seen, placeFile: join(stateDir, `${group}.place.json`) });
    signal.addEventListener('abort', () => this.#stop(), { once: true });
    if (signal.aborted) this.#stop();
    this.ended = this.#run();
  }

  get status(): FollowStatus {
    return this.#status;
  }

  /** Events of this home that did not come by the feed yet. */
  get pendingCount(): number {
    return this.#bus.pendingCount;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    await this.ended;
  }

  #stop(): void {
    this.#end.abort();
    this.#changed.resolve();
  }

  async #startReader(): Promise<FeedReader | undefined> {
    const { target, startReader, group, consumer, minIdleMs, isAlone } = this.#options;
    if (target === undefined) return undefined;
    if (isAlone)
      await bestEffort('follow.claim', { withinMs: CLAIM_MS }, (late) =>
        claimPending(target, group, consumer, AbortSignal.any([late, this.#end.signal])),
      );
    return startReader({
      target,
      group,
      consumer,
      ...(minIdleMs === undefined ? {} : { minIdleMs }),
      handle: (change, signal) => this.#give({ change, source: 'feed' }, signal),
      onStatus: (status) => this.#hear(status),
      signal: this.#end.signal,
    });
  }

  #hear(status: ReaderStatus): void {
    switch (status.kind) {
      case 'connecting':
      case 'stopped':
        return;
      case 'away':
        if (this.#status.kind !== 'bus') this.#set({ kind: 'bus', sinceAtMs: Date.now(), why: status.why });
        return;
      case 'reading':
        if (this.#status.kind === 'bus' && !status.isCaughtUp) return; // F2
        this.#set({ kind: 'feed', isCaughtUp: status.isCaughtUp });
    }
  }

  #set(status: FollowStatus): void {
    if (this.#status.kind === 'stopped') return;
    this.#status = status;
    this.#changed.resolve();
    bestEffortSync('follow.status', () => this.#options.onStatus?.(status));
  }

  /** F1 */
  #give(followed: Followed, signal: AbortSignal): Promise<void> {
    const given = this.#turn.then(() => this.#giveNow(followed, signal));
    this.#turn = given.catch(() => undefined);
    return given;
  }

  async #giveNow(followed: Followed, signal: AbortSignal): Promise<void> {
    const { change, source } = followed;
    if (this.#seen.has(change.id)) {
      this.counts.repeated += 1;
      return;
    }
    this.#end.signal.throwIfAborted();
    await this.#options.handle(followed, AbortSignal.any([signal, this.#end.signal]));
    this.#seen.add(change.id);
    if (source === 'feed') this.counts.fromFeed += 1;
    else this.counts.fromBus += 1;
  }

  async #run(): Promise<void> {
    this.#reader = await this.#startReader();
    if (this.#reader === undefined) this.#set({ kind: 'bus', sinceAtMs: Date.now(), why: NO_REDIS });
    else await this.#untilKnown();
    while (!this.#end.signal.aborted) {
      if (this.#status.kind === 'bus') await this.#followBus();
      else await this.#besideFeed();
    }
    await this.#reader?.[Symbol.asyncDispose]();
    await this.#turn;
    this.#set({ kind: 'stopped' });
  }

  async #untilKnown(): Promise<void> {
    await this.#wait(CONNECT_MS);
    if (this.#status.kind === 'connecting')
      this.#set({ kind: 'bus', sinceAtMs: Date.now(), why: 'Redis does not answer' });
  }

  /** Until the feed has caught up (F2). */
  async #followBus(): Promise<void> {
    const ring = { isDue: true };
    await using _wake = new AlphaWake(this.#options.busDir, () => {
      ring.isDue = true;
      this.#changed.resolve();
    });
    while (this.#status.kind === 'bus' && !this.#end.signal.aborted) {
      if (ring.isDue) {
        ring.isDue = false;
        if (!(await this.#giveFromBus())) {
          ring.isDue = true;
          await this.#wait(PAUSE_MS);
          continue;
        }
      }
      await this.#wait(LOOK_EVERY_MS);
    }
  }

  async #giveFromBus(): Promise<boolean> {
    const { signal } = this.#end;
    let current: FeedChange | undefined;
    try {
      await this.#bus.give(async (change) => {
        current = change;
        await this.#give({ change, source: 'bus' }, signal);
      }, signal);
      return true;
    } catch (thrown) {
      if (!signal.aborted && current !== undefined) this.#countTry(current, errorMessage(thrown));
      return false;
    }
  }

  #countTry(change: FeedChange, why: string): void {
    const { deliveries = DELIVERIES, onGivenUp } = this.#options;
    const tries = this.#tries;
    tries.count = tries.id === change.id ? tries.count + 1 : 1;
    tries.id = change.id;
    if (tries.count < deliveries) return;
    this.#seen.add(change.id);
    this.counts.givenUp += 1;
    bestEffortSync('follow.given-up', () => onGivenUp?.(change, why));
  }

  /** The feed gives; the place on the bus goes along. */
  async #besideFeed(): Promise<void> {
    try {
      await this.#bus.look(this.#end.signal);
      const { status } = this;
      if (status.kind === 'feed' && status.isCaughtUp && !this.#hasPassedOver) await this.#passOver();
    } catch {
      // the bus cannot be read now: the next look
    }
    await this.#wait(LOOK_EVERY_MS);
  }

  /** What another one handled that followed the swarm before is not given from the bus. */
  async #passOver(): Promise<void> {
    const { target } = this.#options;
    if (target === undefined || this.#bus.pendingCount === 0) {
      this.#hasPassedOver = true;
      return;
    }
    const ids = await readFeedIds(target, this.#end.signal);
    if (ids === undefined) return;
    this.#bus.passOver((id) => ids.has(id));
    this.#hasPassedOver = true;
  }

  async #wait(ms: number): Promise<void> {
    const changed = this.#changed;
    const timer = new AbortController();
    if (!this.#end.signal.aborted)
      await Promise.race([
        changed.promise,
        delay(ms, undefined, { signal: timer.signal, ref: false }).catch(() => undefined),
      ]);
    timer.abort();
    this.#changed = Promise.withResolvers();
  }
}

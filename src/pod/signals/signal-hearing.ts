/**
 * Owns what a pod hears: whoever brings it, in Redis or straight; who takes it; up to where it was taken.
 */
import type { RedisTarget } from '../../config/redis/redis-settings.ts';
import type { NoWay, SignalWay } from '../../ipc/signals/signal-outbox.ts';
import type { ReadSignal } from '../../ipc/signals/signal-reader.ts';
import { isReply, type Signal } from '../../ipc/signals/signal.ts';
import type { EntityId } from '../../model/id.ts';
import type { SignalKind } from '../../model/message.ts';
import type { HeardQueue } from './heard-queue.ts';
import { onAbort } from './on-abort.ts';
import { isExpired } from './signal-forms.ts';
import { SEEN_COUNT, SignalHub } from './signal-hub.ts';
import { SignalIntake } from './signal-intake.ts';
import { BEGIN, readTaken, removeTaken, writeTaken } from './taken-file.ts';
import { readUnheard, writeUnheard } from './unheard-file.ts';

export interface SignalHearingOptions {
  readonly self: EntityId | undefined;
  readonly runDir: string;
  /** `undefined`: no Redis is configured. */
  readonly redis: { readonly target: RedisTarget; readonly getWay: () => Promise<SignalWay | NoWay> } | undefined;
  /** Once for each request that is heard; before anybody takes it. */
  readonly onRequest: (request: Signal) => void;
  readonly onReply: (reply: Signal) => void;
  readonly awaitsReplies: () => boolean;
}

const SAVE_EVERY_MS = 1_000;
/** Where all was taken up to a place; else as many as can stand behind it. */
const SAVED_IDS = 2_000;
const PULL_COUNT = 32;
const PULL_BYTES = 1024 * 1024;

export class SignalHearing {
  readonly #options: SignalHearingOptions;
  readonly #hub: SignalHub;
  readonly #intake: SignalIntake | undefined;
  #room = Promise.withResolvers<void>();
  #save: NodeJS.Timeout | undefined;
  #savedId: string;
  #isClosed = false;

  constructor(options: SignalHearingOptions) {
    this.#options = options;
    const { self, runDir, redis } = options;
    const taken = self === undefined ? BEGIN : readTaken(runDir, self);
    this.#savedId = taken.lastId;
    this.#hub = new SignalHub(taken.ids, () => this.#onTaken());
    if (self !== undefined) for (const signal of readUnheard(runDir, self)) this.#hub.take(signal, true);
    if (redis === undefined) return;
    const onSignals = (signals: readonly ReadSignal[]): void => {
      for (const { signal } of signals) this.hear(signal, true);
    };
    const onReplies = (signals: readonly ReadSignal[]): void => {
      for (const { signal } of signals) if (isReply(signal)) options.onReply(signal);
    };
    const untilRoom = (signal: AbortSignal): Promise<void> => this.#untilRoom(signal);
    this.#intake = new SignalIntake({ ...redis, onSignals, onReplies, untilRoom }, taken.lastId);
  }

  /** What found no room, and what was gone before it was read, by name (G3). */
  dropped(): Readonly<Record<string, number>> {
    return {
      signals_dropped: this.#hub.droppedCount,
      signals_gaps: this.#intake?.gapCount ?? 0,
      signals_unreadable: this.#intake?.unreadableCount ?? 0,
    };
  }

  /** From now on it is heard what comes, and what nobody has heard yet. */
  listen(kinds: readonly SignalKind[] | undefined): HeardQueue {
    const { self } = this.#options;
    const listener = this.#hub.listen(kinds);
    if (self !== undefined && !this.#isClosed) this.#intake?.listen(self);
    return listener;
  }

  unlisten(listener: HeardQueue): void {
    this.#hub.unlisten(listener);
    const { self, awaitsReplies } = this.#options;
    if (!this.#hub.isListened) this.#intake?.unlisten(awaitsReplies() ? self : undefined);
  }

  /** The next ones of a listener, once there are some; none after the abort, or at its end. */
  async next(listener: HeardQueue, signal: AbortSignal, maxCount = PULL_COUNT): Promise<readonly Signal[]> {
    for (;;) {
      if (signal.aborted || listener.isClosed) return [];
      const signals = this.#hub.shift(listener, maxCount, PULL_BYTES);
      if (signals.length > 0) return signals;
      await listener.untilWoken(signal);
    }
  }

  /** No answer that comes to the stream of that job from now on is missed. Never rejects. */
  async awaitReplies(job: EntityId): Promise<void> {
    await this.#intake?.awaitReplies(job, !this.#hub.hasRoom);
  }

  /** `full`: it was not taken. `isLastWay`: then it is dropped and counted; else its sender keeps it. */
  hear(signal: Signal, isLastWay: boolean): 'full' | 'heard' {
    if (isReply(signal)) {
      this.#options.onReply(signal);
      return 'heard';
    }
    if (isExpired(signal)) return 'heard'; // nobody waits for its answer
    const taken = this.#hub.take(signal, isLastWay);
    if (taken === 'new' && signal.kind === 'request') this.#options.onRequest(signal);
    return taken === 'full' ? 'full' : 'heard';
  }

  /** `isOver`: no other attempt of the job follows. */
  async close(isOver: boolean): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#save);
    this.#saveNow(isOver);
    const { self, runDir } = this.#options;
    const unheard = this.#hub.close().filter(({ kind }) => kind !== 'request'); // who asks was told that it is over
    if (self !== undefined) writeUnheard(runDir, self, isOver ? [] : unheard);
    await this.#intake?.close();
  }

  async #untilRoom(signal: AbortSignal): Promise<void> {
    while (!this.#hub.hasRoom && !signal.aborted) {
      await this.#hearReplies();
      const room = this.#room;
      using _abort = onAbort(signal, room.resolve);
      await room.promise;
      if (room === this.#room) this.#room = Promise.withResolvers<void>();
    }
  }

  /** Who listens may ask others for what it has heard last, and take nothing before it is answered. */
  async #hearReplies(): Promise<void> {
    const { self, awaitsReplies } = this.#options;
    if (self !== undefined && awaitsReplies()) await this.#intake?.awaitReplies(self, true);
  }

  #onTaken(): void {
    this.#room.resolve();
    if (this.#isClosed) return;
    this.#save ??= setTimeout(() => {
      this.#save = undefined;
      this.#saveNow(false);
    }, SAVE_EVERY_MS).unref();
  }

  #saveNow(isOver: boolean): void {
    const { self, runDir } = this.#options;
    if (self === undefined) return;
    const { isDrained } = this.#hub;
    const ids = this.#hub.pulledIds(isDrained ? SAVED_IDS : SEEN_COUNT);
    if (isOver) removeTaken(runDir, self);
    if (isOver || ids.length === 0) return;
    if (isDrained) this.#savedId = this.#intake?.placeId ?? this.#savedId;
    writeTaken(runDir, self, { lastId: this.#savedId, ids });
  }
}

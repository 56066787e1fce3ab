/**
 * Owns who in a pod hears which signal, whichever way it came.
 *
 * H1. A signal is heard once, also where it comes by Redis and straight from its sender, and where Redis was emptied and it
 *     is brought again.
 * H2. One that nobody wants yet waits for a listener that does. What finds no room is counted (G3, G6).
 */
import { BoundedQueue } from '../../failopen/bounded-queue.ts';
import { type Signal, signalBytes } from '../../ipc/signals/signal.ts';
import type { SignalKind } from '../../model/message.ts';
import { HEARD_LIMITS, HeardQueue } from './heard-queue.ts';

/** Ids that are remembered: as many as the stream can hold. */
export const SEEN_COUNT = 10_000;

const remember = (ids: Set<string>, id: string): void => {
  ids.add(id);
  if (ids.size <= SEEN_COUNT) return;
  const [oldest] = ids;
  if (oldest !== undefined) ids.delete(oldest);
};

export type Taken = 'new' | 'repeat' | 'full';

export class SignalHub {
  readonly #seen: Set<string>;
  /** Of those that a listener has taken. */
  readonly #pulled: Set<string>;
  readonly #listeners = new Set<HeardQueue>();
  #unwanted = new BoundedQueue<Signal>(HEARD_LIMITS);
  #dropped = 0;
  readonly #onRoom: () => void;

  /** `seen`: ids of signals that earlier attempts took, the oldest first. `onRoom`: a listener has taken something. */
  constructor(seen: readonly string[], onRoom: () => void) {
    this.#seen = new Set(seen);
    this.#pulled = new Set(seen);
    this.#onRoom = onRoom;
  }

  /** Signals that found no room with somebody who wanted them, or with nobody who did. */
  get droppedCount(): number {
    return this.#dropped;
  }

  get isListened(): boolean {
    return this.#listeners.size > 0;
  }

  /** Whether anybody would take more. */
  get hasRoom(): boolean {
    return this.#listeners.size === 0 || [...this.#listeners].some(({ hasRoom }) => hasRoom);
  }

  /** Whether all that was heard was taken by its listeners. */
  get isDrained(): boolean {
    return this.#unwanted.count === 0 && [...this.#listeners].every(({ count }) => count === 0);
  }

  /** The newest ids that listeners took, the oldest first. */
  pulledIds(count: number): readonly string[] {
    return [...this.#pulled].slice(-count);
  }

  /** `full`: it was not taken, and may be given again. */
  take(signal: Signal, isLastWay: boolean): Taken {
    if (this.#seen.has(signal.id)) return 'repeat'; // H1
    const wanting = [...this.#listeners].filter((listener) => listener.wants(signal));
    const keepers = wanting.length === 0 ? [this.#unwanted] : wanting;
    const kept = keepers.filter((one) => one.offer(signal, signalBytes(signal)));
    const isRefused = kept.length === 0;
    if (isRefused && !isLastWay) return 'full';
    this.#dropped += keepers.length - kept.length;
    remember(this.#seen, signal.id);
    return isRefused ? 'full' : 'new';
  }

  listen(kinds: readonly SignalKind[] | undefined): HeardQueue {
    const listener = new HeardQueue(kinds);
    this.#listeners.add(listener);
    this.#sortUnwanted();
    return listener;
  }

  /** The next ones of a listener, as many as are there, up to so many and so many bytes. */
  shift(listener: HeardQueue, maxCount: number, maxBytes: number): readonly Signal[] {
    const signals: Signal[] = [];
    for (let bytes = 0; signals.length < maxCount && bytes < maxBytes;) {
      const signal = listener.shift();
      if (signal === undefined) break;
      signals.push(signal);
      remember(this.#pulled, signal.id);
      bytes += signalBytes(signal);
    }
    if (signals.length > 0) this.#onRoom();
    return signals;
  }

  /** What it did not take waits for another one (H2). */
  unlisten(listener: HeardQueue): void {
    if (!this.#listeners.delete(listener)) return;
    for (let signal = listener.shift(); signal !== undefined; signal = listener.shift()) {
      const one = signal;
      if ([...this.#listeners].some((other) => other.wants(one))) continue; // it heard it as well
      if (!this.#unwanted.offer(one, signalBytes(one))) this.#dropped += 1;
    }
    listener.close();
    this.#onRoom();
  }

  /** Ends all listeners, and gives what none of them took. */
  close(): readonly Signal[] {
    for (const listener of this.#listeners) this.unlisten(listener);
    const unheard: Signal[] = [];
    for (let signal = this.#unwanted.shift(); signal !== undefined; signal = this.#unwanted.shift()) {
      if (!this.#pulled.has(signal.id)) unheard.push(signal);
    }
    return unheard;
  }

  #sortUnwanted(): void {
    const before = this.#unwanted;
    this.#unwanted = new BoundedQueue<Signal>(HEARD_LIMITS);
    for (let signal = before.shift(); signal !== undefined; signal = before.shift()) {
      const one = signal;
      const wanting = [...this.#listeners].filter((listener) => listener.wants(one));
      const keepers = wanting.length === 0 ? [this.#unwanted] : wanting;
      const kept = keepers.filter((keeper) => keeper.offer(one, signalBytes(one)));
      this.#dropped += keepers.length - kept.length;
    }
  }
}

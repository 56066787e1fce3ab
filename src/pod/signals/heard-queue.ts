/** Owns what one listener has not taken yet: bounded, with a wait for more. */
import { BoundedQueue } from '../../failopen/bounded-queue.ts';
import type { Signal } from '../../ipc/signals/signal.ts';
import type { SignalKind } from '../../model/message.ts';
import { onAbort } from './on-abort.ts';

/** G6 */
export const HEARD_LIMITS = { maxCount: 1_000, maxBytes: 8 * 1024 * 1024 };
/** With more it is not asked for further ones. What is read at once, 100 of up to 65 KiB, finds room besides. */
const ENOUGH_COUNT = HEARD_LIMITS.maxCount / 2;
const ENOUGH_BYTES = 1024 * 1024;

export class HeardQueue {
  readonly #kinds: readonly SignalKind[] | undefined;
  readonly #queue = new BoundedQueue<Signal>(HEARD_LIMITS);
  readonly #waiters = new Set<() => void>();
  #isClosed = false;

  /** `kinds`: those it wants; `undefined`: all. */
  constructor(kinds: readonly SignalKind[] | undefined) {
    this.#kinds = kinds;
  }

  get count(): number {
    return this.#queue.count;
  }

  get hasRoom(): boolean {
    return this.#queue.count < ENOUGH_COUNT && this.#queue.bytes < ENOUGH_BYTES;
  }

  wants({ kind }: Signal): boolean {
    return this.#kinds === undefined || this.#kinds.includes(kind);
  }

  /** False: there is no room. */
  offer(signal: Signal, bytes: number): boolean {
    const isKept = this.#queue.offer(signal, bytes);
    this.#wake();
    return isKept;
  }

  shift(): Signal | undefined {
    return this.#queue.shift();
  }

  /** Nobody takes from it any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
  }

  /** Until something comes, or it is woken, or the abort. */
  async untilWoken(signal: AbortSignal): Promise<void> {
    if (this.count > 0 || this.#isClosed || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.add(resolve);
    using _abort = onAbort(signal, resolve);
    await promise;
    this.#waiters.delete(resolve);
  }
}

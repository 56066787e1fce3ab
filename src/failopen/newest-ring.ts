/**
 * Owns a buffer that keeps the newest values, bounded in entries and bytes, and knows which of them were taken in by
 * whoever they are for. Those stay too, as long as there is room: they can be brought again (G4).
 *
 * N1. What is full lets go of the oldest; one that nobody has taken in is counted as dropped, exactly once (G3, G6).
 * N2. At most one piece of it is under way; values that go while they are under way count as dropped only if it fails.
 */

export interface RingLimits {
  readonly maxCount: number;
  readonly maxBytes: number;
}

export class NewestRing<T> {
  readonly #limits: RingLimits;
  /** Values and their sizes, each at its position modulo the most there may be. */
  readonly #values: (T | undefined)[] = [];
  readonly #sizes: number[] = [];
  /** Positions count up for ever: of the oldest kept, of the first not taken in, of the next to come. */
  #oldest = 0;
  #waiting = 0;
  #next = 0;
  /** The first that was never taken in: those before it may wait again, but are no loss. */
  #fresh = 0;
  #bytes = 0;
  #dropped = 0;
  #flight: { readonly end: number; gone: number } | undefined;

  constructor(limits: RingLimits) {
    this.#limits = limits;
  }

  /** Values kept. */
  get count(): number {
    return this.#next - this.#oldest;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Values that nobody has taken in yet. */
  get waitingCount(): number {
    return this.#next - this.#waiting;
  }

  get droppedCount(): number {
    return this.#dropped;
  }

  /** Values that were taken in, each counted once, however often it was brought. */
  get takenInCount(): number {
    return this.#fresh - this.#dropped;
  }

  push(value: T, bytes: number): void {
    const { maxCount, maxBytes } = this.#limits;
    while (this.count >= maxCount || (this.count > 0 && this.#bytes + bytes > maxBytes)) this.#letGo();
    const slot = this.#next % maxCount;
    this.#values[slot] = value;
    this.#sizes[slot] = bytes;
    this.#next += 1;
    this.#bytes += bytes;
  }

  /** Up to so many of those that wait, the oldest first; they are under way until {@link settle}. */
  take(maxCount: number): readonly T[] {
    this.settle(false); // nobody said what became of those before
    const end = Math.min(this.#next, this.#waiting + maxCount);
    this.#flight = { end, gone: 0 };
    return this.#between(this.#waiting, end);
  }

  /** What became of those under way: taken in, or they wait again. */
  settle(isTakenIn: boolean): void {
    const flight = this.#flight;
    this.#flight = undefined;
    if (flight === undefined) return;
    if (isTakenIn) {
      this.#waiting = Math.max(this.#waiting, flight.end);
      this.#fresh = Math.max(this.#fresh, this.#waiting);
    } else this.#drop(flight.gone); // N2
  }

  /** The last value that was taken in and is still kept. */
  get lastTakenIn(): T | undefined {
    return this.#waiting > this.#oldest ? this.#at(this.#waiting - 1) : undefined;
  }

  /** All that is kept and comes after the last one of which `isThere` says yes waits again. */
  rewind(isThere: (value: T) => boolean): void {
    let low = this.#oldest;
    let high = this.#waiting;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const value = this.#at(middle);
      if (value !== undefined && isThere(value)) low = middle + 1;
      else high = middle;
    }
    this.#waiting = low;
  }

  #at(position: number): T | undefined {
    return this.#values[position % this.#limits.maxCount];
  }

  #between(from: number, end: number): readonly T[] {
    const values: T[] = [];
    for (let at = from; at < end; at += 1) {
      const value = this.#at(at);
      if (value !== undefined) values.push(value);
    }
    return values;
  }

  #drop(count: number): void {
    this.#dropped += count;
    this.#fresh = Math.max(this.#fresh, this.#oldest);
  }

  /** N1, N2 */
  #letGo(): void {
    const at = this.#oldest;
    const slot = at % this.#limits.maxCount;
    this.#bytes -= this.#sizes[slot] ?? 0;
    this.#values[slot] = undefined;
    this.#oldest += 1;
    if (at < this.#waiting) return;
    this.#waiting = this.#oldest;
    if (at < this.#fresh) return;
    if (this.#flight !== undefined && at < this.#flight.end) this.#flight.gone += 1;
    else this.#drop(1);
  }
}

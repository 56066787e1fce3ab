/**
 * Owns a first-in-first-out buffer that is bounded in entries and bytes and counts what it turns away (G3, G6).
 * What is full refuses the newest: the order of what was accepted is never broken.
 */

interface Entry<T> {
  readonly value: T;
  readonly bytes: number;
}

export interface QueueLimits {
  readonly maxCount: number;
  readonly maxBytes: number;
}

export class BoundedQueue<T> {
  readonly #limits: QueueLimits;
  #entries: Entry<T>[] = [];
  #head = 0;
  #bytes = 0;
  #refused = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#entries.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many were turned away since the last {@link takeRefused}. */
  get refused(): number {
    return this.#refused;
  }

  /** False: no room; the value is not kept, and counted. */
  offer(value: T, bytes: number): boolean {
    if (this.count >= this.#limits.maxCount || this.#bytes + bytes > this.#limits.maxBytes) {
      this.#refused += 1;
      return false;
    }
    this.#entries.push({ value, bytes });
    this.#bytes += bytes;
    return true;
  }

  peek(): T | undefined {
    return this.#entries[this.#head]?.value;
  }

  shift(): T | undefined {
    const entry = this.#entries[this.#head];
    if (entry === undefined) return undefined;
    this.#head += 1;
    this.#bytes -= entry.bytes;
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return entry.value;
  }

  takeRefused(): number {
    const refused = this.#refused;
    this.#refused = 0;
    return refused;
  }
}

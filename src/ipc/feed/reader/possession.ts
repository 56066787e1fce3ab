/**
 * Owns which entries a reader holds, and how long ago Redis last said that they are its own.
 *
 * P1. Whoever was silent for longer than others wait for is not sure of its entries any more (a paused process that goes
 *     on): it neither hands them on nor renews them, which would take them from those who took them over.
 */
export class Possession {
  readonly #sureMs: number;
  readonly #now: () => number;
  readonly #saidAtMs = new Map<string, number>();
  /** Of events that are `held`: all entries in which they came. */
  readonly #held = new Map<string, string[]>();

  /** `minIdleMs`: after that others take over. */
  constructor(minIdleMs: number, now = (): number => performance.now()) {
    this.#sureMs = minIdleMs * 0.8;
    this.#now = now;
  }

  /** How many events are held. */
  get heldCount(): number {
    return this.#held.size;
  }

  isOwn(entry: string): boolean {
    return this.#saidAtMs.has(entry);
  }

  /** P1 */
  isSure(entry: string): boolean {
    const saidAtMs = this.#saidAtMs.get(entry);
    return saidAtMs !== undefined && this.#now() - saidAtMs < this.#sureMs;
  }

  isHeld(eventId: string): boolean {
    return this.#held.has(eventId);
  }

  /** Redis was asked for them at that time. */
  take(entries: Iterable<string>, askedAtMs: number): void {
    for (const entry of entries) this.#saidAtMs.set(entry, askedAtMs);
  }

  hold(eventId: string, entry: string): void {
    const entries = this.#held.get(eventId);
    if (entries === undefined) this.#held.set(eventId, [entry]);
    else if (!entries.includes(entry)) entries.push(entry);
  }

  done(entry: string): void {
    this.#saidAtMs.delete(entry);
  }

  /** The entries of an event that was held; `undefined`: it was not. */
  release(eventId: string): readonly string[] | undefined {
    const entries = this.#held.get(eventId);
    this.#held.delete(eventId);
    for (const entry of entries ?? []) this.done(entry);
    return entries;
  }

  /** Those to be renewed. What is not sure is let go of (P1): where it is still its own, it is given again. */
  toRenew(): readonly string[] {
    const entries = [...this.#saidAtMs.keys()];
    const sure = entries.filter((entry) => this.isSure(entry));
    if (sure.length < entries.length) {
      for (const entry of entries) if (!this.isSure(entry)) this.done(entry);
      this.#forgetHeld((entry) => this.isOwn(entry));
    }
    return sure;
  }

  /** All but what is held: the rest of a batch that was given up. */
  dropRest(): void {
    const held = new Set([...this.#held.values()].flat());
    for (const entry of this.#saidAtMs.keys()) if (!held.has(entry)) this.done(entry);
  }

  #forgetHeld(isKept: (entry: string) => boolean): void {
    for (const [eventId, entries] of this.#held) {
      const kept = entries.filter(isKept);
      if (kept.length === 0) this.#held.delete(eventId);
      else this.#held.set(eventId, kept);
    }
  }
}

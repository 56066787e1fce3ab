/**
 * Owns how a service stands, since when and why, and what an outage of it cost (G3, G9).
 *
 * V1. An outage is told once when it begins and once when it is over, however often its reason changes in between.
 */

export type ServiceState =
  | { readonly kind: 'up'; readonly sinceAtMs: number }
  /** Part of it cannot be used. */
  | { readonly kind: 'degraded'; readonly sinceAtMs: number; readonly why: string }
  | { readonly kind: 'down'; readonly sinceAtMs: number; readonly why: string };

/** Entries that ever came, and of them those that were dropped. */
export interface Tally {
  readonly offeredCount: number;
  readonly droppedCount: number;
  /** Not delivered yet. */
  readonly waitingCount: number;
}

export interface Outage {
  readonly sinceAtMs: number;
  /** The first reason. */
  readonly cause: string;
  /** Entries that could not be delivered when they came. */
  readonly buffered: number;
  readonly replayed: number;
  readonly dropped: number;
}

export interface ServiceWatchOptions {
  readonly tally: () => Tally;
  readonly onOutageStart: (why: string) => void;
  readonly onOutageEnd: (outage: Outage) => void;
  /** It took something for the first time, or again after an outage, and all that waited for it. */
  readonly onUp?: () => void;
}

interface Ongoing {
  readonly sinceAtMs: number;
  readonly cause: string;
  readonly before: Tally;
  /** Since the service is back: how many entries had come by then. */
  untilCount: number | undefined;
}

export class ServiceWatch {
  readonly #options: ServiceWatchOptions;
  #state: ServiceState = { kind: 'up', sinceAtMs: Date.now() };
  #outage: Ongoing | undefined;
  #outageCount = 0;
  #wasUp = false;

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
  }

  get state(): ServiceState {
    return this.#state;
  }

  /** Whether it was tried yet: until then it is taken to be up. */
  get isKnown(): boolean {
    return this.#wasUp || this.#outageCount > 0;
  }

  /** Those that began. */
  get outageCount(): number {
    return this.#outageCount;
  }

  fail(kind: 'degraded' | 'down', why: string): void {
    this.#change(kind, why);
    if (this.#outage !== undefined) {
      this.#outage.untilCount = undefined; // it came back, and went again (V1)
      return;
    }
    this.#outageCount += 1;
    this.#outage = { sinceAtMs: Date.now(), cause: why, before: this.#options.tally(), untilCount: undefined };
    this.#options.onOutageStart(why);
  }

  /** It took what it was given. An outage is over once all is delivered that came before the service did (V1). */
  succeed(): void {
    const outage = this.#outage;
    if (outage !== undefined) {
      const { offeredCount, waitingCount } = this.#options.tally();
      outage.untilCount ??= offeredCount;
      if (offeredCount - waitingCount < outage.untilCount) {
        this.#change('degraded', `catching up: ${waitingCount} entries wait`);
        return;
      }
    }
    if (this.#state.kind !== 'up') this.#state = { kind: 'up', sinceAtMs: Date.now() };
    if (outage === undefined) {
      this.#tellUp();
      return;
    }
    const cost = this.#costOf(outage);
    this.#outage = undefined;
    this.#wasUp = false;
    this.#options.onOutageEnd(cost);
    this.#tellUp();
  }

  #tellUp(): void {
    if (this.#wasUp) return;
    this.#wasUp = true;
    this.#options.onUp?.();
  }

  /** What the outage that still goes on has cost so far. */
  get ongoing(): Outage | undefined {
    return this.#outage === undefined ? undefined : this.#costOf(this.#outage);
  }

  #change(kind: 'degraded' | 'down', why: string): void {
    const sinceAtMs = this.#state.kind === kind ? this.#state.sinceAtMs : Date.now();
    this.#state = { kind, sinceAtMs, why };
  }

  #costOf({ sinceAtMs, cause, before, untilCount }: Ongoing): Outage {
    const now = this.#options.tally();
    const comeCount = (untilCount ?? now.offeredCount) - before.offeredCount;
    const dropped = now.droppedCount - before.droppedCount;
    const buffered = before.waitingCount + comeCount;
    const left = untilCount === undefined ? now.waitingCount : 0;
    return { sinceAtMs, cause, buffered, replayed: Math.max(0, buffered - dropped - left), dropped };
  }
}

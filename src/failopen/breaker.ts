/**
 * Owns when a service that failed is tried again: after a pause that doubles with each failure, with some chance in it so
 * that a fleet does not come back all at once (Nygard, Release It!: circuit breaker; half-open is the one try after a pause).
 */

export interface BreakerOptions {
  readonly firstPauseMs: number;
  readonly maxPauseMs: number;
}

/** At most so much is added to a pause, in parts of it. */
const CHANCE = 0.25;

export class Breaker {
  readonly #options: BreakerOptions;
  #failedCount = 0;
  #openUntilMs = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** How long it has to be left alone still; 0: it may be tried now. A monotonic clock: one that is set does not matter. */
  get pauseMs(): number {
    return Math.max(0, this.#openUntilMs - performance.now());
  }

  succeeded(): void {
    this.#failedCount = 0;
    this.#openUntilMs = 0;
  }

  failed(): void {
    const { firstPauseMs, maxPauseMs } = this.#options;
    const pauseMs = Math.min(maxPauseMs, firstPauseMs * 2 ** Math.min(this.#failedCount, 30));
    this.#failedCount += 1;
    this.#openUntilMs = performance.now() + pauseMs * (1 + Math.random() * CHANCE);
  }
}

/**
 * Owns who is served when: one connection after the other, a few frames each, and the event loop between the rounds, so
 * that a flood of one starves neither the others nor the pod itself.
 */

/** How long a round may take before whatever else the process does has its turn: reads, timers, the heartbeat. */
const ROUND_MS = 4;

export interface Served {
  /** Serves a few frames; false: there are more. Never throws. */
  readonly serve: () => boolean;
}

export class Turns {
  readonly #waiting: Served[] = [];
  #isSet = false;

  /** Not one that waits already. */
  add(served: Served): void {
    this.#waiting.push(served);
    if (this.#isSet) return;
    this.#isSet = true;
    setImmediate(this.#round);
  }

  readonly #round = (): void => {
    const untilMs = performance.now() + ROUND_MS;
    do {
      const served = this.#waiting.shift();
      if (served === undefined) break;
      if (!served.serve()) this.#waiting.push(served);
    } while (performance.now() < untilMs);
    this.#isSet = this.#waiting.length > 0;
    if (this.#isSet) setImmediate(this.#round);
  };
}

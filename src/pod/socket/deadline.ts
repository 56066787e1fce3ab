/**
 * Owns a deadline that a process does not miss by having been stopped itself (SIGSTOP, a suspended machine): before it
 * counts as missed, what came meanwhile is read.
 */

/** Long enough for the event loop to take what lies in the socket. */
const LOOK_AGAIN_MS = 50;

export class Deadline {
  readonly #withinMs: number;
  readonly #onMissed: () => void;
  #timer: NodeJS.Timeout;

  /** Runs from now on. `onMissed` is called once, unless {@link stop} comes first. */
  constructor(withinMs: number, onMissed: () => void) {
    this.#withinMs = withinMs;
    this.#onMissed = onMissed;
    this.#timer = setTimeout(this.#lookAgain, withinMs);
  }

  /** Begins anew. */
  restart(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#lookAgain, this.#withinMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  readonly #lookAgain = (): void => {
    this.#timer = setTimeout(this.#onMissed, LOOK_AGAIN_MS);
  };
}

/** Deadlines of one length for much that is under way at once, with one timer for all: one each costs more than the rest of a request. */
export class Deadlines {
  readonly #withinMs: number;
  readonly #onMissed: (id: number) => void;
  /** When each is due; the first is due first, since all are of one length. */
  readonly #dueAtMs = new Map<number, number>();
  /** Also while nothing is under way: the timer ends by itself, and keeps no process alive. */
  #isTimerSet = false;

  constructor(withinMs: number, onMissed: (id: number) => void) {
    this.#withinMs = withinMs;
    this.#onMissed = onMissed;
  }

  /** Begins, or begins anew. */
  start(id: number): void {
    this.#dueAtMs.delete(id);
    this.#dueAtMs.set(id, performance.now() + this.#withinMs);
    if (!this.#isTimerSet) setTimeout(this.#look, this.#withinMs).unref();
    this.#isTimerSet = true;
  }

  stop(id: number): void {
    this.#dueAtMs.delete(id);
  }

  readonly #look = (): void => {
    const nowMs = performance.now();
    const [first] = this.#dueAtMs.values();
    if (first === undefined) this.#isTimerSet = false;
    else if (first > nowMs) setTimeout(this.#look, first - nowMs + 1).unref();
    else setTimeout(() => this.#end(nowMs), LOOK_AGAIN_MS).unref();
  };

  /** What was due when it was looked at, and was not answered since. */
  #end(lookedAtMs: number): void {
    for (const [id, dueAtMs] of this.#dueAtMs) {
      if (dueAtMs > lookedAtMs) break;
      this.#dueAtMs.delete(id);
      this.#onMissed(id);
    }
    this.#look();
  }
}

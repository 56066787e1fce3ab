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

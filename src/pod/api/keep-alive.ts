/**
 * Owns what keeps the process of a library pod alive: work of the pod that somebody waits for, and nothing else. What the
 * pod has open of its own (socket, timers) does not.
 */

const LONG_MS = 2 ** 30;

export class KeepAlive {
  #timer: NodeJS.Timeout | undefined;
  #holds = 0;

  /** Until it is disposed of; more than once does no harm. */
  hold(): Disposable {
    this.#holds += 1;
    this.#timer ??= setInterval(() => undefined, LONG_MS);
    this.#timer.ref();
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#holds -= 1;
        if (this.#holds === 0) this.#timer?.unref();
      },
    };
  }
}

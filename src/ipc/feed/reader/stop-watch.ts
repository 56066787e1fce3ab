/** Owns when a reader is to stop, and its pauses until then. */

/** What a handler is left to finish in, once it was told to stop. */
const GRACE_MS = 400;

export class StopWatch implements Disposable {
  readonly #controller = new AbortController();
  readonly #of: AbortSignal;
  readonly #onAbort = (): void => this.now();
  readonly #overdue = Promise.withResolvers<void>();
  #wake: (() => void) | undefined;
  #graceTimer: NodeJS.Timeout | undefined;

  constructor(of: AbortSignal) {
    this.#of = of;
    if (of.aborted) this.now();
    else of.addEventListener('abort', this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isStopped(): boolean {
    return this.#controller.signal.aborted;
  }

  now(): void {
    if (this.isStopped) return;
    this.#controller.abort();
    this.#graceTimer = setTimeout(this.#overdue.resolve, GRACE_MS);
    this.#wake?.();
  }

  /** Resolves a moment after it was stopped: what has not ended by then is not waited for. */
  get overdue(): Promise<void> {
    return this.#overdue.promise;
  }

  /** So long, or until it is stopped. One at a time. */
  async pause(ms: number): Promise<void> {
    if (this.isStopped) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }

  [Symbol.dispose](): void {
    this.#of.removeEventListener('abort', this.#onAbort);
    clearTimeout(this.#graceTimer);
  }
}

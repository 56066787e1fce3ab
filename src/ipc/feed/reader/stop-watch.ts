/** Owns when a reader is to stop, and its pauses until then. */
export class StopWatch implements Disposable {
  readonly #controller = new AbortController();
  readonly #of: AbortSignal;
  readonly #onAbort = (): void => this.now();
  #wake: (() => void) | undefined;

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
    this.#controller.abort();
    this.#wake?.();
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
  }
}

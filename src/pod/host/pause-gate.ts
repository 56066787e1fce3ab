/** Owns the gate before each tool call: shut while the pod is paused. */

export class PauseGate {
  #shut: PromiseWithResolvers<void> | undefined;

  get isShut(): boolean {
    return this.#shut !== undefined;
  }

  shut(): void {
    this.#shut ??= Promise.withResolvers<void>();
  }

  reopen(): void {
    this.#shut?.resolve();
    this.#shut = undefined;
  }

  /** Resolves while the gate is open, or once `signal` is aborted. */
  async open(signal: AbortSignal): Promise<void> {
    while (this.#shut !== undefined && !signal.aborted) {
      const aborted = Promise.withResolvers<void>();
      const onAbort = (): void => aborted.resolve();
      signal.addEventListener('abort', onAbort, { once: true });
      await Promise.race([this.#shut.promise, aborted.promise]);
      signal.removeEventListener('abort', onAbort);
    }
  }
}

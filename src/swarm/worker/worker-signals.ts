/** Owns what each signal means to a worker. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
/** By which `nika worker drain` tells it: without an end to the waiting. */
export const DRAIN_SIGNAL = 'SIGUSR2';
const MS_PER_S = 1_000;

/** The first signal drains, for a time; the second hands over at once. */
export class WorkerSignals implements Disposable {
  readonly #drain = new AbortController();
  readonly #handOver = new AbortController();
  readonly #handlers: readonly (readonly [NodeJS.Signals, () => void])[];
  readonly #graceMs: number;
  readonly #say: (line: string) => void;
  #isBounded = false;

  constructor(graceMs: number, say: (line: string) => void) {
    this.#graceMs = graceMs;
    this.#say = say;
    const stop = (): void => this.#stop();
    const drain = (): void => this.#begin('takes nothing more, and waits for its pods');
    this.#handlers = [...STOP_SIGNALS.map((name) => [name, stop] as const), [DRAIN_SIGNAL, drain]];
    for (const [name, handler] of this.#handlers) process.on(name, handler);
  }

  /** It takes nothing new. */
  get drain(): AbortSignal {
    return this.#drain.signal;
  }

  /** What it has is left to others. */
  get handOver(): AbortSignal {
    return this.#handOver.signal;
  }

  [Symbol.dispose](): void {
    for (const [name, handler] of this.#handlers) process.removeListener(name, handler);
  }

  #begin(how: string): void {
    if (!this.#drain.signal.aborted) this.#say(`drains: ${how}`);
    this.#drain.abort();
  }

  #stop(): void {
    if (this.#isBounded) {
      this.#handOver.abort();
      return;
    }
    this.#isBounded = true;
    this.#begin(`its pods may take ${this.#graceMs / MS_PER_S} s, and live on after that`);
    setTimeout(() => this.#handOver.abort(), this.#graceMs).unref();
  }
}

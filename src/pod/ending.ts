/**
 * Owns why a pod ends before its work is done, and what each way to end means for exit code and state.
 * The first reason stands: a Ctrl-C after a timeout does not make it an interruption.
 */
import type { PodOutcome } from './pod-event.ts';

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

export type StopReason =
  | { readonly kind: 'interrupted'; readonly signal: StopSignal }
  | { readonly kind: 'timed_out'; readonly afterMs: number }
  | { readonly kind: 'limit'; readonly limit: 'tool_calls' | 'wall'; readonly value: number };

/** 128 + the signal's number, as shells count. */
const SIGNAL_EXIT: Readonly<Record<StopSignal, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
const EXIT_LIMIT = 3;
/** Longer ones would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const exitCodeOf = (reason: StopReason): number =>
  reason.kind === 'interrupted' ? SIGNAL_EXIT[reason.signal] : EXIT_LIMIT;

export const outcomeOf = (reason: StopReason): PodOutcome => reason.kind;

export const explain = (reason: StopReason): string => {
  switch (reason.kind) {
    case 'interrupted':
      return `interrupted by ${reason.signal}`;
    case 'timed_out':
      return `timed out after ${reason.afterMs / 1000} s`;
    case 'limit':
      return reason.limit === 'wall'
        ? `over its limit of ${reason.value / 1000} s of wall time`
        : `over its limit of ${reason.value} tool calls`;
  }
};

/** Gathers all reasons to stop into one signal. */
export class Stop implements Disposable {
  readonly #controller = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  #reason: StopReason | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get reason(): StopReason | undefined {
    return this.#reason;
  }

  now(reason: StopReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller.abort(reason);
  }

  after(ms: number, reason: StopReason): void {
    this.#timers.push(setTimeout(() => this.now(reason), Math.min(ms, MAX_TIMER_MS)));
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}

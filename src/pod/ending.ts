/**
 * Owns why a pod ends before its work is done, and what each way to end means for exit code and state.
 * The first reason stands: a Ctrl-C after a timeout does not make it an interruption.
 */
import type { LimitName, ScopeKind } from './budget/scope.ts';
import { usedUpText } from './budget/words.ts';
import type { PodOutcome } from './pod-event.ts';

/** What ends a pod with its story. SIGQUIT too: Ctrl-\ at a terminal is no crash of nika's. */
export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
export type StopSignal = (typeof STOP_SIGNALS)[number];

export type StopReason =
  /** `keepsOpen`: only the attempt ends; the job goes on with another one. */
  | {
      readonly kind: 'interrupted';
      readonly signal: StopSignal;
      readonly why?: string;
      readonly keepsOpen?: boolean;
    }
  /** `nika pod kill`: what runs gets no time to end by itself. */
  | { readonly kind: 'killed'; readonly why?: string }
  /** Another one holds the lease of the job, or it is over: what this pod does does not count any more. */
  | { readonly kind: 'superseded'; readonly why: string }
  | { readonly kind: 'timed_out'; readonly afterMs: number }
  /** `used`, `scope`, `of`: of a budget, and how much of it is used. */
  | {
      readonly kind: 'limit';
      readonly limit: LimitName;
      readonly value: number;
      readonly used?: number;
      readonly scope?: ScopeKind;
      readonly of?: string;
    };

/** 128 + the signal's number, as shells count. */
const SIGNAL_EXIT: Readonly<Record<StopSignal | 'SIGKILL', number>> = {
  SIGHUP: 129,
  SIGINT: 130,
  SIGQUIT: 131,
  SIGKILL: 137,
  SIGTERM: 143,
};
const EXIT_LIMIT = 3;
/** Of `pod start` and `pod wait`: it awaits review. */
export const EXIT_AWAITS_REVIEW = 4;
export const EXIT_SUPERSEDED = 5;
/** Longer ones would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const exitCodeOf = (reason: StopReason): number => {
  if (reason.kind === 'interrupted') return SIGNAL_EXIT[reason.signal];
  if (reason.kind === 'superseded') return EXIT_SUPERSEDED;
  return reason.kind === 'killed' ? SIGNAL_EXIT.SIGKILL : EXIT_LIMIT;
};

/** Of a program that failed, as its error tells it: its own code. */
export const exitCodeIn = (error: string | undefined): number | undefined => {
  const code = /^Exit code (\d{1,3})\b/.exec(error ?? '')?.[1];
  return code === undefined ? undefined : Number(code);
};

export const outcomeOf = (reason: StopReason): PodOutcome => (reason.kind === 'killed' ? 'interrupted' : reason.kind);

const withWhy = (text: string, why: string | undefined): string => (why === undefined ? text : `${text}: ${why}`);

export const explain = (reason: StopReason): string => {
  switch (reason.kind) {
    case 'interrupted':
      return withWhy(`interrupted by ${reason.signal}`, reason.why);
    case 'killed':
      return withWhy('killed', reason.why);
    case 'superseded':
      return `superseded: ${reason.why}`;
    case 'timed_out':
      return `timed out after ${reason.afterMs / 1000} s`;
    case 'limit':
      if (reason.used !== undefined && reason.scope !== undefined && reason.of !== undefined) {
        const { limit, used, scope, of, value: max } = reason;
        return usedUpText({ limit, used, scope, of, max });
      }
      return reason.limit === 'wall'
        ? `over its limit of ${reason.value / 1000} s of wall time`
        : `over its limit of ${reason.value} tool calls`;
  }
};

/** A timer that stands still while it is paused. */
class Countdown implements Disposable {
  readonly #fire: () => void;
  #leftMs: number;
  #since: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, fire: () => void) {
    this.#leftMs = ms;
    this.#fire = fire;
  }

  run(): void {
    if (this.#since !== undefined) return;
    this.#since = performance.now();
    // A limit is no reason for a process to stay: its work is.
    this.#timer = setTimeout(() => this.#fire(), Math.min(Math.max(0, this.#leftMs), MAX_TIMER_MS)).unref();
  }

  pause(): void {
    if (this.#since === undefined) return;
    clearTimeout(this.#timer);
    this.#leftMs -= performance.now() - this.#since;
    this.#since = undefined;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** Whether somebody wants it to end, and not what it did itself. */
export const isPersonsWish = (reason: StopReason | undefined): boolean =>
  reason?.kind === 'interrupted' || reason?.kind === 'killed';

/** Gathers all reasons to stop into one signal. */
export class Stop implements Disposable {
  readonly #controller = new AbortController();
  readonly #countdowns: Countdown[] = [];
  #reason: StopReason | undefined;
  #pausedSinceMs: number | undefined;
  #pausedMs = 0;

  /** Its reason is an Error, as code expects that waits with it; its `cause` is the {@link StopReason}. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get reason(): StopReason | undefined {
    return this.#reason;
  }

  /** How long it stood still in all. */
  get pausedMs(): number {
    return this.#pausedMs + (this.#pausedSinceMs === undefined ? 0 : performance.now() - this.#pausedSinceMs);
  }

  now(reason: StopReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller.abort(new Error(explain(reason), { cause: reason }));
  }

  after(ms: number, reason: StopReason): void {
    this.later(ms, () => this.now(reason));
  }

  /** Does something then; the time stands still as that of {@link after}. */
  later(ms: number, fire: () => void): void {
    const countdown = new Countdown(ms, fire);
    this.#countdowns.push(countdown);
    if (this.#pausedSinceMs === undefined) countdown.run();
  }

  /** The times of {@link after} and {@link later} stand still until {@link unpause}. */
  pause(): void {
    this.#pausedSinceMs ??= performance.now();
    for (const countdown of this.#countdowns) countdown.pause();
  }

  unpause(): void {
    this.#pausedMs = this.pausedMs;
    this.#pausedSinceMs = undefined;
    for (const countdown of this.#countdowns) countdown.run();
  }

  /** Stops with this one too, for the same reason; its own reasons stay its own. */
  within(outer: Stop): Disposable {
    const onAbort = (): void => {
      if (outer.reason !== undefined) this.now(outer.reason);
    };
    if (outer.signal.aborted) onAbort();
    else outer.signal.addEventListener('abort', onAbort, { once: true });
    return { [Symbol.dispose]: () => outer.signal.removeEventListener('abort', onAbort) };
  }

  [Symbol.dispose](): void {
    for (const countdown of this.#countdowns) countdown[Symbol.dispose]();
  }
}

/**
 * Owns a lease while it is held: renewed in time, and known to be lost as soon as that can be known.
 *
 * L1. Only an answer of Redis takes a lease away: a Redis that is away takes nothing from who holds it (design, issue of
 *     the swarm: running pods go on).
 * L2. A holder that could not run (SIGSTOP, a suspended machine) asks before anything else once it can: its first tick
 *     comes at once, and finds that the last renewal is old.
 */
import { bestEffortSync } from '../../failopen/best-effort.ts';
import type { CallOutcome } from '../../redis/call-outcome.ts';
import type { Key } from '../../redis/keys.ts';
import type { Link } from '../../redis/link.ts';
import {
  acquireLease,
  type LeaseAnswer,
  releaseLease,
  renewLease,
  settleLease,
} from '../../redis/scripts/lease.lua.ts';
import { runScript } from '../../redis/scripts/script.ts';

export interface LeaseHold {
  readonly key: Key;
  /** Who holds it: unique, and the same for whoever may go on with it. */
  readonly holder: string;
  readonly token: number;
}

export type Acquired =
  | { readonly kind: 'held'; readonly hold: LeaseHold }
  | { readonly kind: 'taken'; readonly holder: string; readonly token: number; readonly isSettled: boolean }
  /** Nobody knows: Redis is away, or refuses. */
  | { readonly kind: 'unknown'; readonly why: string };

const LEASE_WITHIN_MS = 1_000;
const RENEW_EVERY_MS = 10_000;
/** While a renewal is due or its answer is not known. */
const TICK_MS = 250;

const whyOf = (outcome: CallOutcome): string => (outcome.kind === 'done' ? '' : outcome.why);

export interface AcquireWish {
  readonly key: Key;
  readonly holder: string;
  readonly afterToken?: number;
}

/** Never rejects. */
export const tryAcquire = async (
  link: Link,
  { key, holder, afterToken = 0 }: AcquireWish,
  signal?: AbortSignal,
): Promise<Acquired> => {
  const call = acquireLease(key, holder, afterToken);
  const outcome = await runScript(link, call, { withinMs: LEASE_WITHIN_MS }, signal);
  if (outcome.kind !== 'done') return { kind: 'unknown', why: outcome.why };
  const answer = outcome.value;
  return answer.kind === 'mine' ? { kind: 'held', hold: { key, holder, token: answer.token } } : answer;
};

type Ended = 'ok' | 'taken' | 'unknown';

const endedOf = (outcome: CallOutcome<LeaseAnswer>): Ended =>
  outcome.kind !== 'done' ? 'unknown' : outcome.value.kind === 'mine' ? 'ok' : 'taken';

/** What was leased is over by this holder; `taken`: it is not its to end. Never rejects. */
export const trySettle = async (link: Link, { key, holder, token }: LeaseHold, signal?: AbortSignal): Promise<Ended> =>
  endedOf(await runScript(link, settleLease(key, holder, token), { withinMs: LEASE_WITHIN_MS }, signal));

/** Others may have it. Never rejects. */
export const tryRelease = async (link: Link, { key, holder, token }: LeaseHold, signal?: AbortSignal): Promise<Ended> =>
  endedOf(await runScript(link, releaseLease(key, holder, token), { withinMs: LEASE_WITHIN_MS }, signal));

export interface KeptLeaseOptions {
  readonly link: Link;
  readonly hold: LeaseHold;
  /** Once: Redis said that another one holds it, or that it is over. */
  readonly onLost: (to: { readonly holder: string; readonly isSettled: boolean }) => void;
  /** Once an outage: nobody can renew. */
  readonly onUnknown?: (why: string) => void;
  readonly renewEveryMs?: number;
}

/** Renews a lease until it is closed or lost. Holds no process alive. */
export class KeptLease implements Disposable {
  readonly #options: KeptLeaseOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #end = new AbortController();
  #renewedAtMs = performance.now();
  #asking: Promise<void> | undefined;
  #isUnknown = false;
  #isLost = false;

  constructor(options: KeptLeaseOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  get hold(): LeaseHold {
    return this.#options.hold;
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** How long ago the question was sent to which Redis answered last that it is held. */
  get confirmedMsAgo(): number {
    return performance.now() - this.#renewedAtMs;
  }

  /** Asks now; where it is being asked already, that answer is waited for. */
  async renew(): Promise<void> {
    if (this.#isLost || this.#end.signal.aborted) return;
    this.#asking ??= this.#renew().finally(() => (this.#asking = undefined));
    await this.#asking;
  }

  async #renew(): Promise<void> {
    const { link, hold, onUnknown } = this.#options;
    const call = renewLease(hold.key, hold.holder, hold.token);
    const askedAtMs = performance.now();
    const outcome = await runScript(link, call, { withinMs: LEASE_WITHIN_MS }, this.#end.signal);
    if (this.#end.signal.aborted) return;
    if (outcome.kind !== 'done') {
      if (!this.#isUnknown) bestEffortSync('lease.unknown', () => onUnknown?.(whyOf(outcome)));
      this.#isUnknown = true; // L1
      return;
    }
    this.#isUnknown = false;
    if (outcome.value.kind === 'mine') {
      this.#renewedAtMs = askedAtMs;
      return;
    }
    this.#isLost = true;
    clearInterval(this.#timer);
    const { holder, isSettled } = outcome.value;
    bestEffortSync('lease.lost', () => this.#options.onLost({ holder, isSettled }));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#end.abort();
  }

  /** L2 */
  #tick(): void {
    const { renewEveryMs = RENEW_EVERY_MS } = this.#options;
    if (performance.now() - this.#renewedAtMs < renewEveryMs) return;
    this.renew().catch(() => undefined); // it does not reject
  }
}

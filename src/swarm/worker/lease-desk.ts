/**
 * Owns a worker's dealings with leases: when jobs may be claimed at all, and whose a job is.
 *
 * K1. After Redis was away, was started again or lost its data nothing is claimed for the time of one lease: pods that run
 *     say by then that they do.
 * K2. That it lost its data shows by a lease of the worker's own, which would still be there.
 * K3. A lease is wanted only once it was seen to be free: an answer that comes late takes nothing from a pod that lives.
 * K4. A user of Redis that may not ask INFO does not know since when it runs: then it is as if that had been started now.
 */
import type { RedisTarget } from '../../config/redis/redis-settings.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
import { type Acquired, type LeaseHold, tryAcquire, tryRelease, trySettle } from '../../ipc/lease/lease.ts';
import type { HeldLease } from '../../model/held-lease.ts';
import { createKeys, type Key, type Keys, leaseKey } from '../../redis/keys.ts';
import { type Link, openWriter } from '../../redis/link.ts';

export type Gate =
  | { readonly kind: 'open' }
  /** Try again after so long. */
  | { readonly kind: 'shut'; readonly forMs: number; readonly why: string };

/** How a lease stands. */
export type Seen = { readonly kind: 'free' } | Exclude<Acquired, { readonly kind: 'held' }>;

export interface LeaseDeskOptions {
  readonly target: RedisTarget;
  readonly leaseS: number;
  /** Of the worker: unique. */
  readonly name: string;
  /** Whether a pod may hold a lease that a Redis does not know which was started, emptied or away. */
  readonly mayPodsHold: () => boolean;
}

const MS_PER_S = 1_000;
const AWAY_LOOK_MS = 500;
const INFO_WITHIN_MS = 1_000;
const CONNECT_MS = 1_000;

const uptimeS = (info: unknown): number => Number(/^uptime_in_seconds:(\d+)/m.exec(String(info))?.[1] ?? Infinity);

export class LeaseDesk implements AsyncDisposable {
  readonly link: Link;
  readonly keys: Keys;
  readonly #options: LeaseDeskOptions;
  readonly #own: Key;
  readonly #timer: NodeJS.Timeout;
  readonly #forget: () => void;
  #quiet: { readonly untilMs: number; readonly why: string } | undefined;
  #wasReady = false;
  #ownToken: number | undefined;

  private constructor(options: LeaseDeskOptions, link: Link) {
    this.#options = options;
    this.link = link;
    this.keys = createKeys(options.target.prefix);
    this.#own = leaseKey(this.keys, `worker.${options.name}`, options.leaseS);
    this.#forget = link.onStatus(({ kind }) => {
      if (kind === 'down' && this.#wasReady) this.#hush('Redis was away');
    });
    this.#timer = setInterval(
      () => void bestEffort('worker.canary', { withinMs: INFO_WITHIN_MS * 2 }, () => this.#askOwn()),
      this.leaseMs / 3,
    ).unref();
  }

  /** @throws a system error where a certificate of the settings cannot be read. */
  static async open(options: LeaseDeskOptions): Promise<LeaseDesk> {
    return new LeaseDesk(options, await openWriter(options.target));
  }

  get leaseMs(): number {
    return this.#options.leaseS * MS_PER_S;
  }

  /** Why nothing may be claimed now, as far as is known without asking; `null`: something may. */
  get shutWhy(): string | null {
    const { status } = this.link;
    if (status.kind === 'down' && this.#wasReady) return `Redis is away: ${status.why}`;
    return this.#quiet !== undefined && this.#quiet.untilMs > performance.now() ? this.#quiet.why : null;
  }

  /** Whether a job may be claimed now (K1). Never rejects. */
  async gate(signal?: AbortSignal): Promise<Gate> {
    await this.link.untilKnown(CONNECT_MS, signal);
    const { status } = this.link;
    if (status.kind !== 'ready') {
      const why = status.kind === 'down' ? status.why : 'it does not answer';
      if (this.#wasReady) this.#hush('Redis was away');
      return { kind: 'shut', forMs: AWAY_LOOK_MS, why: `Redis is away: ${why}` };
    }
    if (!this.#wasReady) await this.#lookAtUptime();
    if (!this.#wasReady) return { kind: 'shut', forMs: AWAY_LOOK_MS, why: 'Redis does not say since when it runs' };
    await this.#askOwn();
    const quiet = this.#quiet;
    const leftMs = quiet === undefined ? 0 : quiet.untilMs - performance.now();
    if (quiet === undefined || leftMs <= 0 || !this.#options.mayPodsHold()) {
      this.#quiet = undefined;
      return { kind: 'open' };
    }
    return { kind: 'shut', forMs: leftMs, why: quiet.why };
  }

  /**
   * K3. Whose it is, without wanting it: what is asked of a Redis that hangs may be done much later, when a pod that lives
   * could not renew, and must not take anything then. Never rejects.
   */
  async look(name: string): Promise<Seen> {
    const command = { name: 'get', args: [this.#keyOf(name).name] };
    const outcome = await this.link.call(command, { withinMs: INFO_WITHIN_MS });
    if (outcome.kind !== 'done') return { kind: 'unknown', why: outcome.why };
    const match = /^(\d+) (\w+) (.*)$/.exec(typeof outcome.value === 'string' ? outcome.value : '');
    if (match === null) return { kind: 'free' };
    const [, token, state, holder = ''] = match;
    return { kind: 'taken', holder, token: Number(token), isSettled: state === 'settled' };
  }

  acquire(name: string, holder: string, afterToken = 0): Promise<Acquired> {
    return tryAcquire(this.link, { key: this.#keyOf(name), holder, afterToken });
  }

  settle(hold: LeaseHold): ReturnType<typeof trySettle> {
    return trySettle(this.link, hold);
  }

  release(hold: LeaseHold): ReturnType<typeof tryRelease> {
    return tryRelease(this.link, hold);
  }

  holdOf({ name, holder, token }: HeldLease): LeaseHold {
    return { key: this.#keyOf(name), holder, token };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#forget();
    clearInterval(this.#timer);
    if (this.#ownToken !== undefined) {
      await tryRelease(this.link, { key: this.#own, holder: this.#options.name, token: this.#ownToken });
    }
    await this.link.close();
  }

  #keyOf(name: string): Key {
    return leaseKey(this.keys, name, this.#options.leaseS);
  }

  #hush(why: string, forMs = this.leaseMs): void {
    const untilMs = performance.now() + forMs;
    if (this.#quiet !== undefined && this.#quiet.untilMs >= untilMs) return;
    const until = `${new Date(Date.now() + forMs).toISOString().slice(11, 19)}Z`;
    this.#quiet = { untilMs, why: `${why}: nothing is taken until ${until}, so that pods that run say so first` };
  }

  async #lookAtUptime(): Promise<void> {
    const outcome = await this.link.call({ name: 'info', args: ['server'] }, { withinMs: INFO_WITHIN_MS });
    if (outcome.kind === 'refused') {
      this.#wasReady = true; // K4
      this.#hush(`Redis does not say since when it runs (INFO: ${outcome.why})`);
    }
    if (outcome.kind !== 'done') return;
    this.#wasReady = true;
    const ranMs = uptimeS(outcome.value) * MS_PER_S;
    if (ranMs < this.leaseMs) this.#hush('Redis was started a moment ago', this.leaseMs - ranMs);
  }

  /** K2 */
  async #askOwn(): Promise<void> {
    const acquired = await tryAcquire(this.link, { key: this.#own, holder: this.#options.name });
    if (acquired.kind !== 'held') return;
    const { token } = acquired.hold;
    if (this.#ownToken !== undefined && token !== this.#ownToken) this.#hush('Redis has lost its data');
    this.#ownToken = token;
  }
}

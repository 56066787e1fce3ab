/**
 * Owns whether this Alpha has a role of the swarm now: one active holder over all hosts that share a Redis, others stand by.
 *
 * O1. Where Redis is reachable, active is who holds the lease. It is asked again before something is done, unless it said
 *     so within the last second: who was paused, or superseded by whatever, does nothing more.
 * O2. Redis away takes the role from nobody: its holder goes on with the bus of its home, a standby goes on standing by. Who
 *     starts then, or where no Redis is configured, has the role for its home.
 * O3. After an outage a standby waits for one lease time, so that the holder of before comes first.
 * O4. It is wanted only from a Redis that answers: what one that hung does late takes nothing from its holder.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { KeptLease, tryAcquire, tryRelease } from '../../ipc/lease/lease.ts';
import type { SessionLink } from '../../pod/session-link.ts';
import { type Key, type Keys, parseKeyPart } from '../../redis/keys.ts';
import type { Link } from '../../redis/link.ts';

export type RoleStanding =
  | { readonly kind: 'starting' }
  /** `holder`: who has it; null: nobody, and it is waited for who had it before the outage. */
  | { readonly kind: 'standby'; readonly holder: string | null; readonly sinceAtMs: number }
  /** By a lease over all hosts; or for this home alone. */
  | { readonly kind: 'active'; readonly by: 'lease' | 'home'; readonly sinceAtMs: number }
  | { readonly kind: 'ended' };

export interface RoleTimes {
  readonly leaseS: number;
  readonly renewEveryMs: number;
  /** How often a standby looks. */
  readonly tickMs: number;
}

export const ROLE_TIMES: RoleTimes = { leaseS: 30, renewEveryMs: 5_000, tickMs: 1_000 };

export interface RoleOptions {
  readonly lease: 'alpha' | 'monitor';
  readonly holder: string;
  readonly link: SessionLink;
  readonly times: RoleTimes;
  /** Told of each change of its kind, in order. */
  readonly onStanding: (standing: RoleStanding) => void;
}

const CONFIRMED_MS = 1_000;
const RELEASE_MS = 300;
const LOOK_MS = 1_000;

export class Role {
  readonly #options: RoleOptions;
  readonly #end = new AbortController();
  readonly #running: Promise<void>;
  #standing: RoleStanding = { kind: 'starting' };
  #kept: { readonly lease: KeptLease; readonly link: Link } | undefined;
  #wasAway = false;
  /** O3 */
  #notBeforeMs = 0;

  constructor(options: RoleOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get standing(): RoleStanding {
    return this.#standing;
  }

  /** Whether it may act now (O1, O2). Never rejects. */
  async isHeldNow(): Promise<boolean> {
    if (this.#standing.kind !== 'active' || this.#end.signal.aborted) return false;
    const lease = this.#kept?.lease;
    if (lease === undefined) return this.#standing.by === 'home';
    if (!lease.isLost && lease.confirmedMsAgo < CONFIRMED_MS) return true;
    await lease.renew();
    return !lease.isLost && this.#standing.kind === 'active';
  }

  /** Others may have it at once. Within 300 ms. */
  async end(): Promise<void> {
    this.#end.abort();
    const kept = this.#kept;
    this.#kept = undefined;
    this.#set({ kind: 'ended' });
    if (kept !== undefined) {
      kept.lease[Symbol.dispose]();
      await tryRelease(kept.link, kept.lease.hold, AbortSignal.timeout(RELEASE_MS));
    }
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      await this.#tick();
      await delay(this.#options.times.tickMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #tick(): Promise<void> {
    const { signal } = this.#end;
    const answer = await this.#options.link.get(signal);
    if (signal.aborted) return;
    if (answer.kind !== 'link') {
      this.#wasAway = answer.kind === 'away';
      if (this.#standing.kind === 'starting') this.#activate('home'); // O2
      return;
    }
    if (this.#wasAway) {
      this.#wasAway = false;
      if (this.#standing.kind === 'standby') this.#notBeforeMs = performance.now() + this.#options.times.leaseS * 1000; // O3
    }
    if (this.#kept === undefined && performance.now() >= this.#notBeforeMs)
      await this.#acquire(answer.link, answer.keys);
  }

  async #acquire(link: Link, keys: Keys): Promise<void> {
    const { lease, holder, times } = this.#options;
    const key: Key = { ...keys.lease(parseKeyPart(lease)), ttlS: times.leaseS };
    const look = await link.call({ name: 'get', args: [key.name] }, { withinMs: LOOK_MS }, this.#end.signal);
    if (look.kind !== 'done') return; // O4
    const acquired = await tryAcquire(link, { key, holder }, this.#end.signal);
    if (acquired.kind === 'unknown') return;
    if (acquired.kind === 'taken') return this.#standBy(acquired.holder);
    if (this.#end.signal.aborted) {
      await tryRelease(link, acquired.hold, AbortSignal.timeout(RELEASE_MS));
      return;
    }
    const kept = new KeptLease({
      link,
      hold: acquired.hold,
      renewEveryMs: times.renewEveryMs,
      onLost: ({ holder: other }) => {
        if (this.#kept?.lease !== kept) return;
        this.#kept = undefined;
        kept[Symbol.dispose]();
        this.#standBy(other);
      },
    });
    this.#kept = { lease: kept, link };
    this.#activate('lease');
  }

  #activate(by: 'lease' | 'home'): void {
    this.#set({ kind: 'active', by, sinceAtMs: Date.now() });
  }

  #standBy(holder: string): void {
    const { standing } = this;
    if (standing.kind === 'standby' && standing.holder === holder) return;
    this.#set({ kind: 'standby', holder, sinceAtMs: Date.now() });
  }

  #set(standing: RoleStanding): void {
    this.#standing = standing;
    bestEffortSync('alpha.standing', () => this.#options.onStanding(standing));
  }
}

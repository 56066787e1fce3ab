/**
 * Owns the lease by which a pod runs a job of the queue: kept through all attempts, asked before the work begins, and
 * settled before the pod says how the job ended.
 *
 * F1. Of two that run the same job one completes it: only who has settled the lease says how it ended (fencing).
 * F2. Told that another one holds it, the pod ends what it runs at once, whatever it is about to do.
 * F3. A Redis that is away ends nothing: the pod works on, and only its last word waits.
 */
import { readEntity } from '../../bus/query/entities.ts';
import type { Settings } from '../../config/settings.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
import { KeptLease, type LeaseHold, tryRelease, trySettle } from '../../ipc/lease/lease.ts';
import { isTerminal } from '../../model/entity.ts';
import type { HeldLease } from '../../model/held-lease.ts';
import type { EntityId } from '../../model/id.ts';
import { createKeys, leaseKey } from '../../redis/keys.ts';
import type { Link } from '../../redis/link.ts';
import type { Stop } from '../ending.ts';

export interface PodLeaseOptions {
  readonly settings: Pick<Settings, 'redis' | 'swarm'>;
  readonly busDir: string;
  readonly entity: EntityId;
  readonly lease: HeldLease;
  /** Of all attempts (F2). */
  readonly stop: Stop;
}

export type Settling =
  | { readonly kind: 'settled' }
  /** F1 */
  | { readonly kind: 'superseded'; readonly why: string }
  /** F3 */
  | { readonly kind: 'unknown'; readonly why: string };

const CONNECT_MS = 1_000;
const CHANNEL_BUDGET_MS = 5_000;
const RENEWALS_PER_LEASE = 3;
const MS_PER_S = 1_000;

export class PodLease implements AsyncDisposable {
  readonly #options: PodLeaseOptions;
  readonly #link: Link;
  readonly #hold: LeaseHold;
  readonly #kept: KeptLease;
  readonly #forget: () => void;
  #superseded: string | undefined;

  private constructor(options: PodLeaseOptions, link: Link, hold: LeaseHold) {
    this.#options = options;
    this.#link = link;
    this.#hold = hold;
    this.#kept = new KeptLease({
      link,
      hold,
      renewEveryMs: (hold.key.ttlS * MS_PER_S) / RENEWALS_PER_LEASE,
      onLost: ({ holder, isSettled }) =>
        this.#lose(isSettled ? `${holder} has ended the job` : `${holder} runs the job now`),
    });
    // After an outage nobody knows it but by asking.
    this.#forget = link.onStatus(({ kind }) => {
      if (kind === 'ready') this.#kept.renew().catch(() => undefined); // it does not reject
    });
  }

  /** `undefined`: the home has no Redis any more. @throws a system error where a certificate cannot be read. */
  static async open(options: PodLeaseOptions): Promise<PodLease | undefined> {
    const { settings, lease } = options;
    if (settings.redis.kind === 'off') return undefined;
    const { openWriter } = await import('../../redis/link.ts');
    const link = await openWriter(settings.redis);
    const key = leaseKey(createKeys(settings.redis.prefix), lease.name, settings.swarm.leaseS);
    return new PodLease(options, link, { key, holder: lease.holder, token: lease.token });
  }

  /** Asked before the work begins: the pod may have been started late, or waited long. F2, F3. */
  async ask(signal: AbortSignal): Promise<void> {
    await this.#link.untilKnown(CONNECT_MS, signal);
    await this.#kept.renew();
  }

  /** F1. Never rejects. */
  async settle(): Promise<Settling> {
    if (this.#superseded !== undefined) return { kind: 'superseded', why: this.#superseded };
    const ended = await this.#endedElsewhere(); // a Redis that was emptied meanwhile does not know
    if (ended !== undefined) return { kind: 'superseded', why: ended };
    const settled = await trySettle(this.#link, this.#hold);
    if (settled === 'ok') return { kind: 'settled' };
    if (settled === 'taken') return { kind: 'superseded', why: this.#superseded ?? 'another one has the job' };
    const { status } = this.#link;
    return { kind: 'unknown', why: status.kind === 'down' ? status.why : 'it does not answer' };
  }

  /** Others may have it, unless it is settled. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#forget();
    this.#kept[Symbol.dispose]();
    if (this.#superseded === undefined) await tryRelease(this.#link, this.#hold);
    await this.#link.close();
  }

  #lose(why: string): void {
    this.#superseded = why;
    this.#options.stop.now({ kind: 'superseded', why });
  }

  async #endedElsewhere(): Promise<string | undefined> {
    const { busDir, entity } = this.#options;
    const read = await bestEffort('lease.channel', { withinMs: CHANNEL_BUDGET_MS }, () => readEntity(busDir, entity));
    const state = read.kind === 'done' ? read.value?.state : undefined;
    return state !== undefined && isTerminal(state) ? `the job is ${state} already` : undefined;
  }
}

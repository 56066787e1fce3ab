/**
 * Owns a job that this process has from BullMQ: its lock is renewed as long as the process runs.
 *
 * A claim whose lock was lost (Redis was away for longer than that, or emptied) is no error for its holder: what he says of
 * it is not needed any more. The next one that gets the job finds by its lease that it runs, or is over.
 */
import { bestEffort } from '../../../failopen/best-effort.ts';
import type { Claim, QueueAway, QueuedJob } from '../work-queue.ts';
import { type BullJob, type BullStore, isAway } from './bull-store.ts';

const SAY_WITHIN_MS = 1_000;

/** Of BullMQ: the job is not there, has no lock, is not active, or has another's lock. */
const IS_LOST: readonly unknown[] = [-1, -2, -3, -6];
const isLost = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && IS_LOST.includes(thrown.code);

interface Claimed {
  readonly store: BullStore;
  readonly bull: BullJob;
  readonly token: string;
  readonly job: QueuedJob;
}

export class BullClaim implements Claim {
  readonly #claimed: Claimed;
  readonly #timer: NodeJS.Timeout;
  readonly #onEnd: () => void;
  #job: QueuedJob;

  constructor(claimed: Claimed, onEnd: () => void) {
    this.#claimed = claimed;
    this.#job = claimed.job;
    this.#onEnd = onEnd;
    this.#timer = setInterval(() => {
      this.#renew().catch(() => undefined); // it does not reject
    }, claimed.store.times.lockMs / 3).unref();
  }

  get job(): QueuedJob {
    return this.#job;
  }

  /** The process ends: whoever comes next may have it. */
  drop(): void {
    clearInterval(this.#timer);
    this.#onEnd();
  }

  done(summary: string): Promise<'ok' | QueueAway> {
    const { bull, token } = this.#claimed;
    return this.#end(() => bull.moveToCompleted(summary, token, false));
  }

  fail(why: string): Promise<'ok' | QueueAway> {
    const { bull, token, store } = this.#claimed;
    return this.#end(() => bull.moveToFailed(new store.Failure(why), token, false));
  }

  async putBack(delayMs: number, why: string): Promise<'ok' | QueueAway> {
    const { bull, token } = this.#claimed;
    const said = await this.#end(async () => {
      await bull.updateData({ ...bull.data, note: why });
      await (delayMs > 0 ? bull.moveToDelayed(Date.now() + delayMs, token) : bull.moveToWait(token));
    });
    if (said !== 'ok') this.drop(); // nobody sees to it here any more: it stalls, and comes back by that
    return said;
  }

  async update(standing: QueuedJob['standing']): Promise<'ok' | QueueAway> {
    const { bull } = this.#claimed;
    this.#job = { ...this.#job, standing };
    return this.#say(() => bull.updateData({ ...bull.data, job: this.#job }));
  }

  async #end(say: () => Promise<unknown>): Promise<'ok' | QueueAway> {
    const said = await this.#say(say);
    if (said === 'ok') this.drop(); // else it is renewed until it can be said
    return said;
  }

  async #say(say: () => Promise<unknown>): Promise<'ok' | QueueAway> {
    const said = await this.#claimed.store.ask(SAY_WITHIN_MS, async () => {
      try {
        await say();
      } catch (thrown) {
        if (!isLost(thrown)) throw thrown;
      }
      return 'ok' as const;
    });
    return isAway(said) ? said : 'ok';
  }

  async #renew(): Promise<void> {
    const { bull, token, store } = this.#claimed;
    if (store.link.status.kind !== 'ready') return;
    await bestEffort('queue.renew', { withinMs: store.times.lockMs / 3 }, () =>
      bull.extendLock(token, store.times.lockMs),
    );
  }
}

/** Owns the queue where Redis is configured: a queue of BullMQ for each capability (design, section 6). */
import { runScript } from '../../../redis/scripts/script.ts';
import { noteCapabilities } from '../../../redis/scripts/note-capability.lua.ts';
import type { Claim, QueueAway, QueuedJob, QueueFilter, QueueRow, QueueState, WorkQueue } from '../work-queue.ts';
import { BULL_STATES, bullPriority, queuedJobOf, rowOf, stateOf } from './bull-row.ts';
import { type BullJob, type BullQueue, BullStore, type BullTimes, away } from './bull-store.ts';
import { BullTaker } from './bull-taker.ts';
import type { RedisTarget } from '../../../config/redis/redis-settings.ts';

/** G1: whoever dispatches does not wait longer for a Redis that is away. */
const ADD_WITHIN_MS = 250;
const ASK_WITHIN_MS = 2_000;
const CLEAR_WITHIN_MS = 30_000;
/** Rows of one state of one capability; more are not shown. */
const MAX_ROWS = 1_000;

interface Found {
  readonly queue: BullQueue;
  readonly bull: BullJob;
}

/** A later round of the same entity: what is kept of the one before makes room. */
const isLaterRound = (job: QueuedJob, kept: BullJob): boolean =>
  kept.finishedOn !== undefined && job.standing.rev > (queuedJobOf(kept)?.standing.rev ?? 0);

export class RedisWorkQueue implements WorkQueue {
  readonly kind = 'redis';
  readonly #store: BullStore;
  readonly #taker: BullTaker;

  private constructor(store: BullStore) {
    this.#store = store;
    this.#taker = new BullTaker(store);
  }

  /** @throws a system error where a certificate of the settings cannot be read. */
  static async open(target: RedisTarget, times: BullTimes): Promise<RedisWorkQueue> {
    return new RedisWorkQueue(await BullStore.open(target, times));
  }

  async untilKnown(withinMs: number): Promise<void> {
    await this.#store.link.untilKnown(withinMs);
  }

  add(job: QueuedJob): Promise<{ readonly kind: 'queued' | 'there' } | QueueAway> {
    const { entity: jobId, capability, priority, name } = job;
    return this.#store.ask(ADD_WITHIN_MS, async () => {
      const { link, keys } = this.#store;
      const noted = await runScript(link, noteCapabilities(keys.capabilities, [capability]), {
        withinMs: ADD_WITHIN_MS,
      });
      if (noted.kind !== 'done') return away(noted.why); // a queue that nobody knows of is not seen
      const queue = this.#store.queue(capability);
      const kept = await queue.getJob(jobId);
      if (kept !== undefined) {
        if (!isLaterRound(job, kept)) return { kind: 'there' } as const;
        await kept.remove();
      }
      const delay = Math.max(0, Date.parse(job.not_before ?? '') - Date.now() || 0);
      await queue.add(name, { job, note: null }, { jobId, priority: bullPriority(priority), delay });
      return { kind: 'queued' } as const;
    });
  }

  list({ capability, states }: QueueFilter = {}): Promise<readonly QueueRow[] | QueueAway> {
    const wanted = states ?? (Object.keys(BULL_STATES) as QueueState[]);
    return this.#store.ask(ASK_WITHIN_MS, async () => {
      const rows: QueueRow[] = [];
      for (const name of capability === undefined ? await this.#capabilities() : [capability]) {
        const queue = this.#store.queue(name);
        for (const state of wanted) {
          const jobs = await queue.getJobs([...BULL_STATES[state]], 0, MAX_ROWS - 1, true);
          for (const bull of jobs) rows.push(...(await this.#rowOf(queue, bull, state)));
        }
      }
      return rows;
    });
  }

  show(entity: string): Promise<QueueRow | undefined | QueueAway> {
    return this.#store.ask(ASK_WITHIN_MS, async () => {
      const found = await this.#find(entity);
      const state = found && stateOf(await found.bull.getState());
      if (found === undefined || state === undefined) return undefined;
      return (await this.#rowOf(found.queue, found.bull, state))[0];
    });
  }

  clear(states: readonly ('completed' | 'failed')[]): Promise<number | QueueAway> {
    return this.#store.ask(CLEAR_WITHIN_MS, async () => {
      let count = 0;
      for (const name of await this.#capabilities()) {
        const jobs = await this.#store.queue(name).getJobs([...states], 0, -1);
        for (const bull of jobs) await bull.remove();
        count += jobs.length;
      }
      return count;
    });
  }

  cancel(entity: string): Promise<'cancelled' | 'active' | 'unknown' | QueueAway> {
    return this.#store.ask(ASK_WITHIN_MS, async () => {
      const found = await this.#find(entity);
      const state = found && stateOf(await found.bull.getState());
      if (found === undefined || state === undefined || state === 'completed' || state === 'failed') return 'unknown';
      if (state === 'active') return 'active';
      // Where a worker took it meanwhile, it is locked, and stays.
      return (await found.queue.remove(entity)) === 1 ? 'cancelled' : 'active';
    });
  }

  retry(entity: string): Promise<'retried' | 'active' | 'unknown' | QueueAway> {
    return this.#store.ask(ASK_WITHIN_MS, async () => {
      const found = await this.#find(entity);
      const state = found && stateOf(await found.bull.getState());
      if (found === undefined || state === undefined || state === 'completed') return 'unknown';
      if (state === 'active') return 'active';
      if (state === 'failed') await found.bull.retry('failed');
      if (state === 'delayed') await found.bull.promote();
      return 'retried';
    });
  }

  take(capabilities: readonly string[], worker: string, signal: AbortSignal): Promise<Claim | undefined> {
    return this.#taker.take(capabilities, worker, signal);
  }

  depths(): Promise<Readonly<Record<string, number>> | QueueAway> {
    return this.#store.ask(ASK_WITHIN_MS, async () => {
      const depths: Record<string, number> = {};
      for (const name of await this.#capabilities()) {
        const counts = await this.#store.queue(name).getJobCounts(...BULL_STATES.waiting);
        depths[name] = Object.values(counts).reduce((sum, count) => sum + count, 0);
      }
      return depths;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#taker.close();
    await this.#store.close();
  }

  /** None where it is not of nika. */
  async #rowOf(queue: BullQueue, bull: BullJob, state: QueueState): Promise<readonly QueueRow[]> {
    const row = rowOf(bull, state);
    if (row === undefined) return [];
    if (state !== 'active') return [row];
    const lock = await this.#store.link.call({ name: 'get', args: [`${queue.toKey(bull.id ?? '')}:lock`] });
    return [lock.kind === 'done' && lock.value === null ? { ...row, isStalled: true } : row];
  }

  /** By a set of their own: no command that looks at all keys of a server is used. */
  async #capabilities(): Promise<readonly string[]> {
    const { link, keys } = this.#store;
    const outcome = await link.call({ name: 'zrange', args: [keys.capabilities.name, 0, -1] });
    if (outcome.kind !== 'done') throw new Error(outcome.why);
    return Array.isArray(outcome.value) ? outcome.value.map(String).toSorted() : [];
  }

  async #find(entity: string): Promise<Found | undefined> {
    for (const name of await this.#capabilities()) {
      const queue = this.#store.queue(name);
      const bull = await queue.getJob(entity);
      if (bull !== undefined) return { queue, bull };
    }
    return undefined;
  }
}

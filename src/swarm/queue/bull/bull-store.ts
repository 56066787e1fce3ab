/**
 * Owns the connection of the queues in Redis and what BullMQ makes of it: a queue for each capability.
 *
 * B1. Whoever asks is answered in time, whatever Redis does: BullMQ alone waits for ever for one that is away (G1).
 * B2. One connection for all queues, and one that waits; both are nika's own, so that every kind of Redis will do.
 */
import type { Job, Queue, Worker } from 'bullmq';
import type { RedisTarget } from '../../../config/redis/redis-settings.ts';
import { tellError } from '../../../redis/call-outcome.ts';
import { createKeys, type Keys } from '../../../redis/keys.ts';
import { type Link, openReader } from '../../../redis/link.ts';
import { openShared, type SharedLink } from '../../../redis/shared-link.ts';
import type { QueueAway, QueuedJob } from '../work-queue.ts';

/** What stands in a job of BullMQ. */
export interface BullData {
  readonly job: QueuedJob;
  /** Why it was put back last. */
  readonly note: string | null;
}
export type BullJob = Job<BullData, string>;
export type BullQueue = Queue<BullData, string>;

export interface BullTimes {
  /** A claim whose process says nothing for so long is free again … */
  readonly lockMs: number;
  /** … once that was looked at. */
  readonly stalledEveryMs: number;
}

export const BULL_TIMES: BullTimes = { lockMs: 30_000, stalledEveryMs: 15_000 };

const DAY_S = 86_400;
const EXPIRE_WITHIN_MS = 2_000;
const EXPIRE_COUNT = 200;

/** G6: what is over is kept for a while, for those who ask. Keys of BullMQ have no time to live (G5: the exception). */
const KEPT = {
  removeOnComplete: { count: 1_000, age: DAY_S },
  removeOnFail: { count: 5_000, age: 7 * DAY_S },
};

type Bull = typeof import('bullmq');

export const away = (why: string): QueueAway => ({ kind: 'away', why });
export const isAway = (value: unknown): value is QueueAway =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'away';

/** In a Cluster all keys of the queues have to be on one node: a script of BullMQ touches several. */
const prefixOf = ({ prefix, at }: RedisTarget): string =>
  `${prefix}nika:${at.kind === 'cluster' ? '{queue}' : 'queue'}`;

export class BullStore {
  readonly link: Link;
  readonly keys: Keys;
  readonly times: BullTimes;
  readonly #target: RedisTarget;
  readonly #client: SharedLink['client'];
  readonly #bull: Bull;
  readonly #queues = new Map<string, BullQueue>();
  readonly #workers = new Map<string, Worker<BullData, string>>();
  #reader: Promise<Link> | undefined;

  private constructor(target: RedisTarget, { link, client }: SharedLink, bull: Bull, times: BullTimes) {
    this.#target = target;
    this.#client = client;
    this.#bull = bull;
    this.link = link;
    this.times = times;
    this.keys = createKeys(target.prefix);
  }

  /** @throws a system error where a certificate of the settings cannot be read. */
  static async open(target: RedisTarget, times: BullTimes): Promise<BullStore> {
    const [shared, bull] = await Promise.all([openShared(target), import('bullmq')]);
    return new BullStore(target, shared, bull, times);
  }

  get #options() {
    return {
      connection: this.#client,
      prefix: prefixOf(this.#target),
      skipWaitingForReady: true, // else its first call waits for ever where Redis was never there
      skipVersionCheck: true, // else one failed INFO at the start makes every later call fail
      skipMetasUpdate: true,
    };
  }

  queue(capability: string): BullQueue {
    const known = this.#queues.get(capability);
    if (known !== undefined) return known;
    const queue: BullQueue = new this.#bull.Queue(capability, { ...this.#options, defaultJobOptions: KEPT });
    queue.on('error', () => undefined); // told by the call that failed, and by the link
    this.#queues.set(capability, queue);
    return queue;
  }

  /** G6: BullMQ looks at the age of what it keeps only when a further job ends. Never rejects. */
  async expire(capability: string): Promise<void> {
    for (const [state, { age }] of [
      ['completed', KEPT.removeOnComplete],
      ['failed', KEPT.removeOnFail],
    ] as const) {
      await this.ask(EXPIRE_WITHIN_MS, async () => {
        const oldest = await this.queue(capability).getJobs([state], 0, EXPIRE_COUNT - 1, true);
        for (const bull of oldest) if (Date.now() - (bull.finishedOn ?? Infinity) > age * 1_000) await bull.remove();
      });
    }
  }

  /** For taking jobs by hand; without the blocking connection that each worker of BullMQ makes otherwise (B2). */
  worker(capability: string, name: string): Worker<BullData, string> {
    const id = `${capability} ${name}`;
    const known = this.#workers.get(id);
    if (known !== undefined) return known;
    const { lockMs: lockDuration, stalledEveryMs: stalledInterval } = this.times;
    const { createRedisBackend, Worker: Made } = this.#bull;
    const options = { ...this.#options, name, lockDuration, stalledInterval, maxStalledCount: 1_000_000, ...KEPT };
    const worker = new Made<BullData, string>(capability, null, options, (queue, given) =>
      createRedisBackend(queue, given, {}),
    );
    worker.on('error', () => undefined);
    this.#workers.set(id, worker);
    return worker;
  }

  /** For what waits in Redis; nothing else may go over it. @throws as {@link open} */
  reader(): Promise<Link> {
    this.#reader ??= openReader(this.#target);
    return this.#reader;
  }

  get Failure(): Bull['UnrecoverableError'] {
    return this.#bull.UnrecoverableError;
  }

  /** B1. What came of it, or why Redis cannot be asked. */
  async ask<T>(withinMs: number, work: () => Promise<T>): Promise<T | QueueAway> {
    const { promise: late, resolve } = Promise.withResolvers<QueueAway>();
    const timer = setTimeout(() => resolve(away(`no answer within ${withinMs} ms`)), withinMs);
    const run = async (): Promise<T | QueueAway> => {
      if (!(await this.link.untilKnown(withinMs))) {
        const { status } = this.link;
        return away(status.kind === 'down' ? status.why : 'it does not take the connection');
      }
      return work();
    };
    try {
      return await Promise.race([run(), late]);
    } catch (thrown) {
      return away(tellError(thrown, []));
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    const closing = [...this.#queues.values(), ...this.#workers.values()].map((one) =>
      one.close().catch(() => undefined),
    );
    await this.link.close();
    const reader = await this.#reader?.catch(() => undefined);
    await Promise.all([...closing, reader?.close()]);
  }
}

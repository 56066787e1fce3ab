/**
 * Owns what a living pod does for its job's working memory in the home: it is kept as long as the pod lives, and what Redis
 * has not got (any more) is brought to it (G4, G5).
 *
 * P1. While the home has nothing of the job, nothing is opened and nothing is asked.
 */
import { bestEffort } from '../../failopen/best-effort.ts';
import type { Contracts } from '../../ipc/contracts/contracts.ts';
import type { HomeContracts } from '../../ipc/contracts/home-contracts.ts';
import { bringMemory } from '../../ipc/working-memory/bring-memory.ts';
import type { HomeMemory } from '../../ipc/working-memory/home-memory.ts';
import { RedisMemory } from '../../ipc/working-memory/redis-memory.ts';
import type { RedisWay, WorkingMemory } from '../../ipc/working-memory/working-memory.ts';
import type { EntityId } from '../../model/id.ts';
import type { KeyPart } from '../../redis/keys.ts';

export interface MemoryKeeperOptions {
  readonly home: HomeMemory;
  readonly memory: WorkingMemory;
  readonly homeContracts: HomeContracts;
  readonly contracts: Contracts;
  readonly job: EntityId;
  readonly way: () => Promise<RedisWay>;
  readonly everyMs?: number;
}

const EVERY_MS = 10_000;
/** All are compared so often, else what the index does not name. */
const WHOLE_EVERY = 6;
/** Of one look: after it the next one goes on. */
const LOOK_WITHIN_MS = 8_000;

export class MemoryKeeper implements AsyncDisposable {
  readonly #options: MemoryKeeperOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #end = new AbortController();
  #looking: Promise<unknown> | undefined;
  #count = 0;
  /** Since when the link stands over which all was last compared. */
  #comparedSinceMs: number | undefined;

  constructor(options: MemoryKeeperOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tick(), options.everyMs ?? EVERY_MS).unref();
  }

  /** Never rejects. */
  async look(): Promise<void> {
    this.#looking ??= bestEffort('wm.keep', { withinMs: LOOK_WITHIN_MS }, (signal) =>
      this.#look(AbortSignal.any([signal, this.#end.signal])),
    ).finally(() => (this.#looking = undefined));
    await this.#looking;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#end.abort();
    await this.#looking;
  }

  #tick(): void {
    this.look().catch(() => undefined); // it does not reject
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { homeContracts, contracts } = this.#options;
    const has = await homeContracts.touch(this.#options.job);
    const others = [...contracts.written].filter((other) => other !== this.#options.job);
    for (const job of has ? [this.#options.job, ...others] : others) await contracts.bring(job);
    await this.#lookAtMemory(signal);
  }

  async #lookAtMemory(signal: AbortSignal): Promise<void> {
    const { home, memory, job, way } = this.#options;
    const jobs = [job, ...[...memory.written].filter((other) => other !== job)];
    await home.touch(job);
    const filled: EntityId[] = [];
    for (const one of jobs) if ((await home.names(one)).length > 0) filled.push(one);
    if (filled.length === 0) return; // P1
    const redis = await way();
    if (redis.kind !== 'link' || signal.aborted) return;
    const { status } = redis.link;
    this.#count += 1;
    const isWhole = this.#comparedSinceMs !== status.sinceAtMs || this.#count % WHOLE_EVERY === 0;
    let isAll = true;
    for (const one of filled) {
      const waiting = memory.takeWaiting(one);
      const missing = isWhole ? undefined : await this.#missing(new RedisMemory(redis.link, redis.keys, signal), one);
      const only = missing?.union(waiting);
      if (only?.size === 0) continue;
      const { why } = await bringMemory({ link: redis.link, keys: redis.keys, home, signal }, one, only);
      if (why === undefined) continue;
      memory.await(one, waiting);
      isAll = false;
    }
    if (isAll && isWhole) this.#comparedSinceMs = status.sinceAtMs;
  }

  /** Names of the home that the index has not: Redis lost its data, or was away. */
  async #missing(redis: RedisMemory, job: EntityId): Promise<ReadonlySet<KeyPart>> {
    const [names, index] = await Promise.all([this.#options.home.names(job), redis.index(job)]);
    return new Set(index.kind === 'away' ? [] : names.filter((name) => !index.names.has(name)));
  }
}

/**
 * Owns how jobs are taken from the queues in Redis.
 *
 * T1. It waits in one command for all capabilities, on the markers that BullMQ sets where there is work. Should they be
 *     missed, the queues are looked at every two seconds all the same.
 * T2. What a dead worker held is put back by whoever looks: twice an interval after its lock ran out, at the latest.
 * T3. A job that arrives when nobody waits for it any more goes back.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { bestEffort } from '../../../failopen/best-effort.ts';
import { noteCapabilities } from '../../../redis/scripts/note-capability.lua.ts';
import { READ_BLOCK_MS } from '../../../redis/link-options.ts';
import { runScript } from '../../../redis/scripts/script.ts';
import type { Claim } from '../work-queue.ts';
import { BullClaim } from './bull-claim.ts';
import { queuedJobOf } from './bull-row.ts';
import { type BullStore, isAway } from './bull-store.ts';

const NEXT_WITHIN_MS = 2_000;
const PAUSE_MS = 500;
/** So that the list of queues outlives a quiet month. */
const NOTE_EVERY_MS = 3_600_000;

const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  try {
    await delay(ms, undefined, { signal });
  } catch {
    // given up
  }
};

export class BullTaker {
  readonly #store: BullStore;
  readonly #claims = new Set<BullClaim>();
  #lookedAtMs = -Infinity;
  #notedAtMs = -Infinity;
  /** The first capability that is asked: none is served always before the others. */
  #first = 0;

  constructor(store: BullStore) {
    this.#store = store;
  }

  /** Never rejects. `undefined`: it was given up. */
  async take(capabilities: readonly string[], worker: string, signal: AbortSignal): Promise<Claim | undefined> {
    const { link } = this.#store;
    while (!signal.aborted && link.status.kind !== 'closed') {
      if (!(await link.untilReady(PAUSE_MS, signal))) continue;
      await this.#keepHouse(capabilities, worker);
      this.#first += 1;
      for (const [at] of capabilities.entries()) {
        const capability = capabilities[(this.#first + at) % capabilities.length] ?? '';
        const claim = await this.#next(capability, worker);
        if (claim !== undefined) return claim;
      }
      await this.#untilWork(capabilities, signal);
    }
    return undefined;
  }

  close(): void {
    for (const claim of this.#claims) claim.drop();
  }

  async #next(capability: string, worker: string): Promise<Claim | undefined> {
    const token = `${worker}:${crypto.randomUUID()}`;
    let isLate = false;
    const bull = await this.#store.ask(NEXT_WITHIN_MS, async () => {
      const next = await this.#store.worker(capability, worker).getNextJob(token, { block: false });
      if (isLate) await next?.moveToWait(token); // T3
      return next;
    });
    isLate = true;
    if (bull === undefined || isAway(bull)) return undefined;
    const job = queuedJobOf(bull);
    if (job === undefined) {
      const { Failure } = this.#store;
      const why = 'what stands there is no job of nika, or one of a later version';
      await this.#store.ask(NEXT_WITHIN_MS, () => bull.moveToFailed(new Failure(why), token, false));
      return undefined;
    }
    const claim = new BullClaim({ store: this.#store, bull, token, job }, () => this.#claims.delete(claim));
    this.#claims.add(claim);
    return claim;
  }

  /** T1 */
  async #untilWork(capabilities: readonly string[], signal: AbortSignal): Promise<void> {
    const opened = await bestEffort('queue.reader', { withinMs: NEXT_WITHIN_MS }, () => this.#store.reader());
    if (opened.kind !== 'done') return pause(PAUSE_MS, signal);
    const reader = opened.value;
    if (!(await reader.untilReady(PAUSE_MS, signal)) || signal.aborted) return;
    const markers = capabilities.map((name) => this.#store.queue(name).toKey('marker'));
    const blockS = (READ_BLOCK_MS - PAUSE_MS / 2) / 1_000;
    const outcome = await reader.call({ name: 'bzpopmin', args: [...markers, blockS] }, {}, signal);
    if (outcome.kind !== 'done') return pause(PAUSE_MS, signal);
    // A marker with a time is of a job that has to wait until then.
    const dueMs = Array.isArray(outcome.value) ? Number(outcome.value[2]) : 0;
    if (dueMs > Date.now()) await pause(Math.min(dueMs - Date.now(), READ_BLOCK_MS), signal);
  }

  async #keepHouse(capabilities: readonly string[], worker: string): Promise<void> {
    const nowMs = performance.now();
    const { link, keys, times } = this.#store;
    if (nowMs - this.#notedAtMs > NOTE_EVERY_MS) {
      const noted = await runScript(link, noteCapabilities(keys.capabilities, capabilities));
      if (noted.kind === 'done') this.#notedAtMs = nowMs;
      for (const capability of capabilities) await this.#store.expire(capability); // a queue where nothing ends any more
    }
    if (nowMs - this.#lookedAtMs < times.stalledEveryMs) return;
    this.#lookedAtMs = nowMs;
    for (const capability of capabilities) {
      const backend = this.#store.worker(capability, worker).getBackend();
      await this.#store.ask(NEXT_WITHIN_MS, () => backend.moveStalledJobsToWait()); // T2
    }
  }
}

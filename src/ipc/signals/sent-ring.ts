/** Owns what was sent and Redis took: the newest of it is held, so that it can be brought again where Redis lost it (G4). */
import type { EntityId } from '../../model/id.ts';
import { type Signal, signalBytes } from './signal.ts';

/** Of all targets together (G6). */
const MAX_COUNT = 1_000;
const MAX_BYTES = 4 * 1024 * 1024;

interface Held {
  readonly signal: Signal;
  readonly bytes: number;
}

export interface SentTo {
  readonly job: EntityId;
  /** Redis's id of the last one: while that is there, nothing was lost. */
  readonly lastId: string;
}

export class SentRing {
  readonly #held = new Map<string, Held>();
  readonly #lastIds = new Map<EntityId, string>();
  readonly #keepMs: number;
  #bytes = 0;

  /** `keepMs`: what was made before is no longer wanted by anybody, however often it was brought again. */
  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  add(signals: readonly Signal[], lastId: string): void {
    for (const signal of signals) {
      const bytes = signalBytes(signal);
      this.#forget(signal.id);
      this.#held.set(signal.id, { signal, bytes });
      this.#bytes += bytes;
      this.#lastIds.set(signal.to, lastId);
    }
    for (const [id, { signal }] of this.#held) {
      if (!this.#isOld(signal) && this.#held.size <= MAX_COUNT && this.#bytes <= MAX_BYTES) break;
      this.#forget(id);
    }
  }

  get isEmpty(): boolean {
    return this.#held.size === 0;
  }

  /** To whom something is held. */
  targets(): readonly SentTo[] {
    for (const [id, { signal }] of this.#held) if (this.#isOld(signal)) this.#forget(id);
    const jobs = new Set(Array.from(this.#held.values(), ({ signal }) => signal.to));
    return [...jobs].flatMap((job) => {
      const lastId = this.#lastIds.get(job);
      return lastId === undefined ? [] : [{ job, lastId }];
    });
  }

  /** What is held for it, in its order; held no more. */
  take(job: EntityId): readonly Signal[] {
    const signals = Array.from(this.#held.values(), ({ signal }) => signal).filter(({ to }) => to === job);
    for (const { id } of signals) this.#forget(id);
    this.#lastIds.delete(job);
    return signals;
  }

  #isOld({ ts }: Signal): boolean {
    return Date.now() - Date.parse(ts) > this.#keepMs;
  }

  #forget(id: string): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#held.delete(id);
    this.#bytes -= held.bytes;
  }
}

/** Owns what a living job keeps alive by its heartbeat, however long it runs: its signals and its contract (G5). */
import type { EntityId } from '../model/id.ts';
import { type BatchKind, type BatchSource, type Part, partOf } from '../redis/batch-writer.ts';
import type { Keys } from '../redis/keys.ts';
import { keepAlive } from '../redis/scripts/keep-alive.lua.ts';

export class JobKeys implements BatchSource {
  readonly waitingCount = 0;
  readonly #keys: Keys;
  readonly #jobOf: () => EntityId | undefined;

  /** `jobOf`: once it is known. */
  constructor(keys: Keys, jobOf: () => EntityId | undefined) {
    this.#keys = keys;
    this.#jobOf = jobOf;
  }

  async nextParts(kind: BatchKind): Promise<readonly Part[]> {
    const job = this.#jobOf();
    if (kind === 'due' || job === undefined) return [];
    const owned = [this.#keys.signals(job), this.#keys.contract(job)];
    return owned.map((key) => partOf(keepAlive(key), () => undefined));
  }
}

/**
 * Owns what a living job keeps alive by its heartbeat, however long it runs: its signals, its contract and its artifacts
 * (G5).
 *
 * J1. Which artifacts there are the index says, whoever put them; of many some at a time, so that no batch grows with them.
 */
import type { EntityId } from '../model/id.ts';
import { type BatchKind, type BatchSource, type Part, partOf } from '../redis/batch-writer.ts';
import { type Keys, tryKeyPart } from '../redis/keys.ts';
import { keepArtifact } from '../redis/scripts/artifact.lua.ts';
import { keepIndex } from '../redis/scripts/artifact-index.lua.ts';
import { keepAlive } from '../redis/scripts/keep-alive.lua.ts';

/** A heartbeat: 1,000 artifacts are kept alive each 100 s, of an hour. */
const ARTIFACTS_PER_BEAT = 100;

export class JobKeys implements BatchSource {
  readonly waitingCount = 0;
  readonly #keys: Keys;
  readonly #jobOf: () => EntityId | undefined;
  /** Names that the index had at the last heartbeat. */
  #names: readonly string[] = [];
  #next = 0;

  /** `jobOf`: once it is known. */
  constructor(keys: Keys, jobOf: () => EntityId | undefined) {
    this.#keys = keys;
    this.#jobOf = jobOf;
  }

  async nextParts(kind: BatchKind): Promise<readonly Part[]> {
    const job = this.#jobOf();
    if (kind === 'due' || job === undefined) return [];
    const owned = [this.#keys.signals(job), this.#keys.contract(job)];
    const index = partOf(keepIndex(this.#keys.artifactIndex(job)), (outcome) => {
      if (outcome.kind === 'done') this.#names = [...outcome.value.keys()];
    });
    return [
      ...owned.map((key) => partOf(keepAlive(key), () => undefined)),
      index,
      ...this.#nextArtifacts().flatMap((name) => {
        const artifact = tryKeyPart(name);
        if (artifact === undefined) return []; // another program put that there
        return [partOf(keepArtifact(this.#keys.artifact(job, artifact)), () => undefined)];
      }),
    ];
  }

  /** J1 */
  #nextArtifacts(): readonly string[] {
    if (this.#next >= this.#names.length) this.#next = 0;
    const names = this.#names.slice(this.#next, this.#next + ARTIFACTS_PER_BEAT);
    this.#next += names.length;
    return names;
  }
}

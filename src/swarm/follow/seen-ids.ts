/**
 * Owns which events a follower has handled, across restarts: bounded, in two generations of which the older one goes at
 * once (G6).
 *
 * I1. An id is remembered once its event was handled, not before: who is killed in between handles it again rather than never.
 * I2. A disk that takes nothing costs the memory of a restart, and nothing else (G1).
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { FingerprintIndex } from '../../bus/read/verify/fingerprint-index.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';

const FILE_MODE = 0o600;
/** At least so many are remembered, and at most twice as many: 20 bytes each in memory, 37 on disk. */
const DEFAULT_GENERATION = 500_000;

const load = (path: string): FingerprintIndex => {
  const index = new FingerprintIndex();
  if (!existsSync(path)) return index;
  for (const id of readFileSync(path, 'utf8').split('\n')) if (id.length === 36) index.add(id); // a torn end is none
  return index;
};

export class SeenIds {
  readonly #path: string | undefined;
  readonly #generation: number;
  #young = new FingerprintIndex();
  #old = new FingerprintIndex();

  /** `path`: where they are kept, with `.old` beside; `undefined`: in memory alone. */
  constructor(path: string | undefined, generation = DEFAULT_GENERATION) {
    this.#path = path;
    this.#generation = generation;
    if (path === undefined) return;
    bestEffortSync('seen.folder', () => mkdirSync(dirname(path), { recursive: true, mode: 0o700 }));
    this.#young = bestEffortSync('seen.read', () => load(path)) ?? this.#young;
    this.#old = bestEffortSync('seen.read', () => load(`${path}.old`)) ?? this.#old;
    bestEffortSync('seen.write', () => appendFileSync(path, '\n', { mode: FILE_MODE })); // after what may be torn
  }

  has(id: string): boolean {
    return this.#young.has(id) || this.#old.has(id);
  }

  /** I1 */
  add(id: string): void {
    if (this.has(id)) return;
    this.#young.add(id);
    const path = this.#path;
    if (path !== undefined) bestEffortSync('seen.write', () => appendFileSync(path, `${id}\n`, { mode: FILE_MODE })); // I2
    if (this.#young.count >= this.#generation) this.#turn();
  }

  #turn(): void {
    this.#old = this.#young;
    this.#young = new FingerprintIndex();
    const path = this.#path;
    if (path === undefined) return;
    bestEffortSync('seen.turn', () => {
      rmSync(`${path}.old`, { force: true });
      renameSync(path, `${path}.old`);
      writeFileSync(path, '', { mode: FILE_MODE });
    });
  }
}

/**
 * Owns the working memory of a home's own disk: `run/wm/<job>/`. What this home's pods put while Redis is away, and a copy
 * of what they put into Redis, which is brought again where Redis lost it (G4).
 *
 * M1. Of two versions the later stands; who writes one holds the lock of its job.
 * M2. At most 1,000 artifacts a job, and so many bytes in a home (G6); of deletions the newest are remembered.
 * M3. Nothing blocks the process: a disk that hangs is given up by whoever waits (G1).
 */
import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeFolderSoon } from '../../failopen/make-folder.ts';
import { ARTIFACT_MAX_COUNT } from '../../model/artifact.ts';
import { errnoOf, errorMessage } from '../../model/error.ts';
import { type EntityId, entityIdSchema } from '../../model/id.ts';
import { type KeyPart, tryKeyPart } from '../../redis/keys.ts';
import { type Artifact, type ArtifactVersion, headOf, type PutCondition, type PutWish, whyFull } from './artifact.ts';
import { GONE_ENDING, isTemp, readArtifact, readVersion, VALUE_ENDING, writeVersion } from './artifact-file.ts';

/** A lock of this machine; `undefined`: somebody else has it. */
export type TryLock = (dir: string, what: string) => Promise<AsyncDisposable | undefined>;

export interface HomeMemoryOptions {
  readonly runDir: string;
  readonly tryLock: TryLock;
  /** M2 */
  readonly maxBytes?: number;
}

export type HomePut =
  | { readonly kind: 'put'; readonly version: ArtifactVersion }
  | { readonly kind: 'conflict'; readonly sha256: string | undefined }
  | { readonly kind: 'full'; readonly why: string }
  /** The disk does not take it. */
  | { readonly kind: 'unavailable'; readonly why: string };

export const HOME_MAX_BYTES = 256 * 1024 * 1024;
/** M2. As many again are let in before the oldest go. */
const GONE_KEPT = 1_000;
const DIR_MODE = 0o700;
const LOCK_WITHIN_MS = 2_000;
const LOCK_TRY_MS = 2;
/** Others write too: so long what was counted is believed. */
const COUNTED_FOR_MS = 30_000;

/** Names in a folder; none: there is no such folder. @throws a system error */
const namesIn = async (dir: string): Promise<readonly string[]> => {
  try {
    return await readdir(dir);
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return [];
    throw thrown;
  }
};

const newer = (a: ArtifactVersion | undefined, b: ArtifactVersion | undefined): ArtifactVersion | undefined =>
  a === undefined || (b !== undefined && b.head.ts > a.head.ts) ? b : a;

const holds = (condition: PutCondition | undefined, there: ArtifactVersion | undefined): boolean => {
  if (condition === undefined) return true;
  const sha256 = there === undefined || there.isDeleted ? undefined : there.head.sha256;
  return condition.kind === 'absent' ? sha256 === undefined : sha256 === condition.sha256;
};

export class HomeMemory {
  readonly #options: HomeMemoryOptions;
  readonly #wmDir: string;
  #turn: Promise<unknown> = Promise.resolve();
  #bytes: { count: number; readonly atMs: number } | undefined;

  constructor(options: HomeMemoryOptions) {
    this.#options = options;
    this.#wmDir = join(options.runDir, 'wm');
  }

  /** Jobs of which something is there. @throws a system error */
  async jobs(): Promise<readonly EntityId[]> {
    return (await namesIn(this.#wmDir)).flatMap((name) => entityIdSchema.safeParse(name).data ?? []);
  }

  /** A version of one's own: later than what is there. Never rejects. */
  put(job: EntityId, wish: PutWish, ts: number): Promise<HomePut> {
    return this.#write(job, async (dir): Promise<HomePut> => {
      const there = await this.version(job, wish.artifact);
      if (!holds(wish.condition, there)) {
        return { kind: 'conflict', sha256: there?.isDeleted === false ? there.head.sha256 : undefined };
      }
      const head = headOf(wish, Math.max(ts, (there?.head.ts ?? 0) + 1));
      const full = await this.#whyNoRoom(job, dir, there, head.bytes);
      if (full !== undefined) return { kind: 'full', why: full };
      return this.#replace(dir, { head, isDeleted: false }, wish.value);
    });
  }

  /** What stands in Redis. Nothing where the home has what is not older, or no room. Never rejects. */
  copy(job: EntityId, { value, ...head }: Artifact): Promise<HomePut> {
    return this.#write(job, async (dir): Promise<HomePut> => {
      const there = await this.version(job, head.artifact);
      if (there !== undefined && there.head.ts >= head.ts) return { kind: 'put', version: there };
      const full = await this.#whyNoRoom(job, dir, there, head.bytes);
      if (full !== undefined) return { kind: 'full', why: full };
      return this.#replace(dir, { head, isDeleted: false }, value);
    });
  }

  /** `isNew`: it is later than what is there, whatever its time. Never rejects. */
  delete(job: EntityId, artifact: KeyPart, wish: { ts: number; session: string; isNew: boolean }): Promise<HomePut> {
    return this.#write(job, async (dir): Promise<HomePut> => {
      const there = await this.version(job, artifact);
      const ts = wish.isNew ? Math.max(wish.ts, (there?.head.ts ?? 0) + 1) : wish.ts;
      if (there !== undefined && there.head.ts >= ts) return { kind: 'put', version: there };
      const head = { artifact, contentType: '', bytes: 0, sha256: '', session: wish.session, ts };
      const deleted = await this.#replace(dir, { head, isDeleted: true });
      await this.#forgetDeletions(dir);
      return deleted;
    });
  }

  /** Redis has a later one, of others: ours is of no use. Never rejects. */
  async forget(job: EntityId, { artifact, ts }: { readonly artifact: KeyPart; readonly ts: number }): Promise<void> {
    await this.#write(job, async (dir): Promise<HomePut> => {
      const there = await this.version(job, artifact);
      if (there === undefined || there.head.ts > ts) return { kind: 'conflict', sha256: undefined };
      await this.#remove(dir, artifact, [VALUE_ENDING, GONE_ENDING]);
      return { kind: 'put', version: there };
    });
  }

  /** The latest that is known here; a deletion is one. @throws a system error */
  async version(job: EntityId, artifact: KeyPart): Promise<ArtifactVersion | undefined> {
    const path = join(this.dirOf(job), artifact);
    const [value, gone] = await Promise.all([readVersion(path + VALUE_ENDING), readVersion(path + GONE_ENDING)]);
    return newer(value, gone);
  }

  /** @throws a system error */
  async get(job: EntityId, artifact: KeyPart): Promise<Artifact | undefined> {
    const version = await this.version(job, artifact);
    if (version === undefined || version.isDeleted) return undefined;
    return readArtifact(join(this.dirOf(job), artifact + VALUE_ENDING));
  }

  /** Names of all that is known here of a job. @throws a system error */
  async names(job: EntityId): Promise<readonly KeyPart[]> {
    const names = (await namesIn(this.dirOf(job))).filter((name) => !isTemp(name));
    return [...new Set(names.map((name) => name.replace(/\.(?:art|gone)$/, '')))].flatMap(
      (name) => tryKeyPart(name) ?? [],
    );
  }

  /** The latest of each. `only`: of these. @throws a system error */
  async versions(job: EntityId, only?: ReadonlySet<KeyPart>): Promise<ReadonlyMap<KeyPart, ArtifactVersion>> {
    const found = new Map<KeyPart, ArtifactVersion>();
    for (const name of only ?? (await this.names(job))) {
      const version = await this.version(job, name);
      if (version !== undefined) found.set(name, version);
    }
    return found;
  }

  /** When the job last gave a sign of life, or was last written to; `undefined`: nothing of it is here. */
  async seenAtMs(job: EntityId): Promise<number | undefined> {
    try {
      return (await stat(this.dirOf(job))).mtimeMs;
    } catch {
      return undefined;
    }
  }

  /** The job lives. @throws a system error; nothing where there is nothing of it */
  async touch(job: EntityId): Promise<void> {
    const now = new Date();
    try {
      await utimes(this.dirOf(job), now, now);
    } catch (thrown) {
      if (errnoOf(thrown) !== 'ENOENT') throw thrown;
    }
  }

  /** Removes all of jobs whose time is over. `lives`: a pod of it does, and only had no time to say so. @throws a system error */
  async tidy(keptMs: number, lives: (job: EntityId) => boolean = () => false): Promise<readonly EntityId[]> {
    const removed: EntityId[] = [];
    const isOver = async (job: EntityId): Promise<boolean> => {
      const atMs = await this.seenAtMs(job);
      return atMs !== undefined && Date.now() - atMs >= keptMs;
    };
    for (const job of await this.jobs()) {
      if (!(await isOver(job)) || lives(job)) continue;
      await using lock = await this.#lock(job);
      if (lock === undefined || !(await isOver(job))) continue; // somebody has put something just now
      await rm(this.dirOf(job), { recursive: true, force: true });
      removed.push(job);
    }
    if (removed.length > 0) this.#bytes = undefined;
    return removed;
  }

  dirOf(job: EntityId): string {
    return join(this.#wmDir, job);
  }

  async #replace(dir: string, version: ArtifactVersion, value?: Uint8Array): Promise<HomePut> {
    await writeVersion(dir, version, value);
    if (this.#bytes !== undefined) this.#bytes.count += version.head.bytes;
    await this.#remove(dir, version.head.artifact, [version.isDeleted ? VALUE_ENDING : GONE_ENDING]);
    return { kind: 'put', version };
  }

  async #remove(dir: string, artifact: KeyPart, endings: readonly string[]): Promise<void> {
    for (const ending of endings) await rm(join(dir, artifact + ending), { force: true });
  }

  /** M2 */
  async #forgetDeletions(dir: string): Promise<void> {
    const names = (await readdir(dir)).filter((name) => name.endsWith(GONE_ENDING));
    if (names.length < 2 * GONE_KEPT) return;
    const at = await Promise.all(names.map(async (name) => ({ name, atMs: (await stat(join(dir, name))).mtimeMs })));
    const oldest = at.toSorted((a, b) => a.atMs - b.atMs).slice(0, -GONE_KEPT);
    await Promise.all(oldest.map(({ name }) => rm(join(dir, name), { force: true })));
  }

  /** M1: one after the other in this process, and under the lock of the job for all others. */
  #write(job: EntityId, work: (dir: string) => Promise<HomePut>): Promise<HomePut> {
    const write = async (): Promise<HomePut> => {
      const dir = this.dirOf(job);
      try {
        await using lock = await this.#lock(job);
        return lock === undefined ? { kind: 'unavailable', why: 'others write all the time' } : await work(dir);
      } catch (thrown) {
        return { kind: 'unavailable', why: errorMessage(thrown) };
      }
    };
    const turn = this.#turn.then(write);
    this.#turn = turn;
    return turn;
  }

  async #lock(job: EntityId): Promise<AsyncDisposable | undefined> {
    const { tryLock } = this.#options;
    const untilMs = performance.now() + LOCK_WITHIN_MS;
    for (;;) {
      await makeFolderSoon(this.dirOf(job), DIR_MODE); // again where it was tidied away meanwhile
      const lock = await tryLock(this.dirOf(job), 'wm');
      if (lock !== undefined || performance.now() > untilMs) return lock;
      await delay(LOCK_TRY_MS + Math.random() * LOCK_TRY_MS);
    }
  }

  /** M2 */
  async #whyNoRoom(
    job: EntityId,
    dir: string,
    there: ArtifactVersion | undefined,
    bytes: number,
  ): Promise<string | undefined> {
    if (there === undefined || there.isDeleted) {
      const count = (await readdir(dir)).filter((name) => name.endsWith(VALUE_ENDING)).length;
      if (count >= ARTIFACT_MAX_COUNT) return whyFull(job);
    }
    const { maxBytes = HOME_MAX_BYTES } = this.#options;
    if ((await this.#usedBytes()) + bytes <= maxBytes) return undefined;
    this.#bytes = undefined;
    return (await this.#usedBytes()) + bytes <= maxBytes
      ? undefined
      : `the working memory kept in the home is full (${maxBytes} bytes)`;
  }

  async #usedBytes(): Promise<number> {
    if (this.#bytes !== undefined && performance.now() - this.#bytes.atMs < COUNTED_FOR_MS) return this.#bytes.count;
    let count = 0;
    for (const job of await this.jobs()) {
      for (const name of await namesIn(this.dirOf(job))) {
        count += await stat(join(this.dirOf(job), name)).then(
          ({ size }) => size,
          () => 0, // gone since the listing
        );
      }
    }
    this.#bytes = { count, atMs: performance.now() };
    return count;
  }
}

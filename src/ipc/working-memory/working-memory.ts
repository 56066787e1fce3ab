/**
 * Owns working memory as its users see it: Redis where it is there, the home where it is not, and the newest of both.
 *
 * W1. Whatever Redis does, a put that the home can take is taken, and brought to Redis afterwards (G1, G4).
 * W2. The newest version stands, wherever it is; a deletion is a version.
 */
import { bestEffort } from '../../failopen/best-effort.ts';
import type { EntityId } from '../../model/id.ts';
import type { Keys, KeyPart } from '../../redis/keys.ts';
import type { Link } from '../../redis/link.ts';
import { type Artifact, type ArtifactHead, type ArtifactVersion, headOf, type PutWish, whyFull } from './artifact.ts';
import type { HomeMemory, HomePut } from './home-memory.ts';
import { RedisMemory } from './redis-memory.ts';

/** How Redis stands for who asks. */
export type RedisWay =
  | { readonly kind: 'link'; readonly link: Link; readonly keys: Keys }
  | { readonly kind: 'none' }
  | { readonly kind: 'away'; readonly why: string };

export interface WorkingMemoryOptions {
  /** Never rejects. */
  readonly way: (signal?: AbortSignal) => Promise<RedisWay>;
  readonly home: HomeMemory;
}

/** Where it is now. `home`: only there, and `why`: what keeps it from Redis, where one is configured. */
export type Place = { readonly where: 'redis' } | { readonly where: 'home'; readonly why: string | undefined };

export type Put =
  | ({ readonly kind: 'put'; readonly head: ArtifactHead } & Place)
  /** The condition does not hold; the hash of what is there, where something is. */
  | { readonly kind: 'conflict'; readonly sha256: string | undefined }
  | { readonly kind: 'full'; readonly why: string }
  | { readonly kind: 'unavailable'; readonly why: string };

/** `why`: what kept Redis from being asked; `undefined`: it was, or there is none. */
export interface Got {
  readonly artifact: Artifact | undefined;
  readonly why: string | undefined;
}

export interface Listed {
  /** By name. */
  readonly heads: readonly ArtifactHead[];
  readonly why: string | undefined;
}

export type Deleted =
  | ({ readonly kind: 'deleted' } & Place)
  | ({ readonly kind: 'nothing' } & Place)
  | { readonly kind: 'unavailable'; readonly why: string };

/** A disk that hangs is waited for so long. */
const HOME_WITHIN_MS = 2_500;

export class WorkingMemory {
  readonly #options: WorkingMemoryOptions;
  readonly #written = new Set<EntityId>();
  readonly #waiting = new Map<EntityId, Set<KeyPart>>();
  #lastTs = 0;
  #uncopied = 0;

  constructor(options: WorkingMemoryOptions) {
    this.#options = options;
  }

  /** Jobs that were written to through this. */
  get written(): ReadonlySet<EntityId> {
    return this.#written;
  }

  /** Names of which Redis did not take the newest version, for who brings them now. */
  takeWaiting(job: EntityId): ReadonlySet<KeyPart> {
    const waiting = this.#waiting.get(job) ?? new Set();
    this.#waiting.delete(job);
    return waiting;
  }

  /** They are still to be brought. */
  await(job: EntityId, artifacts: Iterable<KeyPart>): void {
    const waiting = this.#waiting.get(job) ?? new Set();
    this.#waiting.set(job, waiting);
    for (const artifact of artifacts) waiting.add(artifact);
  }

  /** Artifacts of which the home has no copy: gone where Redis loses its data (G3). */
  get uncopiedCount(): number {
    return this.#uncopied;
  }

  /** Never rejects. */
  async put(job: EntityId, wish: PutWish, signal?: AbortSignal): Promise<Put> {
    this.#written.add(job);
    const head = headOf(wish, this.#nextTs());
    const way = await this.#options.way(signal);
    if (way.kind !== 'link') return this.#putHome(job, wish, head.ts, way.kind === 'away' ? way.why : undefined);
    const redis = new RedisMemory(way.link, way.keys, signal);
    const whyNot = wish.condition === undefined ? undefined : await this.#bringNewer(redis, job, wish.artifact);
    if (whyNot !== undefined) return this.#putHome(job, wish, head.ts, whyNot);
    const put = await redis.put(job, { ...head, value: wish.value }, wish.condition);
    switch (put.kind) {
      case 'put': {
        const stands = { ...head, ts: put.ts };
        await this.#copy(job, { ...stands, value: wish.value });
        return { kind: 'put', head: stands, where: 'redis' };
      }
      case 'conflict':
        return put;
      case 'full':
        return { kind: 'full', why: whyFull(job) };
      case 'behind':
      case 'away':
        return this.#putHome(job, wish, head.ts, put.kind === 'away' ? put.why : 'others put it all the time'); // W1
    }
  }

  /** Never rejects. */
  async get(job: EntityId, artifact: KeyPart, signal?: AbortSignal): Promise<Got> {
    const [way, here] = await Promise.all([this.#options.way(signal), this.#atHome(job, artifact)]);
    if (way.kind !== 'link') return this.#gotHome(job, artifact, way.kind === 'away' ? way.why : undefined);
    const redis = new RedisMemory(way.link, way.keys, signal);
    const there = await redis.get(job, artifact);
    if (there.kind === 'away') return this.#gotHome(job, artifact, there.why);
    const { found } = there;
    const theirs = found !== undefined && 'head' in found ? found.head.ts : (found?.ts ?? 0);
    if (here === undefined || here.head.ts <= theirs) {
      return { artifact: found === undefined || 'head' in found ? undefined : found, why: undefined };
    }
    await this.#bringNewer(redis, job, artifact); // W2
    return this.#gotHome(job, artifact, undefined);
  }

  /** Never rejects. */
  async list(job: EntityId, signal?: AbortSignal): Promise<Listed> {
    const [way, here] = await Promise.all([
      this.#options.way(signal),
      this.#inHome('list', () => this.#options.home.versions(job)),
    ]);
    const all = new Map<KeyPart, ArtifactVersion>(here ?? []);
    let why = way.kind === 'away' ? way.why : undefined;
    if (way.kind === 'link') {
      const listed = await new RedisMemory(way.link, way.keys, signal).list(job);
      if (listed.kind === 'away') ({ why } = listed);
      for (const version of listed.kind === 'away' ? [] : listed.found) {
        const { artifact, ts } = version.head;
        if ((all.get(artifact)?.head.ts ?? 0) <= ts) all.set(artifact, version);
      }
    }
    const heads = [...all.values()].flatMap(({ head, isDeleted }) => (isDeleted ? [] : [head]));
    return { heads: heads.toSorted((a, b) => (a.artifact < b.artifact ? -1 : 1)), why };
  }

  /** Never rejects. */
  async delete(job: EntityId, artifact: KeyPart, session: string, signal?: AbortSignal): Promise<Deleted> {
    this.#written.add(job);
    const [way, here] = await Promise.all([this.#options.way(signal), this.#atHome(job, artifact)]);
    const wasHere = here?.isDeleted === false;
    const ts = Math.max(this.#nextTs(), (here?.head.ts ?? 0) + 1);
    let why = way.kind === 'away' ? way.why : undefined;
    let wasThere = false;
    if (way.kind === 'link') {
      const redis = new RedisMemory(way.link, way.keys, signal);
      const deleted = await redis.delete(job, { artifact, session, ts }, wasHere);
      if (deleted.kind === 'away') ({ why } = deleted);
      wasThere = deleted.kind === 'put';
    }
    const isAway = why !== undefined;
    const place: Place = way.kind === 'link' && !isAway ? { where: 'redis' } : { where: 'home', why };
    if (!wasHere && !isAway) return { kind: wasThere ? 'deleted' : 'nothing', ...place };
    if (isAway) this.await(job, [artifact]);
    const done = await this.#inHome('delete', () =>
      this.#options.home.delete(job, artifact, { ts, session, isNew: true }),
    );
    if (done?.kind !== 'put' && !wasThere) {
      return { kind: 'unavailable', why: done?.kind === 'unavailable' ? done.why : 'the disk of the home hangs' };
    }
    return { kind: wasHere || wasThere || isAway ? 'deleted' : 'nothing', ...place }; // Redis may have had one
  }

  #nextTs(): number {
    this.#lastTs = Math.max(Date.now(), this.#lastTs + 1);
    return this.#lastTs;
  }

  async #putHome(job: EntityId, wish: PutWish, ts: number, why: string | undefined): Promise<Put> {
    if (why !== undefined) this.await(job, [wish.artifact]);
    const put = await this.#inHome('put', () => this.#options.home.put(job, wish, ts));
    const { kind } = put ?? {};
    if (put === undefined || kind === 'unavailable') {
      const whyHome = put?.kind === 'unavailable' ? put.why : 'the disk of the home hangs';
      return { kind: 'unavailable', why: why === undefined ? whyHome : `Redis is away (${why}), and ${whyHome}` };
    }
    return put.kind === 'put' ? { kind: 'put', head: put.version.head, where: 'home', why } : put;
  }

  async #gotHome(job: EntityId, artifact: KeyPart, why: string | undefined): Promise<Got> {
    return { artifact: await this.#inHome('get', () => this.#options.home.get(job, artifact)), why };
  }

  #atHome(job: EntityId, artifact: KeyPart): Promise<ArtifactVersion | undefined> {
    return this.#inHome('look', () => this.#options.home.version(job, artifact));
  }

  async #copy(job: EntityId, artifact: Artifact): Promise<void> {
    const copied = await this.#inHome<HomePut>('copy', () => this.#options.home.copy(job, artifact));
    if (copied?.kind !== 'put') this.#uncopied += 1;
  }

  /** What the home has, and Redis has not. What kept Redis from it, where something did. */
  async #bringNewer(redis: RedisMemory, job: EntityId, artifact: KeyPart): Promise<string | undefined> {
    const here = await this.#atHome(job, artifact);
    if (here === undefined) return undefined;
    const whole = here.isDeleted ? undefined : await this.#inHome('get', () => this.#options.home.get(job, artifact));
    if (whole === undefined && !here.isDeleted) return undefined; // gone meanwhile
    const put = whole === undefined ? await redis.bringDeletion(job, here.head) : await redis.bring(job, whole);
    return put.kind === 'away' ? put.why : undefined;
  }

  /** `undefined`: the disk fails or hangs. */
  async #inHome<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    const outcome = await bestEffort(`wm.${what}`, { withinMs: HOME_WITHIN_MS }, work);
    if (outcome.kind !== 'done') return undefined;
    return outcome.value;
  }
}

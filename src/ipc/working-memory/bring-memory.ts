/**
 * Owns how the artifacts that a home has are brought to a Redis that has not got them: after an outage, after it lost its
 * data (G4). What Redis has of later versions stands there.
 */
import { errorMessage } from '../../model/error.ts';
import type { EntityId } from '../../model/id.ts';
import type { KeyPart, Keys } from '../../redis/keys.ts';
import type { Link } from '../../redis/link.ts';
import type { ArtifactVersion } from './artifact.ts';
import type { HomeMemory } from './home-memory.ts';
import { RedisMemory } from './redis-memory.ts';

export interface BringOptions {
  readonly link: Link;
  readonly keys: Keys;
  readonly home: HomeMemory;
  readonly signal?: AbortSignal;
}

export interface Brought {
  readonly broughtCount: number;
  /** Why not all were; `undefined`: all are there. */
  readonly why: string | undefined;
}

/** Never rejects. `only`: of these names. */
export const bringMemory = async (
  { link, keys, home, signal }: BringOptions,
  job: EntityId,
  only?: ReadonlySet<KeyPart>,
): Promise<Brought> => {
  const redis = new RedisMemory(link, keys, signal);
  const full = 'the job has as many artifacts as it may';
  let broughtCount = 0;
  const bring = async ({ head, isDeleted }: ArtifactVersion): Promise<string | undefined> => {
    const whole = isDeleted ? undefined : await home.get(job, head.artifact);
    if (!isDeleted && whole === undefined) return undefined; // gone meanwhile
    const put = whole === undefined ? await redis.bringDeletion(job, head) : await redis.bring(job, whole);
    if (put.kind === 'away') return put.why;
    if (put.kind === 'put') broughtCount += 1;
    return put.kind === 'full' ? full : undefined;
  };
  const nameAgain = async (head: ArtifactVersion['head']): Promise<string | undefined> => {
    const named = await redis.nameAgain(job, head);
    return named.kind === 'away' ? named.why : named.kind === 'full' ? full : undefined;
  };
  try {
    const here = [...(await home.versions(job, only)).values()];
    const there = await redis.versions(
      job,
      here.map(({ head }) => head.artifact),
    );
    if (there.kind === 'away') return { broughtCount, why: there.why };
    const index = await redis.index(job);
    if (index.kind === 'away') return { broughtCount, why: index.why };
    let why: string | undefined;
    for (const version of here) {
      const { artifact, ts } = version.head;
      const known = there.found.get(artifact);
      if (known !== undefined && known.head.ts > ts) await home.forget(job, { artifact, ts });
      if (known === undefined && isLapsed(version)) continue;
      const isThere = known !== undefined && known.head.ts >= ts;
      if (isThere && (known.isDeleted || index.names.has(artifact))) continue;
      const failed = isThere ? await nameAgain(known.head) : await bring(version);
      why ??= failed;
      if (signal?.aborted === true || (failed !== undefined && link.status.kind !== 'ready')) break;
    }
    return { broughtCount, why };
  } catch (thrown) {
    return { broughtCount, why: errorMessage(thrown) }; // the disk
  }
};

/** A deletion that Redis does not know (any more) needs none: it is remembered for an hour there. */
const DELETION_KEPT_MS = 3_600_000;

const isLapsed = ({ head, isDeleted }: ArtifactVersion): boolean =>
  isDeleted && head.ts < Date.now() - DELETION_KEPT_MS;

/** All jobs of the home whose time is not over. Never rejects. */
export const bringAllMemory = async (options: BringOptions, keptMs: number): Promise<Brought> => {
  let broughtCount = 0;
  let why: string | undefined;
  try {
    for (const job of await options.home.jobs()) {
      const atMs = await options.home.seenAtMs(job);
      if (options.signal?.aborted === true) break;
      if (atMs === undefined || Date.now() - atMs > keptMs) continue;
      const brought = await bringMemory(options, job);
      broughtCount += brought.broughtCount;
      why ??= brought.why;
    }
  } catch (thrown) {
    why ??= errorMessage(thrown);
  }
  return { broughtCount, why };
};

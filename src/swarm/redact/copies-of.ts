/** Owns which services of a home hold copies of what is redacted. */
import type { Home } from '../../config/home.ts';
import { hasDied } from '../../config/services/service-state.ts';
import type { Settings } from '../../config/settings.ts';
import type { CarryOutOptions, RedactCopies } from './carry-out.ts';
import { redactMemory } from './memory-copies.ts';
import { redactRedis } from './redis-copies.ts';

const died =
  (name: string): RedactCopies =>
  async () => ({
    kind: 'open',
    why: `the one that "nika up" started for this home died; start it again: nika up --${name}`,
  });

const redisOf = ({ runDir }: Home, { redis }: Settings): RedactCopies | undefined => {
  if (redis.kind === 'on') return redactRedis(redis);
  return hasDied(runDir, 'redis') ? died('redis') : undefined;
};

const memoryOf = ({ runDir }: Home, { qdrant }: Settings): RedactCopies | undefined => {
  if (qdrant.kind === 'off') return hasDied(runDir, 'qdrant') ? died('qdrant') : undefined;
  return redactMemory(async () => {
    const [{ openStore }, { encodeDocument }] = await Promise.all([
      import('../../memory/qdrant/open-store.ts'),
      import('../../memory/encode/sparse.ts'),
    ]);
    return openStore({ target: qdrant, encode: encodeDocument }); // a tombstone has no text to embed
  });
};

/** One that is not configured is left out. */
export const copiesOf = (home: Home, settings: Settings): CarryOutOptions['services'] => {
  const redis = redisOf(home, settings);
  const qdrant = memoryOf(home, settings);
  return { ...(redis === undefined ? {} : { redis }), ...(qdrant === undefined ? {} : { qdrant }) };
};

/** Owns whether a Redis that was started, emptied or away may not know of a lease: whose pods could hold one. */
import type { Home } from '../../config/home.ts';
import { localRedis } from '../../config/redis/local-redis.ts';
import type { Settings } from '../../config/settings.ts';
import { readRecords } from '../../pod/registry/record-file.ts';

/** Whether it is the one that `nika up` started in this home: others do not know of it unless somebody told them. */
const isOwnRedis = ({ runDir }: Home, { redis }: Settings): boolean => {
  if (redis.kind === 'off' || redis.at.kind !== 'tcp') return false;
  const own = localRedis(runDir, redis.prefix)?.at;
  return own?.kind === 'tcp' && own.port === redis.at.port && own.host === redis.at.host;
};

/** False: it is the home's own Redis, and no pod of the home works by a lease. */
export const mayPodsHold = (home: Home, settings: Settings): boolean =>
  !isOwnRedis(home, settings) || readRecords(home.runDir).some(({ end, lease }) => end === null && lease !== null);

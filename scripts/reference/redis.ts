/** Owns `docs/reference/redis.md`: every key that nika writes to Redis. */
import { formatDuration } from '../../src/config/quantity.ts';
import { KEY_KINDS, type KeyCap, type KeyKind } from '../../src/redis/keys.ts';

const capOf = ({ maxCount, maxBytes, maxAgeMs, maxKeysPerJob }: KeyCap, type: string): string =>
  [
    ...(maxCount === undefined ? [] : [`${maxCount.toLocaleString('en')} ${type === 'hash' ? 'fields' : 'entries'}`]),
    ...(maxAgeMs === undefined ? [] : [`entries younger than ${formatDuration(maxAgeMs)} by Redis's own clock`]),
    ...(maxBytes === undefined
      ? []
      : [`${type === 'stream' ? 'an entry' : 'a value'} ≤ ${maxBytes.toLocaleString('en')} bytes`]),
    ...(maxKeysPerJob === undefined ? [] : [`${maxKeysPerJob.toLocaleString('en')} keys a job`]),
  ].join(', ');

const rowOf = ({ pattern, type, ttlS, ttlFrom, cap, holds }: KeyKind): string => {
  const ttl = `${formatDuration(ttlS * 1000)}${ttlFrom === undefined ? '' : ` after ${ttlFrom}`}`;
  return `| \`${pattern}\` | ${type} | ${ttl} | ${capOf(cap, type)} | ${holds} |`;
};

export const redisReference = (): string =>
  [
    '# Redis keys',
    'What pods write while `redis.url` is set ([settings](settings.md)), or `nika up` runs a Redis in their home. Without either nika connects nowhere, not even to a Redis that happens to listen at 127.0.0.1:6379: it may be somebody else’s, and what tools were called on this machine is nobody’s business unless its owner says so. Nothing else depends on it: the bus is the record.',
    'A key and its time to live are set in the same step, so no key is ever without one. Names are as written here, or with `redis.prefix` and a colon before each. `{date}` is a day in UTC, `2026-11-20`. Each script touches one key, so a Redis Cluster will do.',
    [
      '| key | type | time to live | cap | holds |',
      '|---|---|---|---|---|',
      ...Object.values(KEY_KINDS).map(rowOf),
    ].join('\n'),
  ].join('\n\n');

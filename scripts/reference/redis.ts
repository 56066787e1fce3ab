/** Owns `docs/reference/redis.md`: every key that nika writes to Redis, and what its user must be allowed to do. */
import { formatDuration } from '../../src/config/quantity.ts';
import { aclLine, USED_COMMANDS, type UsedCommand } from '../../src/redis/commands.ts';
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

const rowOf = ({ pattern, type, ttlS, ttlFrom, cap, isPlanned, holds }: KeyKind): string => {
  const ttl = `${formatDuration(ttlS * 1000)}${ttlFrom === undefined ? '' : ` after ${ttlFrom}`}`;
  return `| \`${pattern}\` | ${type} | ${ttl} | ${capOf(cap, type)} | ${isPlanned === true ? '*Planned; nothing writes it yet.* ' : ''}${holds} |`;
};

const USES = ['the connection', 'scripts', 'reading', 'the queue'] as const satisfies readonly UsedCommand['usedFor'][];

const commandRow = (use: UsedCommand['usedFor']): string => {
  const commands = USED_COMMANDS.filter(({ usedFor }) => usedFor === use).map(({ name, onlyWith }) => {
    const shown = `\`${name.replace('|', ' ').toUpperCase()}\``;
    return onlyWith === undefined ? shown : `${shown} (with ${onlyWith})`;
  });
  return `| ${use} | ${commands.join(', ')} |`;
};

const rights = (): readonly string[] => [
  '## Rights',
  'A user of its own that may do what nika needs and nothing else is in `config/redis/nika.acl` of the package: one line, for the `aclfile` of a server or its `redis.conf`. It has no password, so nobody can log in by it until you set one:',
  ['```', aclLine(), '```'].join('\n'),
  [
    '```sh',
    "redis-cli ACL SETUSER nika '>a long password'   # then ACL SAVE, where the server has an aclfile that it may write",
    "export NIKA_REDIS_URL='redis://nika:a%20long%20password@127.0.0.1:6379'",
    'nika doctor                                     # tries each of these commands, and changes nothing by it',
    '```',
  ].join('\n'),
  'In a container with the [compose file](../../config/compose.yaml) it may not: there the password is written into the file itself.',
  'In an `aclfile` that holds this one line alone the user `default` stays as it is without one: anybody who reaches the port may do everything. Add a line for it, `user default off`, or a password (`user default on >secret ~* &* +@all`); “off” also shuts out a `redis-cli` without a user.',
  'This user is for nika itself. Whoever reads along, a dashboard or another program, gets a user of its own that cannot write what pods tell: `user viewer on >secret ~nika:* ~agent:* -@all +ping +info +client|setname +select +scan +xread +xrange +xrevrange +xlen +xinfo|stream +hget +hgetall +hmget`. One with a consumer group needs `+xreadgroup +xack +xgroup +xautoclaim +xpending` as well; these change only the group.',
  'With `redis.prefix: team-a` its keys are `~team-a:nika:* ~team-a:agent:*`. `AUTH` and `HELLO` need no right.',
  ['| used for | commands |', '|---|---|', ...USES.map(commandRow)].join('\n'),
];

/** For whoever follows the feed with a program of their own. */
const reading = (): readonly string[] => [
  '## Reading',
  'An entry of the feed has an `event`: `created`, `started`, `review_requested`, `review_rejected`, `completed`, `failed`, `cancelled`, or a condition: `pod_waiting` and `pod_back` (their `data` has the `reason`: `permission`, `question`, `idle`: a person; `rate_limit`, `compacting`, `api_error`, `silent`), `pod_lost` (told by whoever closes it), `pod_stale` (no one tells it yet; go by the age of `agent:state`). `data` is that of its line on the [bus](bus.md), cut where it is long; `meta` is the envelope. What was sent again without an answer may stand there twice in a rare case: go by `id`, and by `rev` in `data` for the order of one entity. Plain reading takes nothing from anybody:',
  [
    '```sh',
    'redis-cli -u "$NIKA_REDIS_URL" XRANGE nika:feed:entities - + COUNT 10          # the oldest ten',
    'redis-cli -u "$NIKA_REDIS_URL" XREAD BLOCK 0 STREAMS nika:feed:entities \'$\'   # the next one, when it comes',
    '```',
  ].join('\n'),
  'A tool call of `agent:events` has no time of its own: the first part of its id is when it was recorded, in milliseconds, however late it came.',
];

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
    'Jobs that wait for a worker ([queue](../queue.md)) are at `nika:queue:{capability}:…` (in a Cluster `nika:{queue}:{capability}:…`, so that all are on one node). These keys belong to [BullMQ](https://bullmq.io) and have no time to live: what waits, waits; of what is over at most 1,000 completed jobs stay for a day, and 5,000 failed ones for a week.',
    ...reading(),
    ...rights(),
  ].join('\n\n');

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

const rowOf = ({ pattern, type, ttlS, ttlFrom, cap, holds }: KeyKind): string => {
  const ttl = `${formatDuration(ttlS * 1000)}${ttlFrom === undefined ? '' : ` after ${ttlFrom}`}`;
  return `| \`${pattern}\` | ${type} | ${ttl} | ${capOf(cap, type)} | ${holds} |`;
};

const USES = ['the connection', 'scripts', 'reading'] as const satisfies readonly UsedCommand['usedFor'][];

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
  'With `redis.prefix: team-a` its keys are `~team-a:nika:* ~team-a:agent:*`. `AUTH` and `HELLO` need no right.',
  ['| used for | commands |', '|---|---|', ...USES.map(commandRow)].join('\n'),
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
    ...rights(),
  ].join('\n\n');

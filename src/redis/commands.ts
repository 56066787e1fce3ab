/**
 * Owns which commands of Redis nika uses: what its user must be allowed to run. `config/redis/nika.acl` grants exactly
 * these, `nika doctor` tries each; tests hold both, the scripts and all calls of the source against this list.
 */
import type { Argument } from './link.ts';

/** What a trial is about. */
export interface TrialPlace {
  /** Of a key that is not there. */
  readonly key: string;
  readonly db: number;
}

export interface UsedCommand {
  /** As an ACL names it: lower case, a subcommand behind a bar. */
  readonly name: string;
  readonly usedFor: 'the connection' | 'scripts' | 'reading' | 'the queue';
  /** Where it is needed at all; absent: everywhere. */
  readonly onlyWith?: 'a database number' | 'a Cluster';
  /** Whether a key is among its arguments. */
  readonly hasKey: boolean;
  /** Arguments with which it changes nothing, whatever is answered but NOPERM: by then the right was looked at. */
  readonly trial: (place: TrialPlace) => readonly Argument[];
  /** No arguments do nothing: Redis is asked whether it may, with these (Redis 7 and later; one before does not say). */
  readonly isAskedOnly?: boolean;
}

/** None has that name. */
const NO_GROUP = 'nika:none';
const UNKNOWN_SHA = '0'.repeat(40);

const keyless = (
  name: string,
  usedFor: UsedCommand['usedFor'],
  trial: UsedCommand['trial'] = () => [],
  onlyWith?: UsedCommand['onlyWith'],
): UsedCommand => ({ name, usedFor, hasKey: false, trial, ...(onlyWith === undefined ? {} : { onlyWith }) });

const onKey = (name: string, usedFor: UsedCommand['usedFor'], ...behind: readonly Argument[]): UsedCommand => ({
  name,
  usedFor,
  hasKey: true,
  trial: ({ key }) => [key, ...behind],
});

/** What BullMQ's scripts write with, in a way of which nothing can be tried without its effect. */
const asked = (name: string, ...behind: readonly Argument[]): UsedCommand => ({
  ...onKey(name, 'the queue', ...behind),
  isAskedOnly: true,
});

/** HELLO and AUTH need no right. CLIENT SETINFO is sent too, by ioredis, and not needed: a server before 7.2 does not know it. */
export const USED_COMMANDS: readonly UsedCommand[] = [
  keyless('ping', 'the connection'),
  keyless('info', 'the connection', () => ['server']),
  keyless('client|setname', 'the connection', () => ['nika-writer']),
  keyless('select', 'the connection', ({ db }) => [db], 'a database number'),
  keyless('cluster|slots', 'the connection', () => [], 'a Cluster'),
  keyless('cluster|info', 'the connection', () => [], 'a Cluster'),
  keyless('eval', 'scripts', () => ['return 1', 0]),
  keyless('evalsha', 'scripts', () => [UNKNOWN_SHA, 0]),
  keyless('time', 'scripts'),
  onKey('expire', 'scripts', 1),
  onKey('xadd', 'scripts', 'NOMKSTREAM', '*', 'field', 'value'),
  onKey('xtrim', 'scripts', 'MAXLEN', 0),
  onKey('xlen', 'scripts'),
  onKey('xrange', 'scripts', '-', '+', 'COUNT', 1),
  onKey('xrevrange', 'scripts', '+', '-', 'COUNT', 1),
  onKey('hset', 'scripts', 'field', 'value', 'a field without its value'),
  onKey('hget', 'scripts', 'field'),
  onKey('hdel', 'scripts', 'field'),
  onKey('hlen', 'scripts'),
  onKey('hgetall', 'scripts'),
  onKey('hincrby', 'scripts', 'field', 'no number'),
  onKey('get', 'scripts'),
  onKey('set', 'scripts', 'value', 'XX', 'GET', 'and no more'),
  onKey('del', 'scripts'),
  {
    name: 'xread',
    usedFor: 'reading',
    hasKey: true,
    trial: ({ key }) => ['COUNT', 1, 'STREAMS', key, '0-0'],
  },
  {
    name: 'xreadgroup',
    usedFor: 'reading',
    hasKey: true,
    trial: ({ key }) => ['GROUP', NO_GROUP, 'nobody', 'COUNT', 1, 'STREAMS', key, '>'],
  },
  onKey('xgroup|create', 'scripts', NO_GROUP, '0'),
  onKey('xack', 'reading', NO_GROUP, '0-1'),
  onKey('xclaim', 'reading', NO_GROUP, 'nobody', 0, '0-1'),
  onKey('xautoclaim', 'reading', NO_GROUP, 'nobody', 0, '0-1'),
  onKey('xpending', 'reading', NO_GROUP),
  onKey('xdel', 'reading', '0-1'),
  onKey('xinfo|stream', 'reading'),
  onKey('xinfo|groups', 'reading'),
  onKey('xinfo|consumers', 'reading', NO_GROUP),
  onKey('hmget', 'reading', 'field'),
  onKey('zrange', 'the queue', 0, 0),
  asked('bzpopmin', 0.01),
  asked('zadd', 0, 'member'),
  asked('zrem', 'member'),
  asked('zcard'),
  asked('zcount', 0, 0),
  asked('zscore', 'member'),
  asked('zpopmin'),
  asked('zrevrange', 0, 0),
  asked('zrangebyscore', 0, 0),
  asked('zrevrangebyscore', 0, 0),
  asked('zremrangebyscore', 0, 0),
  asked('zremrangebyrank', 0, 0),
  asked('lpush', 'value'),
  asked('rpush', 'value'),
  asked('lpop'),
  asked('rpop'),
  {
    name: 'rpoplpush',
    usedFor: 'the queue',
    hasKey: true,
    isAskedOnly: true,
    trial: ({ key }) => [key, key],
  },
  asked('lrange', 0, 0),
  asked('lrem', 0, 'value'),
  asked('llen'),
  asked('lindex', 0),
  asked('lpos', 'value'),
  asked('ltrim', 0, 0),
  asked('sadd', 'member'),
  asked('srem', 'member'),
  asked('scard'),
  asked('smembers'),
  asked('hmset', 'field', 'value'),
  asked('hexists', 'field'),
  asked('exists'),
  asked('incr'),
  asked('persist'),
  asked('pexpire', 1),
  asked('pttl'),
];

const ASK = `if redis.acl_check_cmd and not redis.acl_check_cmd(unpack(ARGV)) then
  return redis.error_reply('NOPERM this user may not run ' .. ARGV[1])
end
return 1`;

/** As it is sent: a subcommand is the first argument. */
export const trialOf = ({ name, trial, isAskedOnly }: UsedCommand, place: TrialPlace) => {
  if (isAskedOnly === true) return { name: 'eval', args: [ASK, 1, place.key, name.toUpperCase(), ...trial(place)] };
  const [command = '', ...sub] = name.split('|');
  return { name: command, args: [...sub, ...trial(place)] };
};

/**
 * A line for an ACL file or redis.conf (neither may hold comments between): a user with these rights on nika's keys alone.
 * It has no password, so nobody can log in by it until one is set.
 */
export const aclLine = (prefix = ''): string =>
  [
    'user nika on resetpass resetkeys resetchannels',
    `~${prefix}nika:* ~${prefix}agent:*`,
    '-@all',
    ...USED_COMMANDS.map(({ name }) => `+${name}`),
  ].join(' ');

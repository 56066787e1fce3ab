/** Owns who offers a capability: told again and again, and forgotten when it is not. */
import type { Key } from '../keys.ts';
import { createScript, type ScriptCall } from './script.ts';

/** KEYS: sorted set. ARGV: ttl, member. By Redis's own clock: those of hosts differ. */
const offer = createScript(
  ['ZADD', 'ZREMRANGEBYSCORE', 'TIME'],
  `
local key, ttl, member = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', key, now, member)
redis.call('EXPIRE', key, ttl)
redis.call('ZREMRANGEBYSCORE', key, '-inf', now - ttl * 1000)
return 1
`,
);

const withdraw = createScript(['ZREM'], `return redis.call('ZREM', KEYS[1], ARGV[2])`);

const discover = createScript(
  ['ZRANGE', 'ZREMRANGEBYSCORE', 'TIME'],
  `
local key, ttl = KEYS[1], tonumber(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', key, '-inf', now - ttl * 1000)
return {string.format('%.0f', now), redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')}
`,
);

export interface Member {
  readonly name: string;
  /** Since its last sign of life. */
  readonly silentMs: number;
}

const readMembers = (reply: unknown): readonly Member[] => {
  const [now, flat] = reply as [string, string[]];
  return flat.flatMap((name, at) =>
    at % 2 === 0 ? [{ name, silentMs: Math.max(0, Number(now) - Number(flat[at + 1])) }] : [],
  );
};

export const offerMember = (key: Key, member: string): ScriptCall<void> => ({
  script: offer,
  key,
  args: [member],
  read: () => undefined,
});

export const withdrawMember = (key: Key, member: string): ScriptCall<void> => ({
  script: withdraw,
  key,
  args: [member],
  read: () => undefined,
});

/** Those that gave a sign of life in time; the others are removed. */
export const discoverMembers = (key: Key): ScriptCall<readonly Member[]> => ({
  script: discover,
  key,
  args: [],
  read: readMembers,
});

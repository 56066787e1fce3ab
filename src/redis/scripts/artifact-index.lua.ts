/**
 * Owns the index of a job's working memory: which artifacts there may be. A name is in it before its artifact is; so one
 * whose artifact is missing is possible (its writer died in between), an artifact that is in no index is not.
 */
import type { Key } from '../keys.ts';
import { createScript, type ScriptCall } from './script.ts';

/** KEYS: hash, name → time in ms of the newest put that was begun. ARGV: ttl, what, cap, name, time. */
const script = createScript(
  ['HGET', 'HSET', 'HDEL', 'HLEN', 'HGETALL'],
  `
local key, ttl, what, cap, name, ts = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
if what == 'read' then
  redis.call('EXPIRE', key, ttl)
  return redis.call('HGETALL', key)
end
local there = redis.call('HGET', key, name)
if what == 'add' then
  if not there and redis.call('HLEN', key) >= cap then return 'full' end
  if not there or tonumber(ts) > tonumber(there) then redis.call('HSET', key, name, ts) end
  redis.call('EXPIRE', key, ttl)
  return there and 'there' or 'added'
end
if there and tonumber(there) <= tonumber(ts) then redis.call('HDEL', key, name) end
return 'removed'
`,
);

const call = (key: Key, what: string, name: string, ts: number): ScriptCall<string> => ({
  script,
  key,
  args: [what, key.cap.maxCount ?? 0, name, ts],
  read: (reply) => String(reply),
});

export interface IndexName {
  readonly name: string;
  readonly ts: number;
}

/** Answers `added`, `there` or `full`. */
export const addToIndex = (key: Key, { name, ts }: IndexName): ScriptCall<string> => call(key, 'add', name, ts);

/** Nothing where a put of it was begun after that time. */
export const removeFromIndex = (key: Key, { name, ts }: IndexName): ScriptCall<string> => call(key, 'remove', name, ts);

/** All of them; it is kept alive. */
export const keepIndex = (key: Key): ScriptCall<ReadonlyMap<string, number>> => ({
  script,
  key,
  args: ['read', 0, '', 0],
  read: (reply) => parseIndex(reply),
});

/** What HGETALL answered. */
export const parseIndex = (reply: unknown): ReadonlyMap<string, number> => {
  const flat = reply as readonly (string | Buffer)[];
  const names = new Map<string, number>();
  for (let at = 0; at + 1 < flat.length; at += 2) names.set(String(flat[at]), Number(flat[at + 1]));
  return names;
};

/** Owns how a session's heartbeat gets into `agent:state:{session_id}`: the newest stands. */
import type { Key } from '../keys.ts';
import { createScript, type ScriptCall } from './script.ts';

/**
 * The number of a version keeps an older one, run late by a server that hung, from covering a newer.
 * KEYS: hash. ARGV: ttl, number of the version, then fields and values by turns.
 */
const script = createScript(
  ['HGET', 'HSET'],
  `
local key, ttl, rev = KEYS[1], ARGV[1], tonumber(ARGV[2])
local there = tonumber(redis.call('HGET', key, 'rev') or '')
if there and there > rev then return 0 end
redis.call('HSET', key, 'rev', ARGV[2], unpack(ARGV, 3))
redis.call('EXPIRE', key, ttl)
return 1
`,
);

export interface SetState {
  readonly key: Key;
  /** Rises with each version of this session. */
  readonly rev: number;
  readonly fields: Readonly<Record<string, string | number>>;
}

/** `isNewest` false: a newer version stands there. */
export const setState = ({ key, rev, fields }: SetState): ScriptCall<{ readonly isNewest: boolean }> => ({
  script,
  key,
  args: [rev, ...Object.entries(fields).flat()],
  read: (reply) => ({ isNewest: reply === 1 }),
});

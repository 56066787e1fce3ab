/** Owns which queues there are: those that a job was given to, or a worker asked, in the last weeks. */
import type { Key } from '../keys.ts';
import { createScript, type ScriptCall } from './script.ts';

/** KEYS: sorted set. ARGV: ttl, milliseconds after which one is forgotten, capabilities. */
const script = createScript(
  ['ZADD', 'ZREMRANGEBYSCORE', 'TIME'],
  `
local key, ttl, ageMs = KEYS[1], ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for at = 3, #ARGV do redis.call('ZADD', key, now, ARGV[at]) end
redis.call('EXPIRE', key, ttl)
redis.call('ZREMRANGEBYSCORE', key, '-inf', now - ageMs)
return 1
`,
);

export const noteCapabilities = (key: Key, capabilities: readonly string[]): ScriptCall<void> => ({
  script,
  key,
  args: [key.cap.maxAgeMs ?? 0, ...capabilities],
  read: () => undefined,
});

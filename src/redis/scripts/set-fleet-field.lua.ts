/** Owns a session's own field of `nika:fleet:state`: set while it lives, removed when it ends. */
import type { SessionId } from '../../model/id.ts';
import type { Key } from '../keys.ts';
import { createScript, type ScriptCall } from './script.ts';

/**
 * Puts Redis's own time into the value: the clocks of hosts differ. Sessions that died without removing their field would
 * stay for as long as others live: over the cap, those that were silent for an hour go, and then the most silent.
 * KEYS: hash. ARGV: ttl, cap, session, JSON object (empty: remove).
 */
const script = createScript(
  ['HLEN', 'HSET', 'HDEL', 'HGETALL', 'TIME'],
  `
local key, ttl, cap, session, value = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local count = redis.call('HLEN', key)
if value == '' then return redis.call('HDEL', key, session) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local seen = string.format('{"seenAtMs":%.0f', now)
if value ~= '{}' then seen = seen .. ',' end
redis.call('HSET', key, session, seen .. string.sub(value, 2))
redis.call('EXPIRE', key, ttl)
if count >= cap then
  local all, ages = redis.call('HGETALL', key), {}
  for at = 1, #all, 2 do
    ages[#ages + 1] = {all[at], tonumber(string.match(all[at + 1], '^{"seenAtMs":(%d+)') or '0')}
  end
  table.sort(ages, function(a, b) return a[2] < b[2] end)
  local left = #ages
  for _, one in ipairs(ages) do
    if left <= cap and one[2] > now - 3600000 then break end
    redis.call('HDEL', key, one[1])
    left = left - 1
  end
end
return 1
`,
);

export interface SetFleetField {
  readonly key: Key;
  readonly session: SessionId;
  /** A JSON object; `seenAtMs` is put into it by Redis. `undefined`: the session has ended. */
  readonly value: Readonly<Record<string, unknown>> | undefined;
}

export const setFleetField = ({ key, session, value }: SetFleetField): ScriptCall<void> => ({
  script,
  key,
  args: [key.cap.maxCount ?? 0, session, value === undefined ? '' : JSON.stringify(value)],
  read: () => undefined,
});

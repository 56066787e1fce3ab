/** Owns how a session's counts get into the hash of a day: each once, whatever was lost on the way. */
import type { SessionId } from '../../model/id.ts';
import type { Key } from '../keys.ts';
import { createScript, type ScriptCall } from './script.ts';

/**
 * A session always says what it has counted so far on that day; the field session:<id> holds what of it is in the
 * counters; the difference is added. So an answer that was lost, an old batch that a hung server runs later, a hash that
 * was emptied, and one that a failover set back all come out right. (The number of the last batch alone would not do for
 * the last: what was added after the point of return is in neither.)
 * KEYS: hash. ARGV: ttl, field of the session, then fields and totals by turns.
 */
const script = createScript(
  ['HGET', 'HSET', 'HINCRBY'],
  `
local key, ttl, session = KEYS[1], ARGV[1], ARGV[2]
local stored = redis.call('HGET', key, session)
local totals, more = {}, {}
if stored then
  local ok, value = pcall(cjson.decode, stored)
  if ok and type(value) == 'table' then totals = value end
end
for at = 3, #ARGV, 2 do
  local field, total = ARGV[at], tonumber(ARGV[at + 1])
  local difference = total - (tonumber(totals[field]) or 0)
  if difference > 0 then more[#more + 1] = {field, total, string.format('%.0f', difference)} end
end
if #more == 0 then
  redis.call('EXPIRE', key, ttl)
  return 0
end
redis.call('HSET', key, session, stored or '{}') -- a full memory refuses this, and so nothing is half counted
redis.call('EXPIRE', key, ttl)
local trouble
for _, one in ipairs(more) do
  local reply = redis.pcall('HINCRBY', key, one[1], one[3])
  if type(reply) == 'table' and reply.err then
    trouble = reply
  else
    totals[one[1]] = one[2]
  end
end
redis.call('HSET', key, session, cjson.encode(totals))
if trouble then return trouble end
return #more
`,
);

const SESSION = 'session:';

/** Whether a field of such a hash is a session's own note, and no counter. */
export const isSessionField = (field: string): boolean => field.startsWith(SESSION);

export interface AddCounters {
  /** Of the day on which they were counted. */
  readonly key: Key;
  readonly session: SessionId;
  /** All that the session counted on that day, by field: whole numbers that only rise. */
  readonly totals: Readonly<Record<string, number>>;
}

/** Answers how many counters rose. */
export const addCounters = ({ key, session, totals }: AddCounters): ScriptCall<{ readonly changedCount: number }> => ({
  script,
  key,
  args: [SESSION + session, ...Object.entries(totals).flatMap(([field, total]) => [field, Math.trunc(total)])],
  read: (reply) => ({ changedCount: Number(reply) }),
});

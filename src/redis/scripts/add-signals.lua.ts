/** Owns how signals get into `nika:ipc:{job_id}`: in the order of each sender, once each, the newest 10,000. */
import type { Key } from '../keys.ts';
import { createScript, type ScriptCall } from './script.ts';

/**
 * Many send to one job, so ids are Redis's. What was sent before without an answer, or may have gone with Redis's data, is
 * looked for by its id among the newest entries.
 * KEYS: stream. ARGV: ttl, cap, whether any was sent before, how far back to look, then per signal: id, count, fields and
 * values (the first field is the id).
 */
const script = createScript(
  ['XADD', 'XTRIM', 'XREVRANGE'],
  `
local key, ttl, cap, isAgain, look = KEYS[1], ARGV[1], ARGV[2], ARGV[3] == '1', tonumber(ARGV[4])
local there = {}
if isAgain then
  local wanted, left, at = {}, 0, 5
  while at <= #ARGV do
    wanted[ARGV[at]] = true
    left = left + 1
    at = at + 2 + tonumber(ARGV[at + 1])
  end
  local to = '+'
  while left > 0 and look > 0 do
    local page = redis.call('XREVRANGE', key, to, '-', 'COUNT', 100)
    for _, entry in ipairs(page) do
      local id = entry[2][2]
      if entry[2][1] == 'id' and wanted[id] and not there[id] then
        there[id] = entry[1]
        left = left - 1
      end
    end
    if #page < 100 then break end
    look = look - 100
    local ms, seq = string.match(page[#page][1], '^(%d+)-(%d+)$')
    if seq ~= '0' then
      to = string.format('%s-%.0f', ms, tonumber(seq) - 1)
    else
      to = string.format('%.0f', tonumber(ms) - 1)
    end
  end
end
local at, added, last = 5, 0, ''
while at <= #ARGV do
  local id, count = ARGV[at], tonumber(ARGV[at + 1])
  if there[id] then
    last = there[id]
  else
    local reply = redis.pcall('XADD', key, '*', unpack(ARGV, at + 2, at + 1 + count))
    if type(reply) == 'table' and reply.err then
      redis.call('EXPIRE', key, ttl)
      return reply
    end
    there[id] = reply
    last = reply
    added = added + 1
  end
  at = at + 2 + count
end
redis.call('EXPIRE', key, ttl)
redis.call('XTRIM', key, 'MAXLEN', '=', cap)
return {last, added}
`,
);

/** So many of the newest entries are looked through: a few milliseconds of Redis. Readers go by the id besides. */
const LOOK_BACK_COUNT = 2_000;

/** Names and values; the first is `id`. */
export interface SignalEntry {
  readonly id: string;
  readonly fields: readonly string[];
}

export interface AddSignals {
  readonly key: Key;
  /** In their order. */
  readonly entries: readonly SignalEntry[];
  /** Any of them may be there already. */
  readonly isAgain: boolean;
}

export interface SignalsAdded {
  /** Redis's id of the last of them. */
  readonly lastId: string;
  /** So many were not there before. */
  readonly addedCount: number;
}

export const addSignals = ({ key, entries, isAgain }: AddSignals): ScriptCall<SignalsAdded> => ({
  script,
  key,
  args: [
    key.cap.maxCount ?? 0,
    isAgain ? 1 : 0,
    LOOK_BACK_COUNT,
    ...entries.flatMap(({ id, fields }) => [id, fields.length, ...fields]),
  ],
  read: (reply) => {
    const [lastId, addedCount] = reply as [string, number];
    return { lastId, addedCount };
  },
});

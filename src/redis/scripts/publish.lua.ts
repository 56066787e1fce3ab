/** Owns how transitions and conditions get into `nika:feed:entities`: in order, once each, none older than a day. */
import type { Key } from '../keys.ts';
import { createScript, type ScriptCall } from './script.ts';

/**
 * Many write here, so ids are Redis's. What was sent before without an answer is looked for among what came after the
 * entry that its writer last saw; if that entry itself is gone, the feed lost its data, and the writer has to begin anew.
 * MINID with "~" removes about 10,000 entries a call: it is repeated, up to a bound, until nothing is left to remove.
 * KEYS: stream. ARGV: ttl, cap, age in ms, id last seen by the writer (empty: none), whether any was sent before,
 * how far back to look, then per event: id, count, fields and values (the first field is the id).
 */
const script = createScript(
  ['XADD', 'XTRIM', 'XLEN', 'XRANGE', 'XREVRANGE', 'TIME'],
  `
local key, ttl, cap, age, after, isAgain = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5] == '1'
local look = tonumber(ARGV[6])
local time = redis.call('TIME')
local oldest = string.format('%.0f-0', math.max(0, time[1] * 1000 + math.floor(time[2] / 1000) - age))
local function trim(how, bound)
  for _ = 1, 20 do
    if redis.call('XTRIM', key, how, '~', bound, 'LIMIT', 10000) == 0 then
      redis.call('XTRIM', key, how, '=', bound)
      return
    end
  end
end
local length = redis.call('XLEN', key)
if after ~= '' and #redis.call('XRANGE', key, after, after) == 0 then
  local ms = tonumber(string.match(after, '^%d+'))
  local isTrimmed = ms < tonumber(string.match(oldest, '^%d+')) or length >= tonumber(cap)
  if not isTrimmed then return {'lost', '', 0} end
end

local there = {}
if isAgain then
  local wanted, left = {}, 0
  local at = 7
  while at <= #ARGV do
    wanted[ARGV[at]] = true
    left = left + 1
    at = at + 2 + tonumber(ARGV[at + 1])
  end
  local to, from = '+', after == '' and '-' or after
  while left > 0 and look > 0 do
    local page = redis.call('XREVRANGE', key, to, from, 'COUNT', 500)
    for _, entry in ipairs(page) do
      for at = 1, #entry[2], 2 do
        local id = entry[2][at + 1]
        if entry[2][at] == 'id' and wanted[id] and not there[id] then
          there[id] = entry[1]
          left = left - 1
        end
      end
    end
    if #page < 500 then break end
    look = look - 500
    local ms, seq = string.match(page[#page][1], '^(%d+)-(%d+)$')
    if seq ~= '0' then
      to = string.format('%s-%.0f', ms, tonumber(seq) - 1)
    else
      to = string.format('%.0f', tonumber(ms) - 1)
    end
  end
end

local at, added, last = 7, 0, after
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
trim('MINID', oldest)
trim('MAXLEN', cap)
return {'published', last, added}
`,
);

/** How many of the newest entries are looked through for what may be there already: 20 ms of Redis at most. What is older than that is written again; consumers go by the id. */
const LOOK_BACK_COUNT = 5_000;

export interface FeedEvent {
  /** A consumer sees each id once. */
  readonly id: string;
  /** Besides `id`, in the order in which they are written. */
  readonly fields: Readonly<Record<string, string>>;
}

export type PublishAnswer =
  /** All are there now. `lastId`: of the last of them; say it as `afterId` the next time. */
  | { readonly kind: 'published'; readonly lastId: string; readonly addedCount: number }
  /** Nothing was written: the entry `afterId` is gone before its time, and so may be others of this writer. */
  | { readonly kind: 'lost' };

export interface Publish {
  readonly key: Key;
  /** In their order. */
  readonly events: readonly FeedEvent[];
  /** The entry that this writer knows to be the last of its own; `undefined`: it knows of none. */
  readonly afterId: string | undefined;
  /** Whether any of the events was sent before and not answered: then they are looked for. */
  readonly isAgain: boolean;
}

export const publish = ({ key, events, afterId = '', isAgain }: Publish): ScriptCall<PublishAnswer> => ({
  script,
  key,
  args: [
    key.cap.maxCount ?? 0,
    key.cap.maxAgeMs ?? 0,
    afterId,
    isAgain ? 1 : 0,
    LOOK_BACK_COUNT,
    ...events.flatMap(({ id, fields }) => {
      const list = ['id', id, ...Object.entries(fields).flat()];
      return [id, list.length, ...list];
    }),
  ],
  read: (reply) => {
    const [kind, lastId, addedCount] = reply as [string, string, number];
    return kind === 'lost' ? { kind } : { kind: 'published', lastId, addedCount };
  },
});

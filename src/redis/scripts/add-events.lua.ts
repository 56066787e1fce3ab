/** Owns how tool calls get into `agent:events:{session_id}`: each once, in order, the newest 5,000. */
import type { Key } from '../keys.ts';
import { createScript, type ScriptCall } from './script.ts';

/**
 * The stream has one writer, which makes the ids itself: so the last one there says what is there.
 * KEYS: stream. ARGV: ttl, cap, the id the writer believes to be the last, how many fields, their names, then all entries
 * as one text: of each its id and a value for each field, a unit separator after each; an empty value is left out. (Each
 * value as an argument of its own costs the pod twice as much.)
 */
const script = createScript(
  ['XREVRANGE', 'XADD', 'XTRIM'],
  `
local key, ttl, cap, believed = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local function parts(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end
local function isAfter(a, b)
  local ams, aseq = parts(a)
  local bms, bseq = parts(b)
  return ams > bms or (ams == bms and aseq > bseq)
end
local newest = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)
local last = newest[1] and newest[1][1] or '0-0'
if isAfter(believed, last) then return {'behind', last, 0} end
local count = tonumber(ARGV[4])
local text, from = ARGV[5 + count], 1
local find, sub = string.find, string.sub
local function nextValue()
  local to = find(text, '\\31', from, true)
  local value = sub(text, from, to - 1)
  from = to + 1
  return value
end
local added, trouble = 0, nil
while from <= #text do
  local id, fields, size = nextValue(), {}, 0
  for nth = 5, 4 + count do
    local value = nextValue()
    if value ~= '' then
      size = size + 2
      fields[size - 1] = ARGV[nth]
      fields[size] = value
    end
  end
  if added > 0 or isAfter(id, last) then -- behind one that is new all are
    local reply = redis.pcall('XADD', key, id, unpack(fields))
    local err = type(reply) == 'table' and reply.err
    if not err then
      last = id
      added = added + 1
    elseif not find(err, 'equal or smaller', 1, true) then -- that one was there, and somebody took it away
      trouble = reply
      break
    end
  end
end
redis.call('EXPIRE', key, ttl)
if added > 0 then redis.call('XTRIM', key, 'MAXLEN', '=', cap) end -- nobody sees it in between
if trouble then return trouble end
return {'added', last, added}
`,
);

/** `<milliseconds>-<number>`; the writer's own, ever rising. */
export type StreamId = `${number}-${number}`;

declare const isEntry: unique symbol;
/** Id and values of an entry, in one text; only {@link createEntry} makes one. */
export type StreamEntry = string & { readonly [isEntry]: true };

/** ASCII's unit separator: no JSON, no id and no number has one in it. */
const SEPARATOR = '\u001F';

/** A text that may be a value. */
export const asValue = (text: string): string => (text.includes(SEPARATOR) ? text.replaceAll(SEPARATOR, ' ') : text);

/**
 * `values`: one for each name, in their order; an empty one is left out. Any of them that may have a separator in it goes
 * through {@link asValue} before. The text is put together by V8 only when it is sent: what is never sent costs less.
 */
export const createEntry = (id: StreamId, values: readonly string[]): StreamEntry => {
  let text = id + SEPARATOR;
  for (const value of values) text += value + SEPARATOR;
  return text as StreamEntry;
};

export const idOf = (entry: StreamEntry): StreamId => entry.slice(0, entry.indexOf(SEPARATOR)) as StreamId;

export type AddEventsAnswer =
  /** All are there now; `addedCount` of them were not before. */
  | { readonly kind: 'added'; readonly lastId: string; readonly addedCount: number }
  /** Nothing was written: what stands there ends at `lastId`, before what the writer believes. Send all after that again. */
  | { readonly kind: 'behind'; readonly lastId: string };

export interface AddEvents {
  readonly key: Key;
  /** Of the last entry that is known to be there; `0-0`: none is. */
  readonly believedLastId: string;
  /** The names of the values of each entry. */
  readonly fields: readonly string[];
  /** In the order of their ids. */
  readonly entries: readonly StreamEntry[];
}

export const addEvents = ({ key, believedLastId, fields, entries }: AddEvents): ScriptCall<AddEventsAnswer> => ({
  script,
  key,
  args: [key.cap.maxCount ?? 0, believedLastId, fields.length, ...fields, entries.join('')],
  read: (reply) => {
    const [kind, lastId, addedCount] = reply as [string, string, number];
    return kind === 'behind' ? { kind, lastId } : { kind: 'added', lastId, addedCount };
  },
});

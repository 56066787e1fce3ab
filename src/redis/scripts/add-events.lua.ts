/** Owns how tool calls get into `agent:events:{session_id}`: each once, in order, the newest 5,000. */
import type { Key } from '../keys.ts';
import type { Argument } from '../link.ts';
import { createScript, type ScriptCall } from './script.ts';

/**
 * The stream has one writer, which makes the ids itself: so the last one there says what is there.
 * KEYS: stream. ARGV: ttl, cap, the id the writer believes to be the last, how many fields, their names, then per entry:
 * id and a value for each field; an empty one is left out.
 */
const script = createScript(
  ['XREVRANGE', 'XADD'],
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
local added, at = 0, 5 + count
while at <= #ARGV do
  local id = ARGV[at]
  if added > 0 or isAfter(id, last) then -- behind one that is new all are
    local fields = {}
    for nth = 1, count do
      if ARGV[at + nth] ~= '' then
        fields[#fields + 1] = ARGV[4 + nth]
        fields[#fields + 1] = ARGV[at + nth]
      end
    end
    local reply = redis.pcall('XADD', key, 'MAXLEN', '=', cap, id, unpack(fields))
    if type(reply) == 'table' and reply.err then
      redis.call('EXPIRE', key, ttl)
      return reply
    end
    last = id
    added = added + 1
  end
  at = at + 1 + count
end
redis.call('EXPIRE', key, ttl)
return {'added', last, added}
`,
);

/** `<milliseconds>-<number>`; the writer's own, ever rising. */
export type StreamId = `${number}-${number}`;

export interface StreamEntry {
  readonly id: StreamId;
  /** One for each name, in their order; an empty one is left out. */
  readonly values: readonly string[];
}

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

/** One list, filled in place: this is done for each tool call. */
const argumentsOf = (head: readonly (string | number)[], entries: readonly StreamEntry[]): readonly Argument[] => {
  const args: Argument[] = [...head];
  for (const { id, values } of entries) {
    args.push(id);
    for (const value of values) args.push(value);
  }
  return args;
};

export const addEvents = ({ key, believedLastId, fields, entries }: AddEvents): ScriptCall<AddEventsAnswer> => ({
  script,
  key,
  args: argumentsOf([key.cap.maxCount ?? 0, believedLastId, fields.length, ...fields], entries),
  read: (reply) => {
    const [kind, lastId, addedCount] = reply as [string, string, number];
    return kind === 'behind' ? { kind, lastId } : { kind: 'added', lastId, addedCount };
  },
});

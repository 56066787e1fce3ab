/** Owns how an entry that cannot be handled gets into `nika:feed:dead`: once for each group (G5, G6). */
import type { Key } from '../keys.ts';
import { createScript, type ScriptCall } from './script.ts';

/**
 * Who was killed before it had acknowledged the entry brings it again (S3): it is looked for by group and entry first.
 * KEYS: stream. ARGV: ttl, cap, how many of the newest to look through, group, entry, fields and values.
 */
const script = createScript(
  ['XREVRANGE', 'XADD'],
  `
local key, ttl, cap, look, group, entry = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
for _, dead in ipairs(redis.call('XREVRANGE', key, '+', '-', 'COUNT', look)) do
  local isOfGroup, isOfEntry = false, false
  for at = 1, #dead[2], 2 do
    local name, value = dead[2][at], dead[2][at + 1]
    if name == 'group' then isOfGroup = value == group end
    if name == 'entry' then isOfEntry = value == entry end
  end
  if isOfGroup and isOfEntry then
    redis.call('EXPIRE', key, ttl)
    return dead[1]
  end
end
local id = redis.call('XADD', key, 'MAXLEN', '=', cap, '*', 'group', group, 'entry', entry, unpack(ARGV, 6))
redis.call('EXPIRE', key, ttl)
return id
`,
);

const LOOK_BACK_COUNT = 1_000;

export interface DeadEntry {
  /** As Redis has it: `cg:…`. */
  readonly group: string;
  /** Its id on the feed. */
  readonly entry: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** Answers its id there. */
export const addDead = (key: Key, { group, entry, fields }: DeadEntry): ScriptCall<string> => ({
  script,
  key,
  args: [key.cap.maxCount ?? 0, LOOK_BACK_COUNT, group, entry, ...Object.entries(fields).flat()],
  read: (reply) => {
    if (typeof reply !== 'string') throw new TypeError('no id');
    return reply;
  },
});

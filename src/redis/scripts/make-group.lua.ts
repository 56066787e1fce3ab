/** Owns how a group of consumers comes to be: with the stream, where there is none, and never without its expiry (G5). */
import type { Key } from '../keys.ts';
import { createScript, type ScriptCall } from './script.ts';

/**
 * From the start of what is there: a group that was lost with its stream gets all that is brought again.
 * KEYS: stream. ARGV: ttl, group.
 */
const script = createScript(
  ['XGROUP|CREATE'],
  `
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[2], '0', 'MKSTREAM')
if made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then return made end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return made.err and 'there' or 'made'
`,
);

export const makeGroup = (key: Key, group: string): ScriptCall<'made' | 'there'> => ({
  script,
  key,
  args: [group],
  read: (reply) => reply as 'made' | 'there',
});

/** Owns how a key that others fill is kept alive by the one it belongs to. */
import type { Key } from '../keys.ts';
import { createScript, type ScriptCall } from './script.ts';

/** KEYS: any. ARGV: ttl. Nothing where there is no such key. */
const script = createScript([], `return redis.call('EXPIRE', KEYS[1], ARGV[1])`);

/** Whether there is such a key. */
export const keepAlive = (key: Key): ScriptCall<boolean> => ({
  script,
  key,
  args: [],
  read: (reply) => reply === 1,
});

/**
 * Owns the lease of a name: one holder at a time, each with a token that is higher than all before (fencing token; Kleppmann,
 * "How to do distributed locking", 2016).
 */
import type { Key } from '../keys.ts';
import { createScript, type ScriptCall } from './script.ts';

/** So long it is remembered that what was leased is over. */
export const SETTLED_S = 24 * 60 * 60;

/**
 * Tokens are microseconds of Redis's own clock, so that they rise also where the key had gone (its end, FLUSHALL).
 * `acquire` by the one who holds it already gives the token it has: a lost reply does no harm (S3).
 * KEYS: string. ARGV: ttl, what, holder, token (0: none), time of settled ones.
 */
const script = createScript(
  ['GET', 'SET', 'DEL', 'TIME'],
  `
local key, ttl, what, holder, token = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local there = redis.call('GET', key)
local at, state, by
if there then
  at, state, by = string.match(there, '^(%d+) (%a+) (.*)$')
  at = tonumber(at)
end
local function put(number, how, seconds)
  redis.call('SET', key, string.format('%.0f', number) .. ' ' .. how .. ' ' .. holder, 'EX', seconds)
end
local function answer(kind)
  return {kind, string.format('%.0f', at or 0), by or '', state or ''}
end
if what == 'acquire' then
  if there and by == holder and state == 'held' then
    redis.call('EXPIRE', key, ttl)
    return answer('mine')
  end
  if there then return answer('taken') end
  local time = redis.call('TIME')
  at = math.max(time[1] * 1000000 + time[2], token + 1)
  put(at, 'held', ttl)
  by, state = holder, 'held'
  return answer('mine')
end
if there and (at ~= token or by ~= holder) then return answer('taken') end
if what == 'renew' then
  if state == 'settled' then return answer('mine') end
  put(token, 'held', ttl)
elseif what == 'settle' then
  put(token, 'settled', ARGV[5])
else
  if state == 'settled' then return answer('mine') end
  redis.call('DEL', key)
end
at, by = token, holder
return answer('mine')
`,
);

export type LeaseAnswer =
  | { readonly kind: 'mine'; readonly token: number }
  /** Another one holds it, or what was leased is over. */
  | { readonly kind: 'taken'; readonly token: number; readonly holder: string; readonly isSettled: boolean };

const read = (reply: unknown): LeaseAnswer => {
  const [kind, token, holder, state] = reply as [string, string, string, string];
  return kind === 'mine'
    ? { kind, token: Number(token) }
    : { kind: 'taken', token: Number(token), holder, isSettled: state === 'settled' };
};

const call = (key: Key, what: string, holder: string, token: number): ScriptCall<LeaseAnswer> => ({
  script,
  key,
  args: [what, holder, token, SETTLED_S],
  read,
});

/** `afterToken`: the caller knows of a holder with it; the new token is above. */
export const acquireLease = (key: Key, holder: string, afterToken = 0): ScriptCall<LeaseAnswer> =>
  call(key, 'acquire', holder, afterToken);

/** Also where the key has gone meanwhile and nobody took it: it is set again with the same token. */
export const renewLease = (key: Key, holder: string, token: number): ScriptCall<LeaseAnswer> =>
  call(key, 'renew', holder, token);

/** What was leased is over, by this holder: nobody acquires it any more. `taken`: another one holds or has settled it. */
export const settleLease = (key: Key, holder: string, token: number): ScriptCall<LeaseAnswer> =>
  call(key, 'settle', holder, token);

export const releaseLease = (key: Key, holder: string, token: number): ScriptCall<LeaseAnswer> =>
  call(key, 'release', holder, token);

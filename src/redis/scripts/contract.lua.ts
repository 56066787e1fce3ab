/**
 * Owns a contract in Redis: which one stands, and who may change the state of which step. The same rules hold in a home
 * (`ipc/contracts/step-rules.ts`); one test holds both.
 */
import type { Key } from '../keys.ts';
import { createScript, type ScriptCall } from './script.ts';

/**
 * Another contract may take the place of one of which no step has begun.
 * KEYS: hash. ARGV: ttl, hash of the contract, time in ms, session, contract.
 */
const putScript = createScript(
  ['HGET', 'HSET', 'HLEN'],
  `
local key, ttl, sha, ts = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local there = redis.call('HGET', key, 'sha256')
if there == sha then
  redis.call('EXPIRE', key, ttl)
  return 'put'
end
if there and (redis.call('HLEN', key) > 4 or tonumber(redis.call('HGET', key, 'ts')) >= tonumber(ts)) then return 'taken' end
redis.call('HSET', key, 'sha256', sha, 'ts', ts, 'session_id', ARGV[4], 'contract', ARGV[5])
redis.call('EXPIRE', key, ttl)
return 'put'
`,
);

export interface PutContract {
  readonly sha256: string;
  readonly ts: number;
  readonly session: string;
  /** JSON. */
  readonly contract: string;
}

/** Answers `put`, or `taken`: another one stands, and a step of it has begun. */
export const putContract = (key: Key, { sha256, ts, session, contract }: PutContract): ScriptCall<string> => ({
  script: putScript,
  key,
  args: [sha256, ts, session, contract],
  read: (reply) => String(reply),
});

/**
 * What decides is the field state:<step>, "<state> <ms> <entity> <session>"; what is told of it, step:<step>, is JSON that
 * is not read here. What is there already is `done` (S3).
 * KEYS: hash. ARGV: ttl, what, hash of the contract, step, state, time in ms, entity, session, whether it takes the step
 * from who has it, JSON, names of steps that must be completed.
 */
const stepScript = createScript(
  ['HGET', 'HSET'],
  `
local key, ttl, what, sha, step, state, ts, entity, session = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
if redis.call('HGET', key, 'sha256') ~= sha then return {'changed', ''} end
local line = table.concat({state, ts, entity, session}, ' ')
local there = redis.call('HGET', key, 'state:' .. step)
if there == line then
  redis.call('EXPIRE', key, ttl)
  return {'done', there}
end
local was, at, by, of = 'pending', '0', '', ''
if there then was, at, by, of = string.match(there, '^(%a+) (%d+) (%S*) (%S*)$') end
local isTaking = ARGV[9] == '1'
if was == 'completed' then return {'over', there} end
if what == 'bring' then
  if state ~= 'completed' and tonumber(at) >= tonumber(ts) then return {'over', there or ''} end
else
  if was == 'failed' and what ~= 'start' then return {'over', there} end
  if was == 'running' and not isTaking then
    if what == 'start' and (by ~= entity or of == session) then return {'held', there} end
    if what ~= 'start' and (by ~= entity or of ~= session) then return {'held', there} end
  end
  if what ~= 'fail' then
    for at = 11, #ARGV do
      local need = redis.call('HGET', key, 'state:' .. ARGV[at])
      if not need or string.sub(need, 1, 9) ~= 'completed' then return {'needs', ARGV[at]} end
    end
  end
end
redis.call('HSET', key, 'state:' .. step, line, 'step:' .. step, ARGV[10])
redis.call('EXPIRE', key, ttl)
return {'done', line}
`,
);

export interface StepChange {
  readonly what: 'start' | 'complete' | 'fail' | 'bring';
  readonly sha256: string;
  readonly step: string;
  readonly state: string;
  readonly ts: number;
  readonly entity: string;
  readonly session: string;
  readonly isTaking: boolean;
  /** JSON. */
  readonly told: string;
  readonly needs: readonly string[];
}

export interface StepAnswer {
  /** `changed`: another contract stands there, or none. `held`, `over`: `by` is its line. `needs`: `by` is which step. */
  readonly kind: 'done' | 'changed' | 'held' | 'over' | 'needs';
  readonly by: string;
}

export const changeStep = (key: Key, change: StepChange): ScriptCall<StepAnswer> => {
  const { what, sha256, step, state, ts, entity, session, isTaking, told, needs } = change;
  return {
    script: stepScript,
    key,
    args: [what, sha256, step, state, ts, entity, session, isTaking ? 1 : 0, told, ...needs],
    read: (reply) => {
      const [kind, by] = reply as [StepAnswer['kind'], string];
      return { kind, by };
    },
  };
};

/**
 * Owns an artifact of a working memory in Redis: the newest version stands, also where it is a deletion; which of two
 * writers was first is decided here.
 */
import type { Key } from '../keys.ts';
import { createScript, type ScriptCall } from './script.ts';

/**
 * A version says its own time. One that is not newer than what is there is told so (`behind`), so that its writer takes a
 * later time and says it again; one that is there already is `put`, so that a lost reply does no harm (S3). A deletion is
 * a version without a value: else whoever still has the value would bring it again.
 * KEYS: hash. ARGV: ttl, put or delete, time in ms, session, condition (empty, absent, or a hash), content type, bytes,
 * hash, value. For delete behind the condition: 1 where it is to be remembered although nothing is there.
 */
const script = createScript(
  ['HMGET', 'HSET', 'HDEL', 'DEL'],
  `
local key, ttl, what, ts, session, condition = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local there = redis.call('HMGET', key, 'ts', 'session_id', 'sha256', 'deleted')
local at, sha = tonumber(there[1] or ''), there[3] or ''
local alive = at and not there[4]
local isSame = at == tonumber(ts) and there[2] == session
if isSame and ((what == 'put' and sha == ARGV[8]) or (what == 'delete' and not alive)) then
  redis.call('EXPIRE', key, ttl)
  return {'put', ts, sha}
end
if condition == 'absent' then
  if alive then return {'refused', there[1], sha} end
elseif condition ~= '' and (not alive or sha ~= condition) then
  return {'refused', there[1] or '0', alive and sha or ''}
end
if what == 'delete' and not alive and ARGV[6] ~= '1' then return {'nothing', there[1] or '0', ''} end
if at and at >= tonumber(ts) then return {'behind', there[1], sha} end
if what == 'put' then
  redis.call('HSET', key, 'ts', ts, 'session_id', session, 'content_type', ARGV[6], 'bytes', ARGV[7], 'sha256', ARGV[8], 'value', ARGV[9])
  redis.call('EXPIRE', key, ttl)
  redis.call('HDEL', key, 'deleted')
else
  redis.call('DEL', key)
  redis.call('HSET', key, 'deleted', '1', 'ts', ts, 'session_id', session)
  redis.call('EXPIRE', key, ttl)
end
return {'put', ts, sha}
`,
);

export type ArtifactAnswer =
  | { readonly kind: 'put'; readonly ts: number }
  /** A version stands there that is not older. */
  | { readonly kind: 'behind'; readonly ts: number }
  /** The condition does not hold; the hash of what is there, where something is. */
  | { readonly kind: 'refused'; readonly ts: number; readonly sha256: string }
  /** There is nothing to delete. */
  | { readonly kind: 'nothing'; readonly ts: number };

const read = (reply: unknown): ArtifactAnswer => {
  const [kind, ts, sha256] = reply as [ArtifactAnswer['kind'], string, string];
  return { kind, ts: Number(ts), sha256 };
};

export interface PutArtifact {
  readonly ts: number;
  readonly session: string;
  readonly contentType: string;
  readonly sha256: string;
  readonly value: Buffer;
  /** `absent`, or the hash that must be there. */
  readonly condition?: string | undefined;
}

export const putArtifact = (key: Key, wish: PutArtifact): ScriptCall<ArtifactAnswer> => {
  const { ts, session, contentType, sha256, value, condition = '' } = wish;
  return { script, key, args: ['put', ts, session, condition, contentType, value.length, sha256, value], read };
};

export interface DeleteArtifact {
  readonly ts: number;
  readonly session: string;
  /** Also where nothing is there: somebody may bring it. */
  readonly isKnown: boolean;
}

export const deleteArtifact = (key: Key, { ts, session, isKnown }: DeleteArtifact): ScriptCall<ArtifactAnswer> => ({
  script,
  key,
  args: ['delete', ts, session, '', isKnown ? 1 : 0],
  read,
});

/** KEYS: hash. ARGV: ttl. A deletion is not kept alive. */
const standScript = createScript(
  ['HMGET'],
  `
local there = redis.call('HMGET', KEYS[1], 'ts', 'deleted')
if there[1] and not there[2] then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {there[1] or '0', there[2] and 1 or 0}
`,
);

/** How an artifact stands; it is kept alive. `ts` 0: nothing is there. */
export const keepArtifact = (key: Key): ScriptCall<{ readonly ts: number; readonly isDeleted: boolean }> => ({
  script: standScript,
  key,
  args: [],
  read: (reply) => {
    const [ts, deleted] = reply as [string, number];
    return { ts: Number(ts), isDeleted: deleted === 1 };
  },
});

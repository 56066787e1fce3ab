/** Owns the ids of entities and sessions: how they are made, and what is refused before it touches a path or a key. */
import { z } from 'zod';
import { NikaError } from './error.ts';

export const ENTITY_TYPES = ['PROJ', 'JOB', 'TASK', 'SUB'] as const;
export type EntityType = (typeof ENTITY_TYPES)[number];

/** Safe as a file name and as part of a Redis key (design, section 4). */
const ENTITY_ID = /^(PROJ|JOB|TASK|SUB)-[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

const isEntityId = (text: string): boolean => ENTITY_ID.test(text) && !text.includes('..');

export const entityIdSchema = z
  .string()
  .refine(isEntityId, { error: 'not an entity id (PROJ-, JOB-, TASK- or SUB- and up to 100 of A-Z a-z 0-9 . _ -)' })
  .brand<'EntityId'>();

/** `PROJ-…`, `JOB-…`, `TASK-…` or `SUB-…`; only {@link parseEntityId} and {@link createEntityId} make one. */
export type EntityId = z.infer<typeof entityIdSchema>;

export const sessionIdSchema = z.uuid().brand<'SessionId'>();
/** One run of a pod: a UUID. */
export type SessionId = z.infer<typeof sessionIdSchema>;

/**
 * Untrusted text as an entity id.
 * @throws {NikaError} `NIKA_MODEL_BAD_ID`
 */
export const parseEntityId = (text: string): EntityId => {
  const parsed = entityIdSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new NikaError('NIKA_MODEL_BAD_ID', `"${text.slice(0, 120)}" is not an entity id`, {
    subject: text.slice(0, 120),
  });
};

export const entityTypeOf = (id: EntityId): EntityType => {
  const type = ENTITY_TYPES.find((candidate) => id.startsWith(`${candidate}-`));
  if (type === undefined) throw new NikaError('NIKA_MODEL_BAD_ID', `"${id}" has no entity type`, { subject: id });
  return type;
};

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

const base32 = (bytes: Uint8Array): string => Array.from(bytes, (byte) => BASE32[byte & 31]).join('');

/** `count` random characters of lower-case base32 (5 bits each). */
export const randomBase32 = (count: number): string => base32(crypto.getRandomValues(new Uint8Array(count)));

const entityId = (type: EntityType, at: Date, random: string): EntityId =>
  parseEntityId(`${type}-${at.toISOString().slice(0, 10).replaceAll('-', '')}-${random}`);

/** `JOB-<yyyymmdd, UTC>-<8 random base32>`. */
export const createEntityId = (type: EntityType, at: Date = new Date()): EntityId =>
  entityId(type, at, randomBase32(8));

/** Such an id of something that has a name elsewhere: of the same digest (8 bytes or more) it is the same. */
export const entityIdFrom = (type: EntityType, at: Date, digest: Uint8Array): EntityId =>
  entityId(type, at, base32(digest.subarray(0, 8)));

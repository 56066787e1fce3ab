/** Owns NIKA_META, the envelope on every bus line, feed entry, signal and memory point (design, section 4). */
import { z } from 'zod';
import { ENTITY_TYPES, entityIdSchema, sessionIdSchema } from './id.ts';

export const ENVELOPE_VERSION = 1;

/** A short word that one filters by: a domain (`hooks`), an intent (`refactor`), a role, a tag. */
export const labelSchema = z.string().regex(/^[\p{L}\p{N}][\p{L}\p{N} ._:/-]{0,63}$/u, {
  error: 'must be 1 to 64 letters, digits or . _ : / - and spaces',
});

/** NIKA_META, version 1. `trace_id` and `span_id` follow W3C Trace Context. */
export const nikaMetaSchema = z.object({
  v: z.literal(ENVELOPE_VERSION).describe('Version of the envelope.'),
  session_id: sessionIdSchema.describe('One run of a pod (UUID).'),
  entity_id: entityIdSchema.describe('What the line is about.'),
  entity_type: z.enum(ENTITY_TYPES),
  parent_id: entityIdSchema.optional(),
  root_id: entityIdSchema.describe('The topmost JOB, or the PROJ.'),
  attempt: z.int().min(1).describe('Which try of the job this session is, from 1.'),
  job: z.string().describe('Name of the job definition.'),
  domain: labelSchema,
  intent: labelSchema,
  role: labelSchema.optional(),
  agent: z.string().optional().describe('Which agent CLI, if one runs.'),
  host: z.string(),
  pid: z.int(),
  trace_id: z.string().regex(/^[0-9a-f]{32}$/),
  span_id: z.string().regex(/^[0-9a-f]{16}$/),
  tags: z.array(z.string()).optional(),
});

/** Among the tags of all that was read later from an agent's own history: it is not told to anybody as if it happened now. */
export const IMPORTED_TAG = 'nika:imported';

/** Whether an envelope, as it was read, says so. */
export const isImported = ({ tags }: { readonly tags?: unknown }): boolean =>
  Array.isArray(tags) && tags.includes(IMPORTED_TAG);

export type NikaMeta = z.infer<typeof nikaMetaSchema>;

/** Of the sessions of Alpha, of workers and of commands of the swarm: they are no work. */
export const SWARM_LINEAGE = { domain: 'nika', intent: 'orchestrate' } as const;

export const isOfSwarmMeta = ({ domain, intent }: { readonly domain?: unknown; readonly intent?: unknown }): boolean =>
  domain === SWARM_LINEAGE.domain && intent === SWARM_LINEAGE.intent;

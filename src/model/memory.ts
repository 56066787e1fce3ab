/**
 * Owns the words of memory: what of a swarm is remembered for months, and how it is asked for (design, section 7).
 *
 * K1. What is remembered: each significant transition, and the summary of each session. An entity is counted by its last
 *     one: `created` stands for what is not over.
 */
import { z } from 'zod';
import { ENTITY_TYPES, type EntityType } from './id.ts';
import { MESSAGE_SCHEMAS } from './message.ts';

/** What is counted: entities by their type, and sessions. */
export const MEMORY_KINDS = ['job', 'task', 'session', 'sub', 'proj'] as const;
export type MemoryKind = (typeof MEMORY_KINDS)[number];

const KIND_OF = { PROJ: 'proj', JOB: 'job', TASK: 'task', SUB: 'sub' } as const satisfies Record<
  EntityType,
  MemoryKind
>;

export const kindOfEntity = (id: string): MemoryKind =>
  KIND_OF[ENTITY_TYPES.find((type) => id.startsWith(`${type}-`)) ?? 'JOB'];

/** Of an entity its last significant state; of a session its outcome. */
export const MEMORY_STATUSES: readonly string[] = [
  ...new Set([
    'created',
    'completed',
    'failed',
    'cancelled',
    ...MESSAGE_SCHEMAS.session_end_summary.shape.outcome.options,
  ]),
];

/** The version of a point's payload and vectors: one of another version is made anew (`nika memory migrate`). */
export const MEMORY_SCHEMA = 1;

/** What is counted by. */
export const MEMORY_GROUPS = [
  'status',
  'domain',
  'intent',
  'job',
  'agent',
  'model',
  'tool',
  'host',
  'day',
  'role',
  'tag',
] as const;
export type MemoryGroup = (typeof MEMORY_GROUPS)[number];

const MAX_VALUES = 100;
/** One value, or several of which any will do. */
const anyOf = (what: string) =>
  z
    .union([z.string().min(1).max(200), z.array(z.string().min(1).max(200)).min(1).max(MAX_VALUES)])
    .transform((given): readonly string[] => (typeof given === 'string' ? [given] : given))
    .optional()
    .describe(what);

/** Of all that is given each must hold; of several values of one, any. Times are milliseconds since 1970. */
export const memoryFilterSchema = z.strictObject({
  kind: z
    .union([z.enum(MEMORY_KINDS), z.array(z.enum(MEMORY_KINDS)).min(1)])
    .transform((given): readonly MemoryKind[] => (typeof given === 'string' ? [given] : given))
    .optional()
    .describe('What: jobs, tasks, sessions, subagents (`sub`), projects. Counting: jobs where nothing is said.'),
  status: anyOf('The last state: created (not over), completed, failed, cancelled; of a session how it ended.'),
  domain: anyOf('Domain of the job.'),
  intent: anyOf('Intent of the job.'),
  job: anyOf('Name of the job definition.'),
  agent: anyOf('Which agent CLI.'),
  model: anyOf('A model that was used.'),
  tool: anyOf('A tool that was called.'),
  host: anyOf('Where it ran.'),
  role: anyOf('Role in the envelope.'),
  tag: anyOf('A tag of the envelope.'),
  entity: anyOf('Id of the entity.'),
  session: anyOf('Id of the session.'),
  root: anyOf('The topmost JOB, or the PROJ.'),
  parent: anyOf('The entity that it belongs to.'),
  fromMs: z.number().optional().describe('Not before.'),
  untilMs: z.number().optional().describe('Before, not at.'),
});
export type MemoryFilter = Readonly<z.output<typeof memoryFilterSchema>>;

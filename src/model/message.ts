/** Owns the types of bus messages and what each holds in `data`; `docs/reference/bus.md` is generated from it. */
import { z } from 'zod';
import { AGENT_KINDS } from './agent.ts';
import { dispatchSchema } from './dispatch.ts';
import { ENTITY_STATES } from './entity.ts';
import { entityIdSchema } from './id.ts';
import { redactionSchema } from './redaction.ts';
import { digestSchema, workSchema } from './session-digest.ts';
import { usageSchema } from './usage.ts';

/** A body that was too long for its line: the head stays, the whole is in `_bus/blobs/<sha256>`. */
export const blobRefSchema = z.object({
  $blob: z
    .string()
    .describe('SHA-256 (hex) of the whole body, and its file name under _bus/blobs/. Empty if it was not kept.'),
  bytes: z.int().describe('Size of the whole body.'),
  head: z.string().describe('How the body begins.'),
});

export const bodySchema = z.unknown().describe('Any JSON, or a blob reference {$blob, bytes, head}.');

const headSchema = z.object({
  file: z.string().describe('File under _bus/, without its segment number.'),
  writer: z.string(),
  seq: z.int().describe('Lines that this writer has put into the file.'),
  h: z.string().describe('Hash of its last one.'),
});

const seenSchema = z
  .array(headSchema)
  .optional()
  .describe('The last line on the alpha bus of each other writer that came since the last `seen` of anybody.');

const transition = {
  from: z.enum(ENTITY_STATES).nullable().describe('State before; null: the entity is new.'),
  to: z.enum(ENTITY_STATES),
  rev: z.int().min(1).describe('Counts the transitions of the entity.'),
  summary: z.string().optional().describe('One line for people.'),
  via: z.literal('feed').optional().describe('It happened on another host, and was copied from the feed.'),
};

const ended = {
  ...transition,
  work: workSchema,
  result: bodySchema.optional().describe('Declared outputs, or the last message; at most 2 kB, the rest as a blob.'),
  duration_ms: z.number().optional(),
};

/** What a pod that does not go on waits for. The first three: a person. */
export const WAIT_REASONS = [
  'permission',
  'question',
  'idle',
  'rate_limit',
  'compacting',
  'api_error',
  'silent',
  'lease',
] as const;
export type WaitReason = (typeof WAIT_REASONS)[number];

/** Whether it is a person's turn; all else may pass by itself. */
export const isPersonsTurn = (reason: WaitReason): boolean => ['permission', 'question', 'idle'].includes(reason);

/** What travels on `nika:ipc:{job_id}` (seed: signaling). */
export const SIGNAL_KINDS = ['result', 'signal', 'request', 'error'] as const;
export type SignalKind = (typeof SIGNAL_KINDS)[number];

export const MESSAGE_SCHEMAS = {
  session_start: z.object({
    kind: z.enum(['pod', 'worker', 'alpha']),
    version: z.string(),
    cwd: z.string(),
    argv: z.array(z.string()).optional(),
    inputs: bodySchema.optional(),
    alpha_head: headSchema.nullable().describe('The last line seen on the alpha bus: weaves the writers together.'),
    seen: seenSchema,
  }),
  session_end_summary: z.object({
    outcome: z
      .enum([
        'completed',
        'failed',
        'cancelled',
        'timed_out',
        'limit',
        'interrupted',
        'lost',
        'awaiting_review',
        'superseded',
      ])
      .describe('`superseded`: another holder of its lease runs the job; what this one did does not count.'),
    exit_code: z.int(),
    duration_ms: z.number(),
    paused_ms: z.number().optional().describe('Of that it was paused.'),
    calls: z.int(),
    errors: z.int(),
    calls_by_tool: z.record(z.string(), z.int()).optional(),
    dropped: z.record(z.string(), z.int()).describe('What was dropped, truncated or delayed, by name (G3).'),
    result: bodySchema.optional(),
    digest: digestSchema.optional().describe('What it did, for memory.'),
    usage: z
      .array(usageSchema)
      .optional()
      .describe('What its agents used, by model: the sum of its `usage` lines. Missing: nothing was told.'),
    worktree: z
      .object({
        path: z.string(),
        branch: z.string(),
        base: z.string().describe('The commit that it began from.'),
        head: z.string().describe('The commit that it ended at.'),
        kept: z.boolean().describe('Whether path and branch are still there.'),
        commits: z.int(),
        files: z.int().describe('Changed against the base, with what is not committed.'),
        insertions: z.int(),
        deletions: z.int(),
        summary: z.string().describe('The files that changed, as `git diff --stat` tells them.'),
      })
      .optional()
      .describe('The git worktree of its own that it worked in.'),
    alpha_head: headSchema.nullable(),
    seen: seenSchema,
    heads: z.array(headSchema).describe('The heads of this writer in all its files, this line not counted.'),
  }),
  entity_created: z.object({
    ...transition,
    name: z.string().optional(),
    description: z.string().optional(),
    dispatch: dispatchSchema.optional().describe('It waits for a worker.'),
  }),
  entity_started: z.object(transition),
  review_request: z.object({
    ...transition,
    reason: z.string().optional(),
    reviewer: z.string().optional().describe('The pod that is asked; missing: people.'),
    round: z.int().min(1).optional().describe('How often it was asked for, with this time.'),
    rounds: z.int().min(1).optional().describe('How often it may be asked for.'),
    work: workSchema,
    result: bodySchema.optional().describe('What is to be judged.'),
    duration_ms: z.number().optional(),
  }),
  review_decision: z.object({
    ...transition,
    decision: z
      .enum(['accepted', 'rejected'])
      .describe('Where `to` is `awaiting_review`, the line that ends the entity follows.'),
    reason: z.string().optional(),
    by: z.string().optional().describe('Who decided: an entity, or a user of a host.'),
    round: z.int().min(1).optional(),
  }),
  job_completed: z.object(ended),
  job_failed: z.object({ ...ended, error: z.string(), code: z.string().optional() }),
  job_cancelled: z.object({ ...ended, reason: z.string().optional() }),
  attempt_failed: z.object({ error: z.string(), attempts_left: z.int(), duration_ms: z.number().optional() }),
  subagent_completed: z.object({
    sub_id: entityIdSchema,
    summary: z.string().optional(),
    memory: z
      .enum(['accepted', 'queued', 'off'])
      .optional()
      .describe('Its summary is in Qdrant; or on the bus, from where it is brought there; or there is no Qdrant.'),
  }),
  autonomous_dispatch: z.object({
    job: z.string(),
    draw: z.number().describe('From 0 on, below 1: below `probability` it is a hit.'),
    probability: z.number(),
    reason: z.string(),
    entity: entityIdSchema.optional().describe('What was dispatched.'),
    after: entityIdSchema.optional().describe('Whose completion it follows.'),
    depth: z.int().min(1).optional().describe('With it, how many followed each other.'),
    at: z.string().optional().describe('When that was completed.'),
  }),
  tool_call: z.object({
    source: z.enum(['hook', 'stream', 'reported']),
    tool_name: z.string(),
    tool_use_id: z.string(),
    ok: z.boolean(),
    duration_ms: z.number().nullable().describe('As the agent tells it, else as nika measured it; null: nobody knows.'),
    exit_code: z.int().optional().describe('Of the program that the tool ran, where the agent tells it.'),
    turn: z.string().optional().describe("The agent's id of the turn."),
    step: z.string().optional().describe('Id of the step of a job of steps, or its number.'),
    title: z.string().optional().describe('What the call does, in the words of the job.'),
    cwd: z.string().optional(),
    tool_input: bodySchema,
    tool_response: bodySchema.optional(),
    error: z.string().optional(),
    is_interrupt: z.boolean().optional().describe('The call was ended from outside before it was done.'),
    redacted: z.record(z.string(), z.int()).optional().describe('How many secrets of which kind were taken out.'),
    truncated: z.record(z.string(), z.int()).optional().describe('Which body was cut, and how many bytes it had.'),
  }),
  signal: z
    .object({
      kind: z.enum(SIGNAL_KINDS),
      name: z.string().optional().describe('What it is about, in the words of its sender.'),
      body: bodySchema,
      signal_id: z.string().optional(),
      from: z.string().optional().describe('The JOB that sent it; missing: a person, or a program outside.'),
      to: z.string().optional().describe('The JOB on whose stream it is.'),
      correlation_id: z.string().optional().describe('Of a request, and of what answers it.'),
      deadline: z.string().optional().describe('Of a request: after it nobody waits for the answer.'),
    })
    .describe('A signal that the pod sent; the copy on the bus is redacted, what travels is not (G7).'),
  condition: z.object({
    condition: z
      .string()
      .describe(
        'Of a pod: `pod_waiting`, `pod_back`, `pod_stale` (no sign of life, from another host), `pod_lost` (its process is gone), `pod_survivors`. Of a dispatched job: `job_overdue` (its deadline has passed). Of the bus: `bus_file_failing`, `bus_file_removed`.',
      ),
    detail: z.string().optional(),
    file: z.string().optional().describe('Which file of the bus it is about.'),
    via: z.literal('feed').optional().describe('It happened on another host, and was copied from the feed.'),
    reason: z.enum(WAIT_REASONS).optional().describe('Of `pod_waiting` and `pod_back`: what is, or was, waited for.'),
    tool_use_id: z.string().optional().describe('The call that a person is asked about.'),
    budget: z
      .object({
        scope: z.enum(['job', 'project', 'day']),
        of: z.string().describe('The JOB, the PROJ, or the day (UTC).'),
        limit: z.enum(['cost_usd', 'tokens', 'tool_calls', 'wall']),
        used: z.number().describe('Dollars, tokens, calls or milliseconds.'),
        max: z.number(),
      })
      .optional()
      .describe('Of `budget_warning`: which budget, and how much of it is used.'),
  }),
  agent_session: z
    .object({
      agent: z.string().describe(`${AGENT_KINDS.join(', ')}, or another one.`),
      agent_session_id: z.string().describe("The agent's own id of its session: what it resumes by."),
      version: z.string().optional(),
      model: z.string().optional(),
      transcript: z.string().optional().describe("The agent's own file of the session."),
      resumed: z.boolean().optional(),
      via: z
        .enum(['pod', 'hooks', 'import'])
        .describe('nika started it, it was installed there, or it was read later.'),
    })
    .describe('Which session of which agent this session of nika is.'),
  agent_turn: z
    .object({
      turn: z.string().optional().describe("The agent's id of the turn, where it has one."),
      prompt: bodySchema.optional().describe('What it was asked.'),
      answer: bodySchema.optional().describe('Its last message.'),
      outcome: z.enum(['completed', 'failed', 'interrupted']),
      error: z.string().optional(),
      duration_ms: z.number().optional(),
    })
    .describe('A turn of an agent, once it is over.'),
  usage: usageSchema.describe('What an agent used. The lines of a session do not overlap: it used their sum.'),
  message_delivered: z
    .object({
      how: z
        .enum(['tool call', 'turn end', 'resumed turn', 'listener'])
        .describe('At which point it reached the agent.'),
      body: bodySchema.describe('What was said.'),
      from: z.string().optional(),
      sent_at: z.string().describe('When it was given to the pod.'),
      tool_use_id: z.string().optional().describe('The tool call that it came with.'),
    })
    .describe('A message of "nika pod send" reached the agent.'),
  outage: z.object({
    service: z.string().describe('bus, redis, qdrant, logs.'),
    since: z.string(),
    until: z.string(),
    cause: z.string(),
    buffered: z.int().describe('Entries that were held back.'),
    replayed: z.int().describe('Entries that were written afterwards.'),
    dropped: z.int().describe('Entries that are lost; they take no seq.'),
  }),
  redaction: redactionSchema,
  note: z.object({
    text: z.string(),
    level: z.enum(['info', 'warn', 'error']).optional(),
    heads: z.array(headSchema).optional().describe('Heads that have no room in the line of the session that follows.'),
  }),
} as const;

export type MessageType = keyof typeof MESSAGE_SCHEMAS;
export type MessageData<T extends MessageType> = z.infer<(typeof MESSAGE_SCHEMAS)[T]>;
export type Head = z.infer<typeof headSchema>;

export const MESSAGE_TYPES = Object.keys(MESSAGE_SCHEMAS) as readonly MessageType[];
export const isMessageType = (type: string): type is MessageType => Object.hasOwn(MESSAGE_SCHEMAS, type);

/** Types that stand in an entity's channel only; all others also stand on the alpha bus (design, section 5). */
export const isChannelOnly = (type: string): boolean => type === 'tool_call';

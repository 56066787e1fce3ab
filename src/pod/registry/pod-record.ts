/**
 * Owns the form of `run/pods/<session>.json`: what names the process of a pod for ever (design, section 4), how it was
 * started, and its last sign of life. It is written by the pod itself, and by whoever closes a pod that died.
 */
import { z } from 'zod';
import { heldLeaseSchema } from '../../model/held-lease.ts';
import { entityIdSchema, sessionIdSchema } from '../../model/id.ts';
import { WAIT_REASONS } from '../../model/message.ts';

/** What `nika pod ls` shows of a pod that has not ended; `stale` and `lost` are what others say of it. */
export const LIVING_STATUSES = ['starting', 'running', 'waiting', 'paused', 'stopping'] as const;
/** `awaiting_review`: its session is over, its job is not. */
export const ENDED_STATUSES = ['completed', 'failed', 'cancelled', 'lost', 'awaiting_review'] as const;
export type LivingStatus = (typeof LIVING_STATUSES)[number];
export type EndedStatus = (typeof ENDED_STATUSES)[number];
export type PodStatus = LivingStatus | 'stale' | EndedStatus;

export const podProcessSchema = z.object({
  host: z.string(),
  /** Of the installed system; with it a reboot is told from another machine of the same name. */
  machine_id: z.string(),
  boot_id: z.string(),
  pid: z.int(),
  pid_ns: z.string(),
  start_ticks: z.string(),
});

/** What holds the processes of a pod together, so that all of them can be ended. */
const treeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('cgroup'), path: z.string() }),
  z.object({ kind: z.literal('process table') }),
]);

const lastToolSchema = z.object({ tool: z.string(), what: z.string(), at: z.string(), running: z.boolean() });

const standingSchema = z.object({
  service: z.string(),
  state: z.enum(['up', 'degraded', 'down']).default('degraded'),
  /** ISO 8601; empty: a nika of before did not say. */
  since: z.string().default(''),
});

/** The last sign of life. */
const beatSchema = z.object({
  status: z.enum(LIVING_STATUSES),
  at: z.string(),
  /** CLOCK_MONOTONIC of the boot, in milliseconds: neither a clock that jumps nor a laptop that sleeps moves it. */
  mono_ms: z.number(),
  calls: z.int(),
  errors: z.int(),
  /** What its agents used. */
  tokens: z.number().default(0),
  cost_usd: z.number().default(0),
  /** Nobody knows what they cost: they are not in `cost_usd`. */
  unpriced_tokens: z.number().default(0),
  last_tool: lastToolSchema.nullable(),
  /** Why it waits, or is queued. */
  why: z.string().nullable(),
  /** What it waits for, and since when; null: it does not wait, or does not say. */
  reason: z.enum(WAIT_REASONS).nullable().default(null).catch(null),
  waiting_since: z.string().nullable().default(null),
  degraded: z.array(standingSchema.extend({ why: z.string() })),
  /** Those it was told to use, and how they stand. */
  services: z.array(standingSchema.extend({ why: z.string().nullable() })).default([]),
  dropped: z.record(z.string(), z.int()),
});

/** The git worktree that it works in. */
const worktreeSchema = z.object({
  path: z.string(),
  branch: z.string(),
  /** The commit that it began from. */
  base: z.string(),
  /** What all checkouts of the repository share: `.git` of the first. */
  git_dir: z.string(),
  /** Whose it is; of another one: the pod was told to work in that. */
  owner: entityIdSchema,
  /** The commit that it ended at; null: it has not ended, or nobody could tell. */
  head: z.string().nullable(),
  /** Whether it is still there. */
  kept: z.boolean(),
  /** Against the base, at the end, with what is not committed. */
  changes: z.object({ commits: z.int(), files: z.int(), insertions: z.int(), deletions: z.int() }).nullable(),
});

const endSchema = z.object({
  status: z.enum(ENDED_STATUSES),
  outcome: z.string(),
  exit_code: z.int(),
  at: z.string(),
  duration_ms: z.number(),
  /** At most 2 kB of JSON; the whole is on the bus. */
  result: z.unknown(),
  error: z.string().nullable(),
});

export const podRecordSchema = z.object({
  v: z.literal(1),
  session: sessionIdSchema,
  entity: entityIdSchema,
  root: entityIdSchema,
  parent: entityIdSchema.nullable(),
  job: z.string(),
  /** File of the job definition; null: there is none (`nika run`, a library's pod). */
  job_file: z.string().nullable(),
  runner: z.enum(['steps', 'module', 'command', 'agent', 'library']),
  /** Which agent CLI, and its own id of the session, once it is known: what it resumes by. */
  agent: z.object({ kind: z.string(), session: z.string().nullable() }).nullable().default(null),
  /** From 1; of how many that are allowed. */
  attempt: z.int().min(1),
  attempts: z.int().min(1),
  domain: z.string(),
  intent: z.string(),
  cwd: z.string(),
  worktree: worktreeSchema.nullable().default(null),
  /** By which it runs a job of the queue: whether its end counts is decided there. */
  lease: heldLeaseSchema.nullable().default(null),
  detached: z.boolean(),
  /** Name of the tmux session that holds its terminal. */
  tmux: z.string().nullable(),
  /** Its writer on the bus. */
  writer: z.string(),
  started_at: z.string(),
  process: podProcessSchema,
  tree: treeSchema,
  socket: z.string().nullable(),
  log: z.string(),
  stdout: z.string().nullable(),
  stderr: z.string().nullable(),
  beat: beatSchema,
  end: endSchema.nullable(),
});

/** Times are ISO 8601, paths absolute. */
export type PodRecord = z.infer<typeof podRecordSchema>;
export type PodProcess = PodRecord['process'];
export type PodBeat = PodRecord['beat'];
export type PodEnd = z.infer<typeof endSchema>;
export type TreeKind = PodRecord['tree'];
export type WorktreeRecord = z.infer<typeof worktreeSchema>;

/** Owns what a job comes to once its inputs are known: labels, folder, environment, limits, with no template left. */
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Job } from '../config/job/job.ts';
import { KEEP_WORKTREE, type KeepWorktree } from '../config/job/worktree-field.ts';
import { durationSchema } from '../config/quantity.ts';
import type { Scope } from '../config/expression/evaluate.ts';
import { renderTemplates } from '../config/expression/template.ts';
import type { Settings } from '../config/settings.ts';
import { labelSchema } from '../model/envelope.ts';
import { NikaError } from '../model/error.ts';
import type { BodyEncoder } from '../recorder/body.ts';
import { entityIdSchema } from '../model/id.ts';

/** What a template comes to is text, or what an input holds; empty text is as if it was not there. */
const worktreeText = z
  .union([z.string(), z.number(), z.null()])
  .optional()
  .transform((text) => (text === null || text === undefined || text === '' ? undefined : String(text)));

const worktreeSchema = z.union(
  [
    z.boolean(),
    z.literal('parent'),
    z.enum(['true', 'false']).transform((text) => text === 'true'),
    z.object({
      base: worktreeText,
      branch: worktreeText,
      path: worktreeText,
      keep: z.enum(KEEP_WORKTREE).optional(),
    }),
  ],
  { error: 'must come to true, false, parent, or to what base, branch, keep and path may be' },
);

/** How the worktree is to be made; `undefined` fields: by default. */
export interface WorktreeWish {
  readonly base?: string | undefined;
  readonly branch?: string | undefined;
  readonly path?: string | undefined;
  readonly keep?: KeepWorktree | undefined;
}

const missionSchema = z.object({
  project: entityIdSchema.optional(),
  domain: labelSchema,
  intent: labelSchema,
  role: labelSchema.optional(),
  tags: z.array(labelSchema),
  cwd: z.string().min(1).optional(),
  env: z.record(z.string(), z.coerce.string()),
  worktree: worktreeSchema.optional(),
  timeout: durationSchema.optional(),
  retry: z.object({ attempts: z.coerce.number().int().min(1).max(100), backoff: durationSchema }).optional(),
  limits: z.object({
    tool_calls: z.coerce.number().int().min(1).optional(),
    cost_usd: z.coerce.number().positive().optional(),
    tokens: z.coerce.number().int().min(1).optional(),
    wall: durationSchema.optional(),
  }),
});

/** All durations are milliseconds; `cwd` is absolute. */
export interface Mission {
  readonly project: z.output<typeof entityIdSchema> | undefined;
  readonly domain: string;
  readonly intent: string;
  readonly role: string | undefined;
  readonly tags: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Of its own, that of its parent, or none; `undefined`: nobody said. */
  readonly worktree: WorktreeWish | 'parent' | false | undefined;
  /** Of each attempt. */
  readonly timeoutMs: number | undefined;
  readonly maxAttempts: number;
  /** Before the second attempt; each further one waits twice as long. */
  readonly backoffMs: number;
  readonly maxToolCalls: number | undefined;
  /** Of the job and all that it starts. */
  readonly maxCostUsd: number | undefined;
  readonly maxTokens: number | undefined;
  readonly wallMs: number | undefined;
}

/**
 * The job with its templates rendered and judged; limits that it does not set come from the settings.
 * @throws {NikaError} `NIKA_JOB_INVALID`: what a template came to does not fit its field.
 */
export const resolveMission = (job: Job, settings: Settings, scope: Scope, calledIn: string): Mission => {
  const { project, domain, intent, role, tags, cwd, env, worktree, timeout, retry, limits } = job;
  const fields = { project, domain, intent, role, tags, cwd, env, worktree, timeout, retry, limits };
  const rendered = renderTemplates(fields, scope);
  const parsed = missionSchema.safeParse(rendered);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = issue?.path.join('.') ?? '';
    const message = `the job ${job.name} cannot run with these inputs: ${field}: ${issue?.message ?? 'is wrong'}`;
    throw new NikaError('NIKA_JOB_INVALID', message, { subject: field });
  }
  const mission = parsed.data;
  return {
    project: mission.project,
    domain: mission.domain,
    intent: mission.intent,
    role: mission.role,
    tags: mission.tags,
    cwd: resolve(calledIn, mission.cwd ?? '.'),
    env: mission.env,
    worktree: mission.worktree === true ? {} : mission.worktree,
    timeoutMs: mission.timeout,
    maxAttempts: mission.retry?.attempts ?? 1,
    backoffMs: mission.retry?.backoff ?? 0,
    maxToolCalls: mission.limits.tool_calls ?? settings.limits.toolCalls,
    maxCostUsd: mission.limits.cost_usd ?? settings.limits.costUsd,
    maxTokens: mission.limits.tokens ?? settings.limits.tokens,
    wallMs: mission.limits.wall ?? settings.limits.wallMs,
  };
};

/**
 * Refuses what looks like a secret in a label: labels stand in the envelope of every line, as they are (G7).
 * @throws {NikaError} `NIKA_JOB_INVALID`
 */
export const refuseSecrets = (labels: Readonly<Record<string, string | undefined>>, encoder: BodyEncoder): void => {
  for (const [field, label] of Object.entries(labels)) {
    if (label === undefined || encoder.encodeText(label).text === label) continue;
    throw new NikaError(
      'NIKA_JOB_INVALID',
      `${field}: what it comes to looks like a secret; it would stand on every line`,
      {
        subject: field,
        remedy: 'Pass secrets to tools by the environment, not by labels, ids or names.',
      },
    );
  }
};

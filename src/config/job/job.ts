/** Owns the form of a job file: a mission, its inputs, and what does it: steps, a module or a command. Names are those of the file. */
import { z } from 'zod';
import { capabilitySchema } from '../../model/dispatch.ts';
import { labelSchema } from '../../model/envelope.ts';
import { costSchema, tokensSchema } from '../budget-limits.ts';
import type { Frozen } from '../frozen.ts';
import { HOOKS_NOTE, hooksSchema, POLICY_NOTE, policySchema } from '../hooks/hooks.ts';
import { durationTextSchema } from '../quantity.ts';
import { AGENT_FIELDS } from './agent-fields.ts';
import { INPUT_LIMITS, limitProblems, unkeptLimit } from './input-limits.ts';
import { reviewSchema } from './review-field.ts';
import { TOOL_NAMES } from './tool-inputs.ts';
import { worktreeSchema } from './worktree-field.ts';

const templateText = z.string().regex(/\$\{\{/, { abort: true });

/** What the schema allows, or a template; of a template the type is not judged before the run. */
const orTemplate = <T extends z.ZodType>(schema: T) => z.union([schema, templateText]);

/** Of inputs, outputs and steps: what can stand behind a dot in an expression. */
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;
const identifier = z
  .string()
  .regex(IDENTIFIER, { error: 'must be 1 to 64 letters, digits, _ or -, and begin with a letter or _' });

/** What a job's name is made of; for messages. */
export const JOB_NAME_WANTED = 'must be 1 to 64 letters, digits or . _ - and begin with a letter or digit';
const jobNameSchema = z.string().regex(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, { error: JOB_NAME_WANTED });

export const isJobName = (text: string): boolean => jobNameSchema.safeParse(text).success;

const INPUT_TYPES = ['string', 'number', 'boolean'] as const;

const inputSchema = z
  .strictObject({
    type: z.enum(INPUT_TYPES).default('string'),
    required: z.boolean().default(false).describe('Whether it must be given.'),
    default: z
      .union([z.string(), z.number(), z.boolean()], { error: 'must be text, a number, true or false' })
      .optional(),
    description: z.string().max(500).optional(),
    ...INPUT_LIMITS,
  })
  .superRefine((input, context) => {
    const wrong = (message: string): void => context.addIssue({ code: 'custom', path: ['default'], message });
    for (const { field, message } of limitProblems(input)) context.addIssue({ code: 'custom', path: [field], message });
    if (input.default === undefined) return;
    const unkept = unkeptLimit(input, input.default);
    if (unkept !== undefined) wrong(`must be ${unkept}, as any value of this input`);
    if (typeof input.default !== input.type)
      wrong(`must be of the input's type (${input.type}), not ${JSON.stringify(input.default)}`);
    if (input.required) wrong('an input with a default is never missing; leave "required" or "default" away');
  });

const scalarText = z.union([z.string(), z.number(), z.boolean()], { error: 'must be text' }).transform(String);
const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'must be letters, digits and _' });
const toolCalls = z.int().min(1).max(1_000_000_000);

const stepSchema = z.strictObject({
  id: identifier.optional().describe('By which later steps reach its result: ${{ steps.<id>.output }}.'),
  name: z.string().min(1).max(200).optional().describe('For people; default: made of the tool and its input.'),
  task: labelSchema.optional().describe('Steps of the same task become one TASK.'),
  tool: z.enum(TOOL_NAMES).describe('What does it.'),
  input: z.record(z.string(), z.unknown()).describe("The tool's input."),
  if: z
    .union([z.string().min(1), z.boolean()], { error: 'must be an expression, true or false' })
    .optional()
    .describe('Runs only if this holds. success() is meant unless always(), failure() or success() stands in it.'),
  continue_on_error: orTemplate(z.boolean()).default(false).describe('A failure of this step does not fail the job.'),
  timeout: orTemplate(durationTextSchema).optional().describe('Such as 30s or 10m.'),
});

const retrySchema = z.strictObject({
  attempts: orTemplate(z.int().min(1).max(100)).default(1).describe('How often it is tried in all.'),
  backoff: orTemplate(durationTextSchema)
    .default('1s')
    .describe('Wait before the second try; each further one waits twice as long, at most an hour.'),
});

/** The ways to say what a job does. A job has exactly one. */
export const RUNNERS = ['steps', 'module', 'command', 'agent'] as const;
export type RunnerKind = (typeof RUNNERS)[number];

/** The schema of a job file. That it has exactly one of {@link RUNNERS} is seen to by the job check. */
export const jobSchema = z.strictObject({
  name: jobNameSchema.describe('The name of the file, without its ending.'),
  description: z.string().min(1).max(2000).describe('What it does, for people and for those who choose among jobs.'),
  project: orTemplate(
    z.string().regex(/^PROJ-[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, { error: 'must be like PROJ-hooks-refactor' }),
  )
    .optional()
    .describe('The PROJ it belongs to.'),
  domain: orTemplate(labelSchema).describe('What it is about: hooks, billing, docs …'),
  intent: orTemplate(labelSchema).describe('What it is for: audit, refactor, release …'),
  role: orTemplate(labelSchema).optional().describe('As what the pod works: reviewer, author …'),
  tags: z.array(orTemplate(labelSchema)).max(50).default([]),
  capabilities: z
    .array(capabilitySchema)
    .max(20)
    .optional()
    .describe('What its pods offer to others while they run (`nika registry`).'),
  inputs: z.record(identifier, inputSchema).default({}).describe('What is given at the start, by name.'),
  env: z.record(variableName, scalarText).default({}).describe('Added to the environment of all that the job starts.'),
  cwd: z.string().min(1).optional().describe('Where it runs; default: where the command was given.'),
  worktree: worktreeSchema.optional(),
  timeout: orTemplate(durationTextSchema).optional().describe('For each attempt as a whole, such as 10m or 1h30m.'),
  retry: retrySchema.optional().describe('What fails or times out is tried again, in a new session.'),
  review: reviewSchema.optional(),
  limits: z
    .strictObject({
      tool_calls: orTemplate(toolCalls)
        .optional()
        .describe('Tool calls, also those of the pods that it starts, over all attempts.'),
      cost_usd: orTemplate(costSchema)
        .optional()
        .describe('US dollars for models, also of the pods that it starts, over all attempts.'),
      tokens: orTemplate(tokensSchema).optional().describe('Tokens likewise: in and out, cached ones too.'),
      wall: orTemplate(durationTextSchema)
        .optional()
        .describe('Time from start to end, over all attempts; a pause does not count.'),
    })
    .default({}),
  hooks: hooksSchema.optional().describe(`${HOOKS_NOTE} They run after those of the settings.`),
  policy: policySchema.optional().describe(`${POLICY_NOTE} The stricter of this and the settings' policy holds.`),
  outputs: z
    .record(identifier, z.unknown())
    .optional()
    .describe("The job's result, by name; made when the steps are done."),
  steps: z.array(stepSchema).min(1).max(10_000).default([]).describe('Tool calls, in order.'),
  module: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe('A TypeScript or JavaScript file that exports run(pod, inputs); relative to the job file.'),
  command: z
    .union([z.string().min(1), z.array(z.string()).min(1)], { error: 'must be a command line, or a list of arguments' })
    .optional()
    .describe('A program: a list of arguments, or a command line for /bin/sh.'),
  stdin: z.string().optional().describe('What a command reads on its standard input; default: nothing.'),
  ...AGENT_FIELDS,
});

export const runnerOf = ({
  agent,
  module,
  command,
}: Pick<Job, 'steps' | 'module' | 'command' | 'agent'>): RunnerKind => {
  if (agent !== undefined) return 'agent';
  if (module !== undefined) return 'module';
  return command === undefined ? 'steps' : 'command';
};

/** A job as its file tells it, with defaults; templates are still templates (`isTemplate` of template.ts). */
export type Job = Frozen<z.output<typeof jobSchema>>;
export type JobStep = Job['steps'][number];
export type JobInput = Job['inputs'][string];
export type JobInputType = (typeof INPUT_TYPES)[number];

/** Owns the settings `alpha:`: what the orchestrator (Alpha) may do by itself. */
import { z } from 'zod';
import { CAPABILITY, DEFAULT_CAPABILITY } from '../../model/dispatch.ts';
import { costSchema } from '../budget-limits.ts';
import type { Frozen } from '../frozen.ts';
import { durationSchema } from '../quantity.ts';

const MAX_JOBS = 100;
const MAX_PER_DAY = 10_000;
const MAX_RUNNING = 100_000;
const MAX_CHAIN = 10;

const pattern = z.string().min(1).max(100).prefault('*');

const followUpSchema = z.strictObject({
  job: z.string().min(1).max(64).describe('Name of the job that is dispatched.'),
  domain: pattern.describe('Only after jobs of this domain; * stands for any text.'),
  intent: pattern.describe('Only after jobs of this intent; * stands for any text.'),
  inputs: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .prefault({})
    .describe('Its inputs. An input "after", where it has one, is given the id of the job that it follows.'),
  capability: z
    .string()
    .regex(CAPABILITY, { error: 'must be 1 to 64 of a-z 0-9 . _ - and begin with a letter or digit' })
    .prefault(DEFAULT_CAPABILITY)
    .describe('What a worker must offer to be given it.'),
});
export type FollowUpWish = Frozen<z.output<typeof followUpSchema>>;

const autonomySchema = z
  .strictObject({
    jobs: z
      .array(followUpSchema)
      .max(MAX_JOBS)
      .prefault([])
      .meta({ examples: [[{ job: 'audit-docs', domain: 'hooks', intent: 'refactor' }]] })
      .describe('What may follow, each with job, domain, intent, inputs and capability. None: nothing is ever drawn.'),
    probability: z.number().min(0).max(1).prefault(0.03).describe('How likely a completed root is followed by one.'),
    seed: z
      .string()
      .max(200)
      .prefault('nika')
      .describe('The draw is made of it and the id of the event: with another seed others are hit.'),
    cooldown: durationSchema.prefault('10m').describe('After a dispatch none follows for so long.'),
    perDay: z.int().min(1).max(MAX_PER_DAY).prefault(20).describe('How many are dispatched in a day (UTC).'),
    costPerDayUsd: costSchema
      .optional()
      .meta({ examples: [5] })
      .describe('US dollars that those of a day (UTC) may have cost, so that one more is dispatched.'),
    maxRunning: z
      .int()
      .min(1)
      .max(MAX_RUNNING)
      .prefault(20)
      .describe('Jobs of the swarm that run or wait for a worker: where there are as many, none is dispatched.'),
    chain: z
      .int()
      .min(0)
      .max(MAX_CHAIN)
      .prefault(0)
      .describe('How many may follow each other: 0: what was dispatched so is followed by none.'),
  })
  .transform(({ cooldown, ...rest }) => ({ ...rest, cooldownMs: cooldown }));
export type AutonomySettings = Frozen<z.output<typeof autonomySchema>>;

export const alphaSchema = z.strictObject({
  autonomy: autonomySchema
    .prefault({})
    .describe('Follow-ups that Alpha dispatches by itself, see docs/autonomy.md. Off unless jobs are listed.'),
});

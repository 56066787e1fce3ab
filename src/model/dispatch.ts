/**
 * Owns how work is given to the swarm: `data.dispatch` of an entity's `created`, on the bus and on the feed. Any program
 * that can XADD an entry with it gives work (design, section 6).
 */
import { z } from 'zod';

const inputsSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

/** As the name of a queue, of a Redis key and of a file. */
export const CAPABILITY = /^[a-z0-9][a-z0-9._-]{0,63}$/;
export const DEFAULT_CAPABILITY = 'default';

export const capabilitySchema = z
  .string()
  .regex(CAPABILITY, { error: 'must be 1 to 64 of a-z 0-9 . _ - and begin with a letter or digit' });

export const dispatchSchema = z.object({
  job: z.string().describe('Name of the job, as the worker that runs it finds it.'),
  /** Missing in an entry of the feed that would be too long with them: then its dispatcher puts it into the queue. */
  inputs: inputsSchema
    .optional()
    .describe('Inputs of the job. Missing: too many for this line, they are in the queue.'),
  capability: capabilitySchema.default(DEFAULT_CAPABILITY).describe('What a worker must offer to be given it.'),
  priority: z.int().min(0).max(9).default(0).describe('9 first, 0 last.'),
  not_before: z.string().optional().describe('ISO 8601: it waits until then.'),
  deadline: z.string().optional().describe('ISO 8601: until then it should have ended.'),
  attempts: z.int().min(1).max(100).optional().describe('How often it is tried in all; default: as the job says.'),
  from: z.string().optional().describe('Host whose home dispatched it.'),
});
export type Dispatch = z.infer<typeof dispatchSchema>;
export type JobInputs = z.infer<typeof inputsSchema>;

/** Owns the parts of tools' inputs that several have. */
import { z } from 'zod';

export const podId = z.string().min(1).max(200).describe('Id of a pod, or an unambiguous part of it.');

export const podIds = z.array(podId).min(1).max(50);

export const wholeSeconds = (max: number) => z.int().min(0).max(max);

export const jobName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, { error: 'must be the name of a job; files cannot be given here' })
  .describe('Name of a job.');

export const jobInputs = z
  .record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/, { error: 'must be the name of an input' }),
    z.union([z.string(), z.number(), z.boolean()]),
  )
  .default({})
  .describe('Inputs of the job, by name.');

/** Of a new job. */
export const ownId = z
  .string()
  .regex(/^JOB-/, { error: 'must begin with JOB-' })
  .optional()
  .describe('An own id, such as JOB-fix-login.');

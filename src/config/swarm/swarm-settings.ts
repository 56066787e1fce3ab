/** Owns the settings of the swarm: leases, workers, and which job does what a capability is for. */
import { z } from 'zod';
import { CAPABILITY } from '../../model/dispatch.ts';
import { durationSchema } from '../quantity.ts';

const workerSchema = z
  .strictObject({
    concurrency: z.int().min(1).max(1_000).prefault(4).describe('Pods of one worker at once.'),
    grace: durationSchema
      .prefault('60s')
      .describe(
        'How long a worker that gets SIGTERM waits for its pods. They live on, and another worker sees to them.',
      ),
  })
  .transform(({ grace, ...rest }) => ({ ...rest, graceMs: grace }));

const routeSchema = z.strictObject({
  job: z.string().min(1).describe('Name of the job; it is given `from`, the id of the job whose result named it.'),
});

const MS_PER_S = 1_000;

export const swarmSchema = z
  .strictObject({
    lease: durationSchema
      .prefault('30s')
      .refine((ms) => ms >= 2_000 && ms <= 600_000, { error: 'must be from 2s to 10m' })
      .describe('After so long without a sign of its holder, a job may be run by another one. The same on all hosts.'),
    worker: workerSchema.prefault({}).describe('Of "nika worker start".'),
    capabilities: z
      .record(z.string().regex(CAPABILITY), routeSchema)
      .prefault({})
      .meta({ examples: [{ reporting: { job: 'write-report' } }] })
      .describe('Which job is dispatched when a result names this capability in `next_capabilities`.'),
    chainDepth: z
      .int()
      .min(0)
      .max(1_000)
      .prefault(10)
      .describe('How many jobs may follow one another by `next_capabilities`.'),
  })
  .transform(({ lease, ...rest }) => ({ ...rest, leaseS: Math.ceil(lease / MS_PER_S) }));

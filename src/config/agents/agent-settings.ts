/** Owns the settings `agents:`, which hold for every agent that runs in a pod. */
import { z } from 'zod';
import { durationSchema } from '../quantity.ts';

export const agentsSchema = z
  .strictObject({
    silentAfter: durationSchema
      .prefault('10m')
      .describe(
        'Time without a hook, output or a running call of an agent after which its pod is shown as silent: it may be stuck. Nothing is ended by it.',
      ),
  })
  .transform(({ silentAfter }): { silentAfterMs: number } => ({ silentAfterMs: silentAfter }));

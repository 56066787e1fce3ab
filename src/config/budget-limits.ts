/** Owns the form of a budget in the settings: what may be used by a project, or in a day. */
import { z } from 'zod';
import { sumOfDurationsSchema } from './quantity.ts';

const MAX_COUNT = 1e15;
export const costSchema = z.number().positive().max(1e9);
export const tokensSchema = z.int().min(1).max(MAX_COUNT);

/** What all that count may use together; `undefined`: as much as they like. */
export interface BudgetLimits {
  readonly costUsd?: number | undefined;
  readonly tokens?: number | undefined;
  readonly toolCalls?: number | undefined;
  readonly wallMs?: number | undefined;
}

export const budgetSchema = z
  .strictObject({
    costUsd: costSchema
      .optional()
      .meta({ examples: [20] })
      .describe('US dollars.'),
    tokens: tokensSchema
      .optional()
      .meta({ examples: [50_000_000] })
      .describe('Tokens, in and out, cached ones too.'),
    toolCalls: tokensSchema
      .optional()
      .meta({ examples: [5_000] })
      .describe('Tool calls.'),
    wall: sumOfDurationsSchema
      .optional()
      .meta({ examples: ['24h'] })
      .describe('Time of all pods, added up.'),
  })
  .transform(({ wall, ...limits }): BudgetLimits => (wall === undefined ? limits : { ...limits, wallMs: wall }));

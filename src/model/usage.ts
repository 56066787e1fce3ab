/** Owns what an agent used of a model: tokens and money. */
import { z } from 'zod';

const tokens = z.int().min(0);

export const usageSchema = z.object({
  scope: z.enum(['call', 'turn', 'run']).describe('Of one request to the model, of a turn, or of a run as a whole.'),
  model: z.string().describe('As the agent names it; empty: it does not say.'),
  input_tokens: tokens.describe('Without those that came from or went into a cache.'),
  cache_read_tokens: tokens,
  cache_write_tokens: tokens,
  output_tokens: tokens.describe('With those of reasoning.'),
  reasoning_tokens: tokens.optional().describe('Of the output, where it is told.'),
  cost_usd: z.number().min(0).nullable().describe('null: neither the agent nor the price table says.'),
  cost_from: z
    .enum(['agent', 'prices', 'later', 'nobody'])
    .describe(
      'Who says what it cost. later: the agent, at the end of its run, in a line of that scope; it covers all lines of the session before it that say so.',
    ),
  source: z
    .enum(['agent', 'reported'])
    .optional()
    .describe('reported: a program in the pod tells it of itself. Missing: the agent.'),
  turn: z.string().optional().describe("The agent's id of the turn."),
});

/** Counts are of tokens, money is US dollars. */
export type Usage = z.infer<typeof usageSchema>;

type Counted = Pick<Usage, 'input_tokens' | 'cache_read_tokens' | 'cache_write_tokens' | 'output_tokens'>;

/** All that went through the model. */
export const totalTokens = (usage: Counted): number =>
  usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens + usage.output_tokens;

/** Adds up what a session used, by model. */
export class UsageTotals {
  readonly #byModel = new Map<string, Usage>();

  add(usage: Usage): void {
    const before = this.#byModel.get(usage.model);
    this.#byModel.set(usage.model, before === undefined ? sum(NOTHING, usage) : sum(before, usage));
  }

  get byModel(): readonly Usage[] {
    return [...this.#byModel.values()];
  }
}

const NOTHING: Usage = {
  scope: 'run',
  model: '',
  input_tokens: 0,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  output_tokens: 0,
  cost_usd: null,
  cost_from: 'nobody',
};

const sum = (a: Usage, b: Usage): Usage => ({
  scope: 'run',
  model: b.model,
  input_tokens: a.input_tokens + b.input_tokens,
  cache_read_tokens: a.cache_read_tokens + b.cache_read_tokens,
  cache_write_tokens: a.cache_write_tokens + b.cache_write_tokens,
  output_tokens: a.output_tokens + b.output_tokens,
  ...(a.reasoning_tokens === undefined && b.reasoning_tokens === undefined
    ? {}
    : { reasoning_tokens: (a.reasoning_tokens ?? 0) + (b.reasoning_tokens ?? 0) }),
  cost_usd: a.cost_usd === null && b.cost_usd === null ? null : (a.cost_usd ?? 0) + (b.cost_usd ?? 0),
  cost_from: a.cost_from === 'nobody' || a.cost_from === 'later' ? b.cost_from : a.cost_from,
});

/** Owns the form of a price: `prices` in `config/nika.yaml`. */
import { z } from 'zod';

const MAX_USD = 1_000_000;
const usd = z.number().min(0).max(MAX_USD);

const rates = {
  input: usd.describe('Tokens that did not come from a cache.'),
  output: usd.describe('Tokens that the model wrote, with those of reasoning.'),
  cacheRead: usd.optional().describe('Tokens that came from a cache; default: as input.'),
  cacheWrite: usd.optional().describe('Tokens that went into a cache; default: as input.'),
};

const priceSchema = z.strictObject({
  ...rates,
  long: z
    .strictObject({
      above: z.int().min(1).describe('So many tokens that went in, from a cache or not.'),
      ...rates,
    })
    .optional()
    .describe('What all tokens of a request cost that has a longer prompt; of a whole turn or run it is not applied.'),
});

export type Price = z.infer<typeof priceSchema>;

/** By model. */
export type PriceTable = Readonly<Record<string, Price>>;

const MODEL_CHARS = 200;

export const PRICES_NOTE =
  'What models cost, in US dollars per million tokens, by their names: in front of the prices that nika ships. ' +
  'In a name * stands for any text; a name without one goes first, then the longest. ' +
  'A model of a provider (openai/gpt-5) is also found by what follows the slash.';

export const pricesSchema = z
  .record(z.string().min(1).max(MODEL_CHARS), priceSchema)
  .meta({ examples: [{ 'my-model*': { input: 0.5, output: 2, cacheRead: 0.05 } }] });

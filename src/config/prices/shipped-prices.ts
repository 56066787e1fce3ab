/**
 * Owns the prices that nika ships: those of the providers' own APIs, standard tier, as they stood on the day of the
 * table. A subscription, a region, a batch or a fast mode costs something else: `prices` in `config/nika.yaml` goes first.
 */
import type { Price, PriceTable } from './price.ts';

/** The day on which they were looked up. */
export const PRICES_DATE = '2026-11-30';

interface Rates {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
}

/** Writing into a cache (for five minutes; OpenAI since GPT-5.6) costs a quarter more than input. */
const writes = (rates: Rates): Price => ({ ...rates, cacheWrite: rates.input * 1.25 });

/** OpenAI, above 272,000 tokens: twice the input, one and a half of the output. */
const LONG_OPENAI = 272_000;
const openAi = (rates: Rates): Price => {
  const price = writes(rates);
  const { input, output, cacheRead } = rates;
  const long = writes({ input: 2 * input, output: 1.5 * output, cacheRead: 2 * cacheRead });
  return { ...price, long: { above: LONG_OPENAI, ...long } };
};

/** The same without a price of its own for writing into a cache. */
const openAiBefore56 = (rates: Rates): Price => {
  const { cacheWrite: _, long, ...price } = openAi(rates);
  if (long === undefined) return price;
  const { cacheWrite: __, ...longRates } = long;
  return { ...price, long: longRates };
};

/** Gemini Pro, above 200,000 tokens. */
const geminiPro = (rates: Rates): Price => ({
  ...rates,
  long: { above: 200_000, input: 2 * rates.input, output: 1.5 * rates.output, cacheRead: 2 * rates.cacheRead },
});

const ANTHROPIC: PriceTable = {
  'claude-fable-5*': writes({ input: 10, output: 50, cacheRead: 1 }),
  'claude-fable-5-1*': writes({ input: 10, output: 50, cacheRead: 0.25 }),
  'claude-mythos-5*': writes({ input: 10, output: 50, cacheRead: 1 }),
  'claude-mythos-5-1*': writes({ input: 10, output: 50, cacheRead: 0.25 }),
  'claude-opus-5': writes({ input: 5, output: 25, cacheRead: 0.5 }),
  'claude-opus-5-2*': writes({ input: 5, output: 25, cacheRead: 0.5 }), // a dated one
  'claude-opus-5-5*': writes({ input: 4, output: 20, cacheRead: 0.2 }),
  'claude-opus-4-5*': writes({ input: 5, output: 25, cacheRead: 0.5 }),
  'claude-opus-4-6*': writes({ input: 5, output: 25, cacheRead: 0.5 }),
  'claude-opus-4-7*': writes({ input: 5, output: 25, cacheRead: 0.5 }),
  'claude-opus-4-8*': writes({ input: 5, output: 25, cacheRead: 0.5 }),
  'claude-opus-4': writes({ input: 15, output: 75, cacheRead: 1.5 }),
  'claude-opus-4-0*': writes({ input: 15, output: 75, cacheRead: 1.5 }),
  'claude-opus-4-1*': writes({ input: 15, output: 75, cacheRead: 1.5 }),
  'claude-opus-4-2025*': writes({ input: 15, output: 75, cacheRead: 1.5 }),
  'claude-sonnet-5': writes({ input: 2, output: 10, cacheRead: 0.2 }),
  'claude-sonnet-5-2*': writes({ input: 2, output: 10, cacheRead: 0.2 }),
  'claude-sonnet-5-5*': writes({ input: 2, output: 10, cacheRead: 0.1 }),
  'claude-sonnet-4*': writes({ input: 3, output: 15, cacheRead: 0.3 }),
  'claude-3-7-sonnet*': writes({ input: 3, output: 15, cacheRead: 0.3 }),
  'claude-haiku-5-5*': {
    ...writes({ input: 0.1, output: 0.5, cacheRead: 0.01 }),
    long: { above: 100_000, ...writes({ input: 0.5, output: 2.5, cacheRead: 0.05 }) },
  },
  'claude-haiku-4-5*': writes({ input: 1, output: 5, cacheRead: 0.1 }),
  'claude-3-5-haiku*': writes({ input: 0.8, output: 4, cacheRead: 0.08 }),
};

const OPENAI: PriceTable = {
  'gpt-6.2-astra*': openAi({ input: 8, output: 40, cacheRead: 0.4 }),
  'gpt-6.2-sol*': openAi({ input: 2, output: 10, cacheRead: 0.1 }),
  'gpt-6.1-sol*': openAi({ input: 2, output: 10, cacheRead: 0.1 }),
  'gpt-6.1-terra*': openAi({ input: 1, output: 5, cacheRead: 0.05 }),
  'gpt-6-astra*': openAi({ input: 10, output: 50, cacheRead: 1 }),
  'gpt-6-sol*': openAi({ input: 2, output: 10, cacheRead: 0.2 }),
  'gpt-6-luna*': openAi({ input: 0.1, output: 0.5, cacheRead: 0.01 }),
  'gpt-5.6': openAi({ input: 5, output: 30, cacheRead: 0.5 }),
  'gpt-5.6-sol*': openAi({ input: 5, output: 30, cacheRead: 0.5 }),
  'gpt-5.6-terra*': openAi({ input: 2, output: 12, cacheRead: 0.2 }),
  'gpt-5.6-luna*': openAi({ input: 0.2, output: 1.2, cacheRead: 0.02 }),
  'gpt-5.5': openAiBefore56({ input: 5, output: 30, cacheRead: 0.5 }),
  'gpt-5.5-2*': openAiBefore56({ input: 5, output: 30, cacheRead: 0.5 }),
  'gpt-5.4': openAiBefore56({ input: 2.5, output: 15, cacheRead: 0.25 }),
  'gpt-5.4-2*': openAiBefore56({ input: 2.5, output: 15, cacheRead: 0.25 }),
  'gpt-5.4-mini*': { input: 0.75, output: 4.5, cacheRead: 0.075 },
  'gpt-5.4-nano*': { input: 0.2, output: 1.25, cacheRead: 0.02 },
  'gpt-5.3-codex': { input: 1.75, output: 14, cacheRead: 0.175 },
  'gpt-5.2': { input: 1.75, output: 14, cacheRead: 0.175 },
  'gpt-5.2-2*': { input: 1.75, output: 14, cacheRead: 0.175 },
  'gpt-5.2-codex*': { input: 1.75, output: 14, cacheRead: 0.175 },
  'gpt-5.1': { input: 1.25, output: 10, cacheRead: 0.125 },
  'gpt-5.1-2*': { input: 1.25, output: 10, cacheRead: 0.125 },
  'gpt-5.1-codex': { input: 1.25, output: 10, cacheRead: 0.125 },
  'gpt-5.1-codex-max*': { input: 1.25, output: 10, cacheRead: 0.125 },
  'gpt-5.1-codex-mini*': { input: 0.25, output: 2, cacheRead: 0.025 },
  'gpt-5': { input: 1.25, output: 10, cacheRead: 0.125 },
  'gpt-5-2*': { input: 1.25, output: 10, cacheRead: 0.125 },
  'gpt-5-codex': { input: 1.25, output: 10, cacheRead: 0.125 },
  'gpt-5-mini*': { input: 0.25, output: 2, cacheRead: 0.025 },
  'gpt-5-nano*': { input: 0.05, output: 0.4, cacheRead: 0.005 },
};

const GOOGLE: PriceTable = {
  'gemini-3.8-flash*': { input: 0.75, output: 3.75, cacheRead: 0.075 }, // from 2027 on 1.50, 7.50, 0.15
  'gemini-3.6-flash*': { input: 1.5, output: 7.5, cacheRead: 0.15 },
  'gemini-3.5-flash': { input: 1.5, output: 9, cacheRead: 0.15 },
  'gemini-3.5-flash-lite*': { input: 0.3, output: 2.5, cacheRead: 0.03 },
  'gemini-3.1-pro*': geminiPro({ input: 2, output: 12, cacheRead: 0.2 }),
  'gemini-3.1-flash-lite*': { input: 0.25, output: 1.5, cacheRead: 0.025 },
  'gemini-3-pro*': geminiPro({ input: 2, output: 12, cacheRead: 0.2 }),
  'gemini-3-flash*': { input: 0.5, output: 3, cacheRead: 0.05 },
  'gemini-2.5-pro*': geminiPro({ input: 1.25, output: 10, cacheRead: 0.125 }),
  'gemini-2.5-flash': { input: 0.3, output: 2.5, cacheRead: 0.03 },
  'gemini-2.5-flash-lite*': { input: 0.1, output: 0.4, cacheRead: 0.01 },
};

export const SHIPPED_PRICES: PriceTable = { ...ANTHROPIC, ...OPENAI, ...GOOGLE };

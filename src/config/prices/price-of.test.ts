import { describe, expect, it } from 'vitest';
import type { Usage } from '../../model/usage.ts';
import { createPriceOf } from './price-of.ts';
import type { PriceTable } from './price.ts';

const used = (model: string, more: Partial<Usage> = {}): Usage => ({
  scope: 'call',
  model,
  input_tokens: 0,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  output_tokens: 0,
  cost_usd: null,
  cost_from: 'nobody',
  ...more,
});

/** Dollars for a million tokens that went in. */
const inputPrice = (model: string, own: PriceTable = {}): number | undefined =>
  createPriceOf(own)(used(model, { scope: 'run', input_tokens: 1_000_000 }));

describe('the price table', () => {
  it('prices each kind of tokens of its own', () => {
    const priceOf = createPriceOf({ m: { input: 1, output: 10, cacheRead: 0.1, cacheWrite: 2 } });
    const usage = used('m', {
      input_tokens: 1_000,
      cache_read_tokens: 10_000,
      cache_write_tokens: 100,
      output_tokens: 500,
    });
    expect(priceOf(usage)).toBeCloseTo((1_000 + 10_000 * 0.1 + 100 * 2 + 500 * 10) / 1e6, 12);
  });

  it('prices tokens of a cache as those that went in, where it says nothing else', () => {
    const priceOf = createPriceOf({ m: { input: 3, output: 10 } });
    expect(priceOf(used('m', { cache_read_tokens: 500_000, cache_write_tokens: 500_000 }))).toBe(3);
  });

  it('knows no price of a model that is not there: it is not zero', () => {
    expect(inputPrice('some-model-of-somebody')).toBeUndefined();
    expect(inputPrice('')).toBeUndefined();
    expect(inputPrice('gpt-5.9-nobody-knows')).toBeUndefined();
  });

  it.each([
    ['claude-sonnet-4-5-20250929', 3],
    ['claude-sonnet-5', 2],
    ['claude-opus-4-1-20250805', 15],
    ['claude-opus-4-8', 5],
    ['claude-opus-5-5', 4],
    ['claude-haiku-4-5', 1],
    ['gpt-6-sol', 2],
    ['gpt-6.1-terra', 1],
    ['gpt-5.6', 5],
    ['gpt-5.1-codex-max', 1.25],
    ['gemini-2.5-pro', 1.25],
    ['gemini-2.5-flash-lite', 0.1],
    ['gemini-3-pro-preview', 2],
  ])('knows %s', (model, usd) => {
    expect(inputPrice(model)).toBe(usd);
  });

  it.each([
    ['openai/gpt-5', 1.25],
    ['anthropic/claude-opus-4.5', 5],
    ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 3],
    ['claude-sonnet-4-5@20250929', 3],
    ['models/gemini-2.5-pro', 1.25],
    ['claude-sonnet-4-6[1m]', 3],
    ['GPT-6-Sol', 2],
  ])('knows %s by another name', (model, usd) => {
    expect(inputPrice(model)).toBe(usd);
  });

  it("has the user's prices in front of the shipped ones, exact names first, then the longest pattern", () => {
    const own = {
      'gpt-*': { input: 7, output: 7 },
      'gpt-6-*': { input: 8, output: 8 },
      'gpt-6-sol': { input: 9, output: 9 },
    };
    expect(['gpt-5', 'gpt-6-luna', 'gpt-6-sol', 'claude-sonnet-5'].map((model) => inputPrice(model, own))).toEqual([
      7, 8, 9, 2,
    ]);
  });

  it('has a price for long prompts where one request is told, not where a whole run is', () => {
    const priceOf = createPriceOf({ m: { input: 1, output: 1, long: { above: 100, input: 5, output: 6 } } });
    const tokens = { input_tokens: 60, cache_read_tokens: 41, output_tokens: 1_000_000 };
    expect(priceOf(used('m', tokens))).toBeCloseTo((101 * 5) / 1e6 + 6, 12);
    expect(priceOf(used('m', { ...tokens, cache_read_tokens: 40 }))).toBeCloseTo(100 / 1e6 + 1, 12);
    expect(priceOf(used('m', { ...tokens, scope: 'run' }))).toBeCloseTo(101 / 1e6 + 1, 12);
  });
});

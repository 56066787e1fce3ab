import { describe, expect, it } from 'vitest';
import { type PriceOf, settledBy, Spending } from './spending.ts';
import type { Usage } from './usage.ts';

/** A dollar a token; of the model `free` nobody knows. */
const priceOf: PriceOf = ({ model, input_tokens: tokens }) => (model === 'free' ? undefined : tokens);

const used = (more: Partial<Usage> = {}): Usage => ({
  scope: 'call',
  model: 'm',
  input_tokens: 10,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  output_tokens: 0,
  cost_usd: null,
  cost_from: 'nobody',
  ...more,
});

const ofRun = (usd: number, more: Partial<Usage> = {}): Usage =>
  used({ scope: 'run', input_tokens: 0, cost_usd: usd, cost_from: 'agent', ...more });

const spend = (...lines: readonly (readonly [session: string, usage: Usage])[]): Spending => {
  const spending = new Spending(priceOf);
  for (const [session, usage] of lines) {
    const settled = settledBy(usage);
    if (settled !== undefined) spending.settle(session, settled);
    spending.add(session, usage);
  }
  return spending;
};

describe('what was spent', () => {
  it('is what agents told, and what the table says of the rest, told apart', () => {
    const { spent } = spend(['a', used({ cost_usd: 1, cost_from: 'agent' })], ['a', used()]);
    expect(spent).toEqual({ tokens: 20, costUsd: 11, estimatedUsd: 10, unpricedTokens: 0 });
  });

  it('is never zero for tokens without a price: they are counted', () => {
    const { spent } = spend(['a', used({ model: 'free' })], ['a', used({ model: 'free', cost_from: 'later' })]);
    expect(spent).toEqual({ tokens: 20, costUsd: 0, estimatedUsd: 0, unpricedTokens: 20 });
  });

  it('counts once what an agent tells at the end of its run', () => {
    const later = used({ cost_from: 'later' });
    const before = spend(['a', later], ['a', later], ['b', later]);
    expect(before.spent).toMatchObject({ costUsd: 30, estimatedUsd: 30 });
    const after = spend(['a', later], ['a', later], ['b', later], ['a', ofRun(3)]);
    expect(after.spent).toEqual({ tokens: 30, costUsd: 13, estimatedUsd: 10, unpricedTokens: 0 });
  });

  it('counts a further run of the same session anew', () => {
    const later = used({ cost_from: 'later' });
    const { spent } = spend(['a', later], ['a', ofRun(3)], ['a', later]);
    expect(spent).toMatchObject({ costUsd: 13, estimatedUsd: 10 });
  });

  it('takes the price table for the model alone that a line of it names', () => {
    const lines = ['m', 'n'].map((model) => ['a', used({ model, cost_from: 'later' })] as const);
    const { spent } = spend(...lines, ['a', ofRun(4, { cost_from: 'prices' })]);
    expect(spent).toMatchObject({ costUsd: 14, estimatedUsd: 10 });
  });

  it('does not take what a program said nobody knows for told by its agent', () => {
    const { spent } = spend(['a', used()], ['a', ofRun(3)]);
    expect(spent).toMatchObject({ costUsd: 13, estimatedUsd: 10 });
  });

  it('keeps the estimate of a session that ended without a word', () => {
    const spending = spend(['a', used({ cost_from: 'later' })], ['a', used({ model: 'free', cost_from: 'later' })]);
    spending.close('a');
    spending.settle('a', {});
    expect(spending.spent).toEqual({ tokens: 20, costUsd: 10, estimatedUsd: 10, unpricedTokens: 10 });
  });

  it('goes on from its state as JSON', () => {
    const before = spend(['a', used({ cost_from: 'later' })], ['b', used({ cost_usd: 2, cost_from: 'agent' })]);
    const after = new Spending(priceOf, JSON.parse(JSON.stringify(before.state)));
    expect(after.spent).toEqual(before.spent);
    after.settle('a', {});
    expect(after.spent).toMatchObject({ costUsd: 2, estimatedUsd: 0 });
  });
});

import { describe, expect, it } from 'vitest';
import { isNear, isOver, isUsedUp, limitsOf } from './scope.ts';
import { countText, nearText, usdText, usedUpText } from './words.ts';

describe('money and tokens', () => {
  it.each([
    [0, '$0.00'],
    [0.004249, '$0.0042'],
    [0.00996, '$0.01'],
    [1.005, '$1.01'],
    [1234.5, '$1,234.50'],
  ])('%d dollars are %s', (usd, text) => {
    expect(usdText(usd)).toBe(text);
  });

  it.each([
    [0, '0'],
    [999, '999'],
    [999.6, '1.0k'],
    [12_345, '12.3k'],
    [123_456, '123k'],
    [1_200_000, '1.2M'],
    [3e9, '3.0G'],
  ])('%d tokens are %s', (count, text) => {
    expect(countText(count)).toBe(text);
  });
});

describe('a budget', () => {
  const use = { tokens: 900, costUsd: 4.1, estimatedUsd: 0, unpricedTokens: 0, toolCalls: 5, wallMs: 7_200_000 };
  const limits = { costUsd: 5, tokens: 900, toolCalls: 5, wallMs: 36_000_000 };

  it('is near from 80 % on, used up at 100 %, and over; the last tool call that is allowed is not over', () => {
    const all = limitsOf({ kind: 'job', of: 'JOB-x', limits }, use);
    expect(all.map(({ limit }) => limit)).toEqual(['cost_usd', 'tokens', 'tool_calls', 'wall']);
    expect(all.map(isNear)).toEqual([true, true, true, false]);
    expect(all.map(isUsedUp)).toEqual([false, true, true, false]);
    expect(all.map(isOver)).toEqual([false, true, false, false]);
  });

  it('is told in a sentence', () => {
    const [cost, tokens] = limitsOf({ kind: 'job', of: 'JOB-x', limits }, use);
    if (cost === undefined || tokens === undefined) throw new Error('there are two');
    expect(nearText(cost)).toBe('$4.10 of $5.00 of JOB-x is used (82 %)');
    expect(nearText({ ...cost, isAbout: true })).toBe('about $4.10 of $5.00 of JOB-x is used (82 %)');
    expect(nearText(tokens)).toBe('900 of 900 tokens of JOB-x are used (100 %)');
    expect(usedUpText({ ...tokens, scope: 'day', of: '2026-11-20' })).toBe(
      'the budget of the day 2026-11-20 (UTC) is used up: 900 of 900 tokens',
    );
  });
});

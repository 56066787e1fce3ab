import { describe, expect, it } from 'vitest';
import type { Usage } from '../../model/usage.ts';
import { SessionUsage } from './session-usage.ts';

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

const open = (): SessionUsage =>
  new SessionUsage(({ model, input_tokens: n }) => (model === 'free' ? undefined : n / 100));

describe('what a session uses', () => {
  it('is priced where the agent never tells a cost', () => {
    for (const agent of ['codex', 'gemini', 'cursor', undefined])
      expect(open().take(used(), agent)).toMatchObject({ cost_usd: 0.1, cost_from: 'prices' });
  });

  it('stays as the agent told it', () => {
    const told = used({ cost_usd: 0.5, cost_from: 'agent' });
    expect(open().take(told, 'opencode')).toEqual(told);
  });

  it('is an estimate until Claude Code tells at its end, and does not count twice', () => {
    const usage = open();
    expect(usage.take(used(), 'claude-code')).toMatchObject({ cost_usd: null, cost_from: 'later' });
    expect(usage.spent).toMatchObject({ tokens: 10, costUsd: 0.1, estimatedUsd: 0.1 });
    usage.take(used({ scope: 'run', input_tokens: 0, cost_usd: 0.3, cost_from: 'agent' }), 'claude-code');
    expect(usage.spent).toEqual({ tokens: 10, costUsd: 0.3, estimatedUsd: 0, unpricedTokens: 0 });
    expect(usage.settle()).toEqual([]);
  });

  it('is settled by the table where Claude Code was stopped before it told', () => {
    const usage = open();
    usage.take(used(), 'claude-code');
    usage.take(used({ model: 'free' }), 'claude-code');
    const lines = usage.settle();
    expect(lines).toEqual([
      {
        scope: 'run',
        model: 'm',
        input_tokens: 0,
        cache_read_tokens: 0,
        cache_write_tokens: 0,
        output_tokens: 0,
        cost_usd: 0.1,
        cost_from: 'prices',
      },
    ]);
    for (const line of lines) usage.take(line, 'claude-code');
    expect(usage.spent).toEqual({ tokens: 20, costUsd: 0.1, estimatedUsd: 0, unpricedTokens: 10 });
    expect(usage.byModel).toMatchObject([
      { model: 'm', cost_usd: 0.1 },
      { model: 'free', cost_usd: null },
    ]);
  });

  it('is priced at once where a program inside of Claude Code tells it', () => {
    expect(open().take(used({ source: 'reported' }), 'claude-code')).toMatchObject({ cost_from: 'prices' });
  });

  it('says once of each model that it has no price', () => {
    const usage = open();
    const asked = ['free', 'free', 'm'].map((model) => usage.isNewlyUnpriced(usage.take(used({ model }), 'codex')));
    expect(asked).toEqual([true, false, false]);
  });
});

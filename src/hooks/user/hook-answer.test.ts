import { describe, expect, it } from 'vitest';
import { answerOf } from './hook-answer.ts';

const specific = (fields: object) => ({ hookSpecificOutput: { hookEventName: 'PreToolUse', ...fields } });

describe('what a hook answers', () => {
  it.each([
    [undefined, { kind: 'allow' }],
    [null, { kind: 'allow' }],
    [{}, { kind: 'allow' }],
    [{ input: { a: 1 } }, { kind: 'allow', input: { a: 1 } }],
    [{ input: null }, { kind: 'allow', input: null }],
    [{ deny: 'no' }, { kind: 'deny', reason: 'no' }],
    [{ deny: true }, { kind: 'deny', reason: 'no reason given' }],
    [
      { ask: 'sure?', input: 1 },
      { kind: 'ask', reason: 'sure?', input: 1 },
    ],
    [specific({ permissionDecision: 'allow', updatedInput: { a: 2 } }), { kind: 'allow', input: { a: 2 } }],
    [specific({ permissionDecision: 'deny', permissionDecisionReason: 'r' }), { kind: 'deny', reason: 'r' }],
    [specific({ permissionDecision: 'ask', permissionDecisionReason: 'r' }), { kind: 'ask', reason: 'r' }],
    [specific({ permissionDecision: 'defer' }), { kind: 'allow' }],
    [specific({ additionalContext: 'x' }), { kind: 'allow' }],
    [
      { decision: 'block', reason: 'r' },
      { kind: 'deny', reason: 'r' },
    ],
    [{ decision: 'approve' }, { kind: 'allow' }],
    [
      { continue: false, stopReason: 'r' },
      { kind: 'deny', reason: 'r' },
    ],
    [{ systemMessage: 'hello' }, { kind: 'allow' }],
  ])('%j', (answer, verdict) => {
    expect(answerOf(answer)).toEqual(verdict);
  });

  it('is a failure where it cannot be understood: a misspelt deny is no allow', () => {
    for (const answer of [
      { denied: 'x' },
      'deny',
      false,
      ['deny'],
      { decision: 'no' },
      { hookSpecificOutput: 'deny' },
    ]) {
      expect(answerOf(answer)).toMatchObject({ kind: 'failed' });
    }
  });
});

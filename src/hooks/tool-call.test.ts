import { describe, expect, it } from 'vitest';
import { type HookPipeline, type HookVerdict, NO_HOOKS } from './hook-pipeline.ts';
import { type CallGuard, type CallResult, runToolCall } from './tool-call.ts';

const CALL = { session_id: 's', cwd: '/', tool_name: 'shell', tool_input: { command: 'ls' }, tool_use_id: 'u' };

/** One call with what the pipeline says, and what a person says; what was told, in order. */
const callWith = async (verdict: HookVerdict | undefined, more: Partial<CallGuard> & { isLater?: boolean } = {}) => {
  const story: unknown[] = [];
  const pipeline: HookPipeline = {
    ...NO_HOOKS,
    before: () => (more.isLater === true ? Promise.resolve(verdict ?? { kind: 'allow' }) : verdict),
    after: (event) => {
      story.push(`after ${event.hook_event_name}`);
      return undefined;
    },
  };
  const guard: CallGuard = {
    pipeline,
    ask: () => Promise.reject(new Error('there is no terminal')),
    signal: new AbortController().signal,
    interruption: () => 'Interrupted',
    ...more,
  };
  const hooks = {
    pre: () => story.push('pre'),
    post: (event: object, told?: HookVerdict) => story.push(event, told?.kind),
  };
  const run = (input: unknown): Promise<CallResult> => {
    story.push({ run: input });
    return Promise.resolve({ ok: true, response: 'done' });
  };
  const result = await runToolCall(CALL, hooks, run, guard);
  return { story, result };
};

describe('a tool call through its hooks', () => {
  it('is told, made, recorded, and told to the hooks of users, in that order', async () => {
    for (const isLater of [false, true]) {
      const { story, result } = await callWith(undefined, { isLater });
      expect(result).toEqual({ ok: true, response: 'done' });
      expect(story).toEqual([
        'pre',
        { run: { command: 'ls' } },
        expect.objectContaining({ hook_event_name: 'PostToolUse', tool_input: { command: 'ls' } }),
        isLater ? 'allow' : undefined,
        'after PostToolUse',
      ]);
    }
  });

  it('is made and recorded with the input that a hook left', async () => {
    const { story } = await callWith({ kind: 'allow', input: { command: 'ls -a' }, changedBy: 'h' });
    expect(story).toContainEqual({ run: { command: 'ls -a' } });
    expect(story).toContainEqual(expect.objectContaining({ tool_input: { command: 'ls -a' }, tool_response: 'done' }));
  });

  it('is not made when denied, and told as one failure', async () => {
    const { story, result } = await callWith({ kind: 'deny', by: 'friday', reason: 'not today' });
    const error = 'denied by friday: not today';
    expect(result).toEqual({ ok: false, error });
    expect(story).toEqual([
      'pre',
      expect.objectContaining({ hook_event_name: 'PostToolUseFailure', error, is_interrupt: false, duration_ms: 0 }),
      'deny',
      'after PostToolUseFailure',
    ]);
  });

  it('is made or not as a person says, who sees the input it would be made with', async () => {
    const verdict: HookVerdict = { kind: 'ask', by: 'policy', reason: 'sure?', input: 7, changedBy: 'h' };
    const seen: unknown[] = [];
    const answer =
      (allow: boolean, reason?: string): CallGuard['ask'] =>
      (event) => {
        seen.push(event.tool_input);
        return Promise.resolve(reason === undefined ? { allow } : { allow, reason });
      };
    expect((await callWith(verdict, { ask: answer(true) })).result).toEqual({ ok: true, response: 'done' });
    expect((await callWith(verdict, { ask: answer(false) })).result).toEqual({
      ok: false,
      error: 'denied by policy: sure?',
    });
    expect((await callWith(verdict, { ask: answer(false, 'never') })).result).toMatchObject({
      error: 'denied by policy: never',
    });
    expect(seen).toEqual([7, 7, 7]);
    expect((await callWith(verdict)).result).toEqual({
      ok: false,
      error: 'denied by policy: nobody could be asked (there is no terminal): sure?',
    });
  });

  it('is interrupted, not denied, where the pod is stopped while hooks or a person are asked', async () => {
    const controller = new AbortController();
    const ask: CallGuard['ask'] = () => {
      controller.abort();
      return Promise.resolve({ allow: true });
    };
    const verdict: HookVerdict = { kind: 'ask', by: 'p', reason: 'r' };
    const { story, result } = await callWith(verdict, { ask, signal: controller.signal });
    expect(result).toEqual({ ok: false, error: 'Interrupted', isInterrupt: true });
    expect(story).toContainEqual(expect.objectContaining({ is_interrupt: true }));
    const again = await callWith({ kind: 'deny', by: 'p', reason: 'r' }, { signal: controller.signal });
    expect(again.result).toMatchObject({ isInterrupt: true });
  });

  it('H1, H2: what it throws is a failure, and what a hook throws changes nothing', async () => {
    const told: unknown[] = [];
    const hooks = {
      pre: () => {
        throw new Error('pre');
      },
      post: (event: object) => {
        told.push(event);
        throw new Error('post');
      },
    };
    const result = await runToolCall<CallResult>(CALL, hooks, () => Promise.reject(new Error('broken')));
    expect(result).toEqual({ ok: false, error: 'broken' });
    expect(told).toEqual([expect.objectContaining({ hook_event_name: 'PostToolUseFailure', error: 'broken' })]);
  });
});

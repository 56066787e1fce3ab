import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { atDesk, callsOf } from '../../../test/fixtures/desked-pod.ts';
import { TestHome } from '../../../test/nika.ts';
import type { AgentExit, AgentWish } from '../adapter.ts';
import type { Fields } from '../read-fields.ts';
import { ClaudeReader } from './claude-reader.ts';

const WISH: AgentWish = {
  prompt: 'do the thing',
  model: undefined,
  permission: 'full',
  args: [],
  maxTurns: undefined,
  resume: undefined,
  cwd: '/',
  env: {},
};
/** It tells its cost itself, at the end. */
const OF_CLAUDE = { agent: 'claude-code' };
const AT_SCREEN: AgentWish = { ...WISH, prompt: undefined };
const ENDED: AgentExit = { code: 0, signal: null, stderr: '' };

/** Payloads that the real CLI (2.1.197) sent, texts cut. */
const captured = (name: string): readonly Fields[] =>
  readFileSync(join(import.meta.dirname, `../../../test/fixtures/agents/${name}.jsonl`), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Fields);

const eventOf = (payload: Fields): string => String(payload['hook_event_name']);

describe('ClaudeReader', () => {
  let home: TestHome;
  beforeEach(() => {
    home = new TestHome();
  });
  afterEach(() => home[Symbol.dispose]());

  const told = (payloads: readonly Fields[], stream: readonly Fields[] = [], wish = WISH) =>
    atDesk(
      home,
      async ({ desk }) => {
        const reader = new ClaudeReader(desk, wish);
        for (const payload of payloads) await reader.hook(eventOf(payload), payload);
        for (const line of stream) reader.line(JSON.stringify(line));
        await reader.end(ENDED);
      },
      OF_CLAUDE,
    );

  it('knows of every call from the hooks alone: unknown tools, wrong inputs, time-outs, the background', async () => {
    expect(callsOf(await told(captured('claude-odd'), [], AT_SCREEN))).toEqual([
      'NopeTool toolu_main_0000 hook failed: Error: No such tool available: NopeTool',
      'Bash toolu_main_0001 hook failed: InputValidationError: Bash failed due to the following issues:',
      'Bash toolu_main_0002 hook ok',
      'Bash toolu_main_0003 hook 143 failed: Exit code 143',
      'Bash toolu_main_0004 hook ok',
      'WebFetch toolu_main_0005 hook failed: Unable to verify if domain 127.0.0.1 is safe to fetch. This may be due to network restrictions or enterprise security policies blocking claude.ai.',
    ]);
  });

  it('knows of calls that were not allowed, and of parallel ones', async () => {
    expect(callsOf(await told(captured('claude-perm'), [], AT_SCREEN))).toEqual([
      'Bash toolu_main_0000 hook ok',
      'Bash toolu_main_0001 hook failed: This Bash command contains multiple operations. The following part requires approval: exit 3',
      'Write toolu_main_0002 hook failed: File has not been read yet. Read it first before writing to it.',
      'Read toolu_main_0003 hook failed: File does not exist. Note: your current working directory is /home/user/claude/ws.',
      'Read toolu_main_0005 hook ok',
      'Bash toolu_main_0004 hook ok',
    ]);
  });

  it('pairs hooks and stream by the id: each call once, with turn, subagent, tokens and cost', async () => {
    const lines = await told(captured('claude-hooks-subagent'), captured('claude-stream-json-subagent'));
    expect(callsOf(lines)).toEqual([
      'SUB Bash toolu_SUBL_0000 hook ok',
      'SUB Bash toolu_SUBL_0001 hook 9 failed: Exit code 9',
      'Agent toolu_main_0000 hook ok',
      'Bash toolu_main_0001 hook ok',
    ]);
    const calls = lines.filter(({ type }) => type === 'tool_call');
    expect(calls[0]?.data).toMatchObject({ duration_ms: 287, turn: '0b8b285f-fa22-4fef-95b2-daaba10b0143' });
    expect(lines.find(({ type }) => type === 'agent_turn')?.data).toMatchObject({
      prompt: 'do the thing',
      answer: 'All done.',
      outcome: 'completed',
    });
    const summary = lines.find(({ type }) => type === 'session_end_summary');
    expect(summary?.data['usage']).toMatchObject([{ input_tokens: 600, output_tokens: 120, cost_usd: 0.0036 }]);
    expect(lines.filter(({ type }) => type === 'subagent_completed')).toHaveLength(1);
  });

  it('records from the stream where hooks are off, and says that they are (G9)', async () => {
    const stream = captured('claude-stream-json-subagent');
    await atDesk(home, async ({ desk, context }) => {
      const reader = new ClaudeReader(desk, WISH);
      for (const line of stream) reader.line(JSON.stringify(line));
      expect(context.session.degraded).toMatchObject([{ service: 'hooks', why: expect.stringContaining('no hooks') }]);
      expect(await reader.end(ENDED)).toEqual({ ok: true, message: 'All done.' });
    }).then((lines) =>
      expect(callsOf(lines)).toEqual([
        'SUB Bash toolu_SUBL_0000 stream ok',
        'SUB Bash toolu_SUBL_0001 stream 9 failed: Exit code 9',
        'Agent toolu_main_0000 stream ok',
        'Bash toolu_main_0001 stream ok',
      ]),
    );
  });

  it('answers in the words of Claude Code: a denial, a message with the next call, one at the end of the turn', async () => {
    const base = { session_id: 's', cwd: '/', tool_name: 'Bash', tool_input: { command: 'rm x' }, tool_use_id: 't1' };
    await atDesk(
      home,
      async ({ desk, context }) => {
        const reader = new ClaudeReader(desk, WISH);
        const denied = JSON.parse(await reader.hook('PreToolUse', base)) as Fields;
        expect(denied).toMatchObject({
          hookSpecificOutput: { hookEventName: 'PreToolUse', permissionDecision: 'deny' },
        });
        const fine = { ...base, tool_use_id: 't2', tool_input: { command: 'ls' } };
        expect(await reader.hook('PreToolUse', fine)).toBe('');
        context.host.receive('go left', undefined);
        expect(JSON.parse(await reader.hook('PostToolUse', { ...fine, tool_response: {} }))).toEqual({
          hookSpecificOutput: { hookEventName: 'PostToolUse', additionalContext: 'go left' },
        });
        expect(await reader.hook('Stop', { session_id: 's' })).toBe('');
        context.host.receive('and right', undefined);
        expect(JSON.parse(await reader.hook('Stop', { session_id: 's' }))).toEqual({
          decision: 'block',
          reason: 'and right',
        });
      },
      { policy: { deny: ['Bash: rm *'], ask: [], allow: [] } },
    );
  });

  it('says what it waits for, from hooks and stream, and that it goes on', async () => {
    const lines = await atDesk(home, async ({ desk, context }) => {
      const reader = new ClaudeReader(desk, AT_SCREEN);
      const status = () => `${context.control.status} ${context.control.waits.join()}`;
      const hook = (event: string, more: Fields = {}) => reader.hook(event, { session_id: 's', ...more });
      await hook('Notification', { notification_type: 'permission_prompt', message: 'Claude needs your permission' });
      expect(status()).toBe('waiting permission');
      await hook('PostToolUse', { tool_use_id: 'a', tool_name: 'Bash', tool_response: {} });
      expect(status()).toBe('running ');
      await hook('PreToolUse', {
        tool_use_id: 'q',
        tool_name: 'AskUserQuestion',
        tool_input: { questions: [{ question: 'left?' }] },
      });
      expect([status(), context.control.why]).toEqual(['waiting question', 'left?']);
      await hook('PreCompact');
      await hook('PostCompact');
      await hook('StopFailure', { error: 'rate_limit', error_details: '429' });
      await hook('UserPromptSubmit', { prompt: 'again' });
      reader.line(
        JSON.stringify({ type: 'system', subtype: 'api_retry', error_status: 529, attempt: 1, error: 'overloaded' }),
      );
      expect(status()).toBe('waiting rate_limit');
      await hook('Stop');
      expect(status()).toBe('waiting idle');
    });
    const waits = lines.filter(({ data }) => data['condition'] === 'pod_waiting').map(({ data }) => data['reason']);
    expect(waits).toEqual(['permission', 'question', 'compacting', 'rate_limit', 'rate_limit', 'idle']);
  });

  it('takes whatever comes without throwing', async () => {
    const odd: readonly Fields[] = [
      {},
      { tool_use_id: 7, tool_name: [], tool_input: null },
      { tool_calls: 'none' },
      { tool_calls: [null, 1, {}] },
      { agent_id: {}, session_id: {} },
    ];
    const events = ['PreToolUse', 'PostToolUse', 'PostToolBatch', 'SubagentStop', 'Notification', 'Stop', 'New'];
    await atDesk(home, async ({ desk }) => {
      const reader = new ClaudeReader(desk, WISH);
      for (const event of events) for (const payload of odd) await reader.hook(event, payload);
      for (const line of ['', 'no json', '[]', '{"type":"assistant"}', '{"type":"user","message":{"content":[{}]}}'])
        reader.line(line);
      const { ok, error } = await reader.end({ code: 1, signal: null, stderr: 'boom\n' });
      expect([ok, error]).toEqual([false, 'claude ended without a result (exit code 1)\nboom']);
    });
  });
});

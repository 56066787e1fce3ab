import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { atDesk } from '../../../test/fixtures/desked-pod.ts';
import { TestHome } from '../../../test/nika.ts';
import { ExecStream } from './exec-stream.ts';

describe('ExecStream', () => {
  let home: TestHome;
  beforeEach(() => {
    home = new TestHome();
  });
  afterEach(() => home[Symbol.dispose]());

  const play = async (...printed: readonly unknown[]) => {
    const threads: string[] = [];
    let stream: ExecStream | undefined;
    const lines = await atDesk(home, async ({ desk }) => {
      stream = new ExecStream(desk, (thread) => threads.push(thread));
      for (const line of printed) stream.take(typeof line === 'string' ? line : JSON.stringify(line));
      await Promise.resolve();
    });
    const conditions = lines.filter(({ type }) => type === 'condition');
    return {
      stream,
      threads,
      conditions: conditions.map(({ data }) => `${String(data['condition'])} ${String(data['reason'])}`),
    };
  };

  it('knows the thread, the last message, the tokens and how it ended', async () => {
    const usage = { input_tokens: 500, cached_input_tokens: 50, output_tokens: 100, reasoning_output_tokens: 25 };
    const { stream, threads } = await play(
      { type: 'thread.started', thread_id: 'a' },
      { type: 'item.completed', item: { id: 'item_0', type: 'agent_message', text: 'first' } },
      { type: 'item.completed', item: { id: 'item_1', type: 'agent_message', text: 'last' } },
      { type: 'turn.completed', usage },
    );
    expect([threads, stream?.message, stream?.takeResult()]).toEqual([['a'], 'last', { ok: true, error: '' }]);
    expect(stream?.tokens).toMatchObject({ input_tokens: 450, cache_read_tokens: 50, output_tokens: 100 });
  });

  it('says that it is rate-limited, or that the model failed, until it goes on', async () => {
    const told = await play(
      { type: 'error', message: 'Reconnecting... 1/2 (exceeded retry limit, last status: 429 Too Many Requests)' },
      { type: 'item.completed', item: { id: 'item_0', type: 'error', message: 'a setting is not known' } },
      { type: 'item.started', item: { id: 'item_1', type: 'command_execution' } },
      { type: 'error', message: 'Reconnecting... 1/2 (stream disconnected before completion)' },
      { type: 'turn.failed', error: { message: 'stream disconnected before completion' } },
    );
    expect(told.conditions).toEqual([
      'pod_waiting rate_limit',
      'pod_back rate_limit',
      'pod_waiting api_error',
      'pod_back api_error',
    ]);
    expect(told.stream?.takeResult()).toEqual({ ok: false, error: 'stream disconnected before completion' });
  });

  it('has calls of each kind with what they came to, and hands them out once', async () => {
    const item = (fields: Readonly<Record<string, unknown>>) => ({ type: 'item.completed', item: fields });
    const { stream } = await play(
      { type: 'thread.started', thread_id: 't' },
      item({ id: 'item_0', type: 'command_execution', command: 'false', aggregated_output: 'no\n', exit_code: 1 }),
      item({ id: 'item_1', type: 'file_change', changes: [], status: 'failed' }),
      item({
        id: 'item_2',
        type: 'mcp_tool_call',
        server: 's',
        tool: 'x',
        arguments: {},
        error: { message: 'off' },
        status: 'failed',
      }),
      item({ id: 'item_3', type: 'web_search', query: 'nika' }),
      item({ id: 'item_4', type: 'todo_list', items: [] }),
    );
    const calls = stream?.takeCalls() ?? [];
    expect(calls.map(({ call, end }) => `${call.id} ${call.tool} ${end.ok ? 'ok' : end.error}`)).toEqual([
      't:item_0 Bash Exit code 1\nno',
      't:item_1 apply_patch the patch was not applied',
      't:item_2 mcp__s__x off',
      't:item_3 web_search ok',
    ]);
    expect(stream?.takeCalls()).toEqual([]);
  });

  it('counts what is no JSON object (G3)', async () => {
    const { stream } = await play('Reading additional input', '[1]', '{"type":"else"}');
    expect(stream?.unreadableCount).toBe(2);
  });
});

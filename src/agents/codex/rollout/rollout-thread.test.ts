import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { atDesk, callsOf } from '../../../../test/fixtures/desked-pod.ts';
import { TestHome } from '../../../../test/nika.ts';
import { RolloutThread } from './rollout-thread.ts';

/** Both were made within a second; the turns before and after that. */
const THREAD = '01a22a05-0418-73e3-8652-0568fcc8a58e';
const PARENT = '01a22a05-0410-7000-8000-000000000000';
const OLD_TURN = '01a22a05-0414-7000-8000-000000000000';
const TURN = '01a22a05-0426-79f2-b2e8-5d81e19a0d0b';
const AT = '2026-11-30T01:15:02.000Z';

const meta = (id: string) => ({ type: 'session_meta', payload: { id, cli_version: '0.169.0' } });
const told = (type: string, payload: Readonly<Record<string, unknown>>, turn = TURN) => ({
  type,
  payload: { ...payload, turn_id: turn },
});
const called = (id: string, turn = TURN) =>
  told('response_item', { type: 'function_call', name: 'get_goal', arguments: '{}', call_id: id }, turn);
const answered = (id: string, output: unknown, turn = TURN) =>
  told('response_item', { type: 'function_call_output', call_id: id, output }, turn);
const used = (thread: string, tokens: number) =>
  told('token_usage_record', { thread_id: thread, usage: { input_tokens: tokens, cached_input_tokens: 10 } });
const counted = (last: number, total: number) =>
  told('event_msg', {
    type: 'token_count',
    info: { last_token_usage: { input_tokens: last }, total_token_usage: { total_tokens: total } },
  });
const item = (fields: Readonly<Record<string, unknown>>, thread = THREAD) =>
  told('event_msg', { type: 'item_completed', thread_id: thread, item: fields });

describe('RolloutThread', () => {
  let home: TestHome;
  let unhooked: string[] = [];
  beforeEach(() => {
    home = new TestHome();
    unhooked = [];
  });
  afterEach(() => home[Symbol.dispose]());

  const read = (lines: readonly object[], sinceMs = 0, hooked: readonly string[] = []) =>
    atDesk(home, async ({ desk }) => {
      const thread = new RolloutThread({
        desk,
        sub: undefined,
        sinceMs,
        isLive: () => false,
        begunAtMs: () => undefined,
        told: {
          session: () => undefined,
          model: () => undefined,
          prompt: () => undefined,
          turnOver: () => undefined,
          subagents: () => undefined,
          unhooked: (tool) => unhooked.push(tool),
        },
      });
      for (const id of hooked) {
        const call = { id, tool: 'view_image', input: {}, source: 'hook' } as const;
        await desk.begin(call);
        thread.begin(call);
      }
      for (const line of lines) thread.read(JSON.stringify({ timestamp: AT, ...line }));
      thread.settle();
      await Promise.resolve();
    });
  const usageOf = (lines: Awaited<ReturnType<typeof read>>) =>
    lines.filter(({ type }) => type === 'usage').map(({ data }) => data['input_tokens']);

  it('T2: tells nothing again of a session that is gone on with', async () => {
    const old = { timestamp: '2026-11-29T00:00:00.000Z' };
    const lines = [meta(THREAD), { ...called('a', 'no uuid'), ...old }, { ...answered('a', 'x', 'no uuid'), ...old }];
    const found = await read(
      [...lines, called('b', OLD_TURN), answered('b', 'x', OLD_TURN), called('c'), answered('c', 'x')],
      Date.parse('2026-11-30T01:15:01.540Z'),
    );
    expect(callsOf(found)).toEqual(['get_goal c stream ok']);
  });

  it('T2: tells nothing of what a forked session copied from another thread', async () => {
    const copied = [meta(PARENT), called('a', OLD_TURN), answered('a', 'x', OLD_TURN), used(PARENT, 500)];
    const found = await read([meta(THREAD), ...copied, called('b'), answered('b', 'x'), used(THREAD, 110)]);
    expect(callsOf(found)).toEqual(['get_goal b stream ok']);
    expect(usageOf(found)).toEqual([100]);
  });

  it('counts the usage of each request once where it is told twice', async () => {
    const lines = [used(THREAD, 110), counted(110, 120), used(THREAD, 60), counted(60, 200)];
    expect(usageOf(await read(lines))).toEqual([100, 50]);
  });

  it('counts the usage of a version that tells sums alone once per request', async () => {
    expect(usageOf(await read([counted(100, 120), counted(100, 120), counted(150, 300)]))).toEqual([100, 150]);
  });

  it('says which calls came without the hook that Codex calls before such a tool', async () => {
    const command = { type: 'CommandExecution', command: ['bash', '-lc', 'ls'], exit_code: 0, aggregated_output: '' };
    const found = await read([
      item({ ...command, id: 'a', source: 'unified_exec_startup' }),
      item({ ...command, id: 'b', source: 'user_shell' }),
      item({ id: 'c', type: 'WebSearch', query: 'nika' }),
      item({ id: 'd', type: 'AgentMessage', content: [] }),
    ]);
    expect(callsOf(found)).toEqual(['Bash a stream 0 ok', 'user_shell b stream 0 ok', 'web_search c stream ok']);
    expect(unhooked).toEqual(['Bash']);
  });

  it('T1: ends a call whose hook told that it began by what it answered', async () => {
    const found = await read([answered('a', 'unable to locate image')], 0, ['a']);
    expect(callsOf(found)).toEqual(['view_image a hook failed: unable to locate image']);
  });

  it('T1: ends at the end of its turn what nothing else ended', async () => {
    const over = told('event_msg', { type: 'task_complete' });
    const found = await read([over], 0, ['a']);
    expect(callsOf(found)[0]).toContain('view_image a hook failed: Codex does not tell how it ended');
  });

  it('T1: ends as interrupted what was under way when somebody broke off the turn', async () => {
    const aborted = await read([told('event_msg', { type: 'turn_aborted' })], 0, ['b']);
    expect(callsOf(aborted)).toEqual(['view_image b hook failed: Interrupted']);
  });

  it('counts lines that are no JSON object (G3)', async () => {
    await atDesk(home, async ({ desk }) => {
      const no = (): undefined => undefined;
      const told_ = { session: no, model: no, prompt: no, turnOver: no, subagents: no, unhooked: no };
      const options = { desk, sub: undefined, sinceMs: 0, isLive: () => false, begunAtMs: no, told: told_ };
      const thread = new RolloutThread(options);
      for (const line of ['{"type":', '[]', '{}', '{"type":"session_meta","payload":7}']) thread.read(line);
      expect(thread.unreadableCount).toBe(2);
      await Promise.resolve();
    });
  });
});

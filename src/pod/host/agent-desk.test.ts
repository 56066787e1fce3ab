import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { atDesk, callsOf } from '../../../test/fixtures/desked-pod.ts';
import { TestHome } from '../../../test/nika.ts';

const call = (id: string, sub?: string) => ({
  id,
  tool: 'Bash',
  input: { command: 'ls' },
  source: 'hook' as const,
  sub,
});
const OK = { ok: true, response: 'a' } as const;

describe('AgentDesk', () => {
  let home: TestHome;
  beforeEach(() => {
    home = new TestHome();
  });
  afterEach(() => home[Symbol.dispose]());

  it('puts a call on the bus once, whoever tells of its end and how often, with what the first one said', async () => {
    const lines = await atDesk(home, async ({ desk }) => {
      expect(await desk.begin(call('a'))).toEqual({ kind: 'go' });
      expect(await desk.begin(call('a'))).toEqual({ kind: 'go' }); // told twice
      await desk.end('a', { ok: false, error: 'Exit code 3', exitCode: 3, durationMs: 12.5 });
      await desk.end('a', OK);
      await desk.end('a', OK, { ...call('a'), source: 'stream' });
      await desk.end('b', OK, { ...call('b'), source: 'stream' }); // no hook told of it
      await desk.end('b', OK, { ...call('b'), source: 'stream' });
      await desk.end('c', OK); // an end of what nobody knows
    });
    expect(callsOf(lines)).toEqual(['Bash a hook 3 failed: Exit code 3', 'Bash b stream ok']);
    expect(lines.find(({ data }) => data['tool_use_id'] === 'a')?.data['duration_ms']).toBe(12.5);
  });

  it('has a call on the bus when its end is resolved (G2), and ends what was left open as interrupted', async () => {
    const lines = await atDesk(home, async ({ desk, context }) => {
      await desk.begin(call('a'));
      await desk.begin(call('b'));
      await desk.end('a', OK);
      expect(context.session.recorder.counts.calls).toBe(1);
      expect(desk.openCalls()).toEqual(['b']);
      await desk.close();
      await desk.end('late', OK, call('late'));
      desk.turn({ outcome: 'completed' });
    });
    expect(callsOf(lines)).toEqual(['Bash a hook ok', 'Bash b hook failed: Interrupted']);
    expect(lines.some(({ type }) => type === 'agent_turn')).toBe(false);
  });

  it('denies by the policy, with the reason, and records the call that was not made', async () => {
    const policy = { deny: ['Bash: rm *'], ask: [], allow: [] };
    const lines = await atDesk(
      home,
      async ({ desk }) => {
        const verdict = await desk.begin({ ...call('a'), input: { command: 'rm -rf /' } });
        expect(verdict).toMatchObject({ kind: 'denied', reason: expect.stringContaining('rm *') });
        expect(desk.isDone('a')).toBe(true);
        await desk.end('a', OK, call('a'));
      },
      { policy },
    );
    expect(callsOf(lines)).toHaveLength(1);
    expect(callsOf(lines)[0]).toMatch(/^Bash a hook failed: denied by/);
  });

  it('makes a SUB of each subagent, in the channel of the job, and ends those that were left', async () => {
    const lines = await atDesk(home, async ({ desk }) => {
      desk.startSub({ id: 's1', type: 'reviewer', what: 'look at it' });
      await desk.end('x', OK, call('x', 's1'));
      desk.startSub({ id: 's2', parent: 's1' });
      desk.endSub('s1', 'completed', 'looks good');
      desk.endSub('s1', 'failed');
      await desk.end('y', OK, call('y', 'unknown')); // begins with its first call
    });
    const subs = lines.filter(({ meta }) => meta['entity_type'] === 'SUB');
    expect(new Set(subs.map(({ entity }) => entity.slice(0, 4)))).toEqual(new Set(['JOB-'])); // where the lines stand
    const ends = subs.filter(({ type }) => type.startsWith('job_'));
    expect(ends.map(({ type, data }) => [type, data['summary']])).toEqual([
      ['job_completed', 'looks good'],
      ['job_cancelled', undefined],
      ['job_cancelled', undefined],
    ]);
    expect(lines.filter(({ type }) => type === 'subagent_completed')).toHaveLength(3);
    expect(callsOf(lines)).toEqual(['SUB Bash x hook ok', 'SUB Bash y hook ok']);
    const [reviewer, nested] = subs.filter(({ type }) => type === 'entity_created');
    expect(nested?.meta['parent_id']).toBe(reviewer?.meta['entity_id']);
  });

  it('tells what it waits for once, and that it goes on', async () => {
    const lines = await atDesk(home, async ({ desk, context }) => {
      desk.wait('permission', 'may it?');
      desk.wait('permission', 'may it?');
      expect(context.control.status).toBe('waiting');
      expect(context.control.why).toBe('may it?');
      desk.goOn('idle');
      desk.goOn();
      desk.goOn();
      expect(context.control.status).toBe('running');
    });
    const conditions = lines.filter(({ type }) => type === 'condition').map(({ data }) => data);
    expect(conditions).toEqual([
      { condition: 'pod_waiting', reason: 'permission', detail: 'may it?' },
      { condition: 'pod_back', reason: 'permission' },
    ]);
  });

  it('says of each message how it reached the agent', async () => {
    const lines = await atDesk(home, async ({ desk, context }) => {
      expect(desk.takeMessages('tool call', 'a')).toBeUndefined();
      expect(context.host.receive('stop soon', 'alice')).toBe(1);
      context.host.receive('and say why', undefined);
      expect(desk.messageCount).toBe(2);
      expect(desk.takeMessages('tool call', 'a')).toBe('stop soon\n\nand say why');
    });
    const told = lines.filter(({ type }) => type === 'message_delivered').map(({ data }) => data);
    expect(told).toMatchObject([
      { how: 'tool call', body: 'stop soon', from: 'alice', tool_use_id: 'a' },
      { how: 'tool call', body: 'and say why' },
    ]);
  });

  it('adds up what was used, by model, into the summary', async () => {
    const used = { scope: 'call', model: 'm', input_tokens: 10, cache_read_tokens: 1, cache_write_tokens: 0 } as const;
    const lines = await atDesk(home, async ({ desk, context }) => {
      desk.use({ ...used, output_tokens: 5, cost_usd: 0.5, cost_from: 'agent' });
      desk.use({ ...used, output_tokens: 7, cost_usd: 0.25, cost_from: 'agent' }, 's1');
      expect(context.session.usage.spent.tokens).toBe(34);
    });
    const summary = lines.find(({ type }) => type === 'session_end_summary');
    expect(summary?.data['usage']).toMatchObject([{ model: 'm', input_tokens: 20, output_tokens: 12, cost_usd: 0.75 }]);
    expect(lines.filter(({ type }) => type === 'usage').map(({ meta }) => meta['entity_type'])).toEqual(['JOB', 'SUB']);
  });

  it('ends the pod at the limit of its tool calls, also where only the stream tells of them', async () => {
    const lines = await atDesk(
      home,
      async ({ desk, context }) => {
        for (const id of ['a', 'b', 'c']) await desk.end(id, OK, { ...call(id), source: 'stream' });
        expect(context.stop.reason).toMatchObject({ kind: 'limit', limit: 'tool_calls' });
      },
      { limits: { tool_calls: 2 } },
    );
    expect(callsOf(lines)).toHaveLength(3); // what was made is told
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { atDesk, callsOf } from '../../../test/fixtures/desked-pod.ts';
import { TestHome } from '../../../test/nika.ts';
import { until } from '../../../test/pods.ts';
import { AgentDesk } from './agent-desk.ts';

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

  it('asks about a call whose id was used before, and records it as another one (K3)', async () => {
    const policy = { deny: ['Bash: rm *'], ask: [], allow: [] };
    const rm = { ...call('0'), input: { command: 'rm -rf /' } };
    const lines = await atDesk(
      home,
      async ({ desk }) => {
        expect(await desk.begin(call('0'))).toEqual({ kind: 'go' });
        expect(await desk.begin(rm)).toMatchObject({ kind: 'denied' }); // while the first one runs
        await desk.begin(call('1'));
        await desk.end('1', OK, call('1'));
        expect(await desk.begin({ ...rm, id: '1' })).toMatchObject({ kind: 'denied' });
        expect(await desk.begin({ ...rm, id: '1' })).toMatchObject({ kind: 'denied' }); // what was denied, once more
        expect(await desk.begin(call('1'))).toEqual({ kind: 'go' });
        expect([desk.isOpen('1'), desk.isDone('1')]).toEqual([true, false]);
        await desk.end('1', { ok: false, error: 'second' }, call('1'));
      },
      { policy },
    );
    const told = callsOf(lines).map((line) => line.replace(/denied by.*/, 'denied'));
    expect(told).toEqual([
      'Bash 0~2 hook failed: denied',
      'Bash 1 hook ok',
      'Bash 1~2 hook failed: denied',
      'Bash 1~3 hook failed: denied',
      'Bash 1~4 hook failed: second',
      'Bash 0 hook failed: Interrupted',
    ]);
  });

  it('takes a hook that comes behind the end of its call for no other call', async () => {
    const lines = await atDesk(home, async ({ desk }) => {
      await desk.end('a', OK, { ...call('a'), source: 'stream' });
      expect(await desk.begin(call('a'))).toEqual({ kind: 'go' });
    });
    expect(callsOf(lines)).toEqual(['Bash a stream ok']);
  });

  it('K4: waits for no person where the agent is gone', async () => {
    const policy = { deny: [], ask: ['Bash'], allow: [] };
    const lines = await atDesk(
      home,
      async ({ desk, context: { control } }) => {
        const asked = desk.begin(call('a'));
        await until('the question', () => control.waiting !== null);
        await desk.close();
        expect(await asked).toEqual({ kind: 'denied', reason: 'Interrupted' });
        expect(control.waiting).toBeNull();
      },
      { policy },
    );
    expect(callsOf(lines)).toEqual(['Bash a hook failed: Interrupted']);
    expect(lines.filter(({ type }) => type === 'condition').map(({ data }) => data['condition'])).toEqual([
      'pod_waiting',
      'pod_back',
    ]);
  });

  it('K4: has what was made in a pause on the bus, and ends what was not, though nobody ends the pause', async () => {
    const lines = await atDesk(home, async ({ desk, context: { control } }) => {
      control.pause();
      const held = [desk.begin(call('a')), desk.begin(call('b'))];
      await desk.end('a', OK);
      await desk.close();
      expect(await Promise.all(held)).toMatchObject([{ kind: 'denied' }, { kind: 'denied' }]);
    });
    expect(callsOf(lines)).toEqual(['Bash a hook ok', 'Bash b hook failed: Interrupted']);
  });

  it('K4: has what was made in a pause on the bus, also where the pod is stopped in it', async () => {
    const lines = await atDesk(home, async ({ desk, context: { control } }) => {
      control.pause();
      const held = desk.begin(call('a'));
      await desk.end('a', OK);
      control.stop({});
      await held;
    });
    expect(callsOf(lines)).toEqual(['Bash a hook ok']);
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

  it('keeps what people said for a hook whose answer is heard, and holds up none that nobody waits for', async () => {
    const policy = { deny: [], ask: ['Bash'], allow: [] };
    const lines = await atDesk(
      home,
      async ({ desk, context: { host, control } }) => {
        host.receive('stop soon', undefined);
        expect(await desk.unheard(() => desk.begin(call('a')))).toEqual({ kind: 'go' });
        await desk.unheard(() => desk.end('a', OK)); // it was made all the same
        await until('the question to be withdrawn', () => control.waiting === null);
        expect(await desk.unheard(async () => desk.takeMessages('tool call', 'a'))).toBeUndefined();
        expect(desk.takeMessages('turn end')).toBe('stop soon');
      },
      { policy },
    );
    expect(callsOf(lines)).toEqual(['Bash a hook ok']);
    expect(lines.filter(({ type }) => type === 'message_delivered').map(({ data }) => data['how'])).toEqual([
      'turn end',
    ]);
  });

  it('says of no message that it reached an agent which nika did not start: its hooks answer nothing', async () => {
    const lines = await atDesk(home, async ({ desk: other, context }) => {
      await other.close();
      const { session, host, entity: job, control } = context;
      const desk = new AgentDesk({ session, host, job, control, onAgentSession: () => undefined, via: 'hooks' });
      expect(host.receive('stop soon', undefined)).toBe(0); // nobody listens, and who sends it is told so
      expect(desk.takeMessages('tool call', 'a')).toBeUndefined();
      await desk.close();
    });
    expect(lines.some(({ type }) => type === 'message_delivered')).toBe(false);
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

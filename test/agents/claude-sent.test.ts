/** Claude Code, the real one, spoken to after its end. */
import { describe, expect, it } from 'vitest';
import { AgentHome, JOB } from './agent-home.ts';
import { AGENT_CLIS } from './cli/cli-cache.ts';

const { words } = AGENT_CLIS['claude-code'];

describe('Claude Code', () => {
  it('goes on with its session after its end, in a pod of its own', async () => {
    await using home = await AgentHome.open('claude-code', {
      main: [{ calls: [words.shell('echo first')] }, { text: 'One is done.' }, { calls: [words.shell('echo second')] }],
    });
    const first = await home.start(['pod', 'start', 'claude', 'go', '-i', 'model=claude-sonnet-4-5', '--id', JOB])
      .ended;
    expect(first.code).toBe(0);
    const sent = await home.start(['pod', 'send', JOB, 'and now the second']).ended;
    expect([sent.code, sent.stderr]).toEqual([0, expect.stringContaining('its session goes on')]);
    const id = sent.stdout.trim();
    expect((await home.nika('pod', 'wait', id)).code).toBe(0);
    const sessions = home.channels.filter(({ type }) => type === 'agent_session').map(({ data }) => data);
    expect(new Set(sessions.map(({ agent_session_id: session }) => session)).size).toBe(1);
    const own = home.lines(`channels/${id}.jsonl`);
    expect(own.find(({ type }) => type === 'agent_session')?.data).toMatchObject({ resumed: true });
    const calls = own.filter(({ type }) => type === 'tool_call');
    expect(calls.map(({ data }) => data['tool_input'])).toMatchObject([{ command: 'echo second' }]);
    const turn = own.find(({ type }) => type === 'agent_turn');
    expect(turn?.data['prompt']).toBe('and now the second');
  });
});

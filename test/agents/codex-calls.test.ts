/** Codex, the real one: its own kinds of calls, and what it waits for. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { until } from '../pods.ts';
import type { ScriptedCall } from '../servers/model/script.ts';
import { AgentHome, JOB } from './agent-home.ts';
import { stepOf } from './agent-truth.ts';
import { callsOf, wantedCalls } from './bus-calls.ts';
import { AGENT_CLIS } from './cli/cli-cache.ts';
import { codexCall } from './cli/codex.ts';

const { words } = AGENT_CLIS.codex;

const code = (input: string): ScriptedCall => ({ tool: 'exec', isFreeform: true, input });

/** The shell that was started last and goes on. */
const shellIn = (results: readonly string[]): number =>
  Number(results.flatMap((text) => /running with session ID (\d+)/.exec(text)?.[1] ?? []).at(-1));

const conditionsOf = (home: AgentHome): readonly string[] =>
  home.channel
    .filter(({ type }) => type === 'condition')
    .map(({ data }) => `${String(data['condition'])} ${String(data['reason'])}`);

const addConfig = (home: AgentHome, text: string): void => appendFileSync(join(home.user, '.codex/config.toml'), text);

/** A server of two tools, one of which fails. */
const MCP_SERVER = `
import { createInterface } from 'node:readline';
const say = (id, result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
const tool = (name) => ({ name, description: name, inputSchema: { type: 'object' } });
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === 'initialize') {
    const { protocolVersion } = params;
    say(id, { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'small', version: '1' } });
  } else if (method === 'tools/list') say(id, { tools: [tool('add'), tool('fail')] });
  else if (method === 'tools/call') {
    const isError = params.name === 'fail';
    say(id, { isError, content: [{ type: 'text', text: isError ? 'it cannot' : '3' }] });
  } else if (id !== undefined) say(id, {});
});
`;

describe('Codex', () => {
  it('has the whole of a command that goes on in the background, and what is typed into it', async () => {
    const typed = (chars: string, waitMs: number): ScriptedCall => ({
      tool: 'write_stdin',
      input: (results) => ({ session_id: shellIn(results), chars, yield_time_ms: waitMs }),
    });
    const command = 'echo one; read line; echo "two $line"; exit 5';
    await using home = await AgentHome.open('codex', {
      main: [
        stepOf({ tool: 'exec_command', input: { cmd: command, tty: true, yield_time_ms: 300 } }),
        stepOf(typed('', 300)),
        stepOf(typed('three\n', 20_000)),
        stepOf({ tool: 'write_stdin', input: { session_id: 42, chars: 'x' } }),
      ],
    });
    home.agentJob();
    expect((await home.runPod()).code).toBe(0);
    const typing = { source: 'stream' } as const;
    const ends = [{ exit: 5, ok: false }, typing, typing, { ...typing, ok: false }];
    expect(callsOf(home)).toEqual(wantedCalls(home, codexCall, ends));
    const shell = home.channel.find(({ type, data }) => type === 'tool_call' && data['tool_name'] === 'Bash');
    expect(shell?.data).toMatchObject({ tool_response: 'one\r\nthree\r\ntwo three\r\n' });
    expect(Number(shell?.data['duration_ms'])).toBeGreaterThan(600);
  });

  it('has the calls that code makes, one by one, and the code itself', async () => {
    await using home = await AgentHome.open('codex', {
      main: [
        stepOf(
          code(`
            await tools.exec_command({ cmd: 'echo one' });
            await Promise.all(['sleep 0.3; exit 4', 'echo two'].map((cmd) => tools.exec_command({ cmd })));
            const patch = '*** Begin Patch\\n*** Update File: missing\\n@@\\n-a\\n+b\\n*** End Patch\\n';
            await tools.apply_patch(patch).catch((error) => text(String(error)));`),
        ),
        stepOf(code(`throw new Error('thrown in code')`)),
      ],
    });
    home.agentJob('model: gpt-6.1-sol');
    expect((await home.runPod()).code).toBe(0);
    const [first, second, ...nested] = callsOf(home);
    expect([first, second]).toMatchObject([
      { tool: 'exec', ok: true, source: 'stream' },
      { tool: 'exec', ok: false, source: 'stream' },
    ]);
    const told = nested.map(({ tool, ok, exit, source }) => `${tool} ${source} ${ok} ${exit}`);
    expect(told.toSorted()).toEqual([
      'Bash hook false 4',
      'Bash hook true 0',
      'Bash hook true 0',
      'apply_patch hook false undefined',
    ]);
    const errors = home.channel.flatMap(({ data }) => (typeof data['error'] === 'string' ? [data['error']] : []));
    expect(errors).toContain('Codex does not tell how it ended: most likely it failed');
    expect(errors.find((error) => error.includes('thrown in code'))).toMatch(/^Error: thrown in code/);
  });

  it('has the calls of MCP servers, also those that fail', async () => {
    const called = (name: string): ScriptedCall => ({ tool: name, namespace: 'mcp__small', input: { a: 1 } });
    await using home = await AgentHome.open('codex', { main: [stepOf(called('add')), stepOf(called('fail'))] });
    const server = JSON.stringify(['--input-type=module', '-e', MCP_SERVER]);
    addConfig(home, `[mcp_servers.small]\ncommand = ${JSON.stringify(process.execPath)}\nargs = ${server}\n`);
    home.agentJob();
    expect((await home.runPod()).code).toBe(0);
    const tell: typeof codexCall = ({ tool, input }) => ({ tool: `mcp__small__${tool}`, input });
    expect(callsOf(home)).toEqual(wantedCalls(home, tell, [{}, { ok: false }]));
    expect(home.channel.findLast(({ type }) => type === 'tool_call')?.data['error']).toBe('it cannot');
  });

  it('has the tools of nika without being told to, and need ask nobody for them', async () => {
    const note: ScriptedCall = { tool: 'note', namespace: 'mcp__nika', input: { text: 'Mind the fourth wall.' } };
    await using home = await AgentHome.open('codex', { main: [stepOf(note)] });
    home.agentJob('', 'read');
    expect((await home.runPod()).code).toBe(0);
    expect(callsOf(home)).toMatchObject([{ tool: 'mcp__nika__note', ok: true, source: 'hook' }]);
    const notes = home.channel.filter(({ type }) => type === 'note').map(({ data }) => data['text']);
    expect(notes).toEqual(['Mind the fourth wall.']);
  });

  it('says that its context is made shorter, and goes on', async () => {
    await using home = await AgentHome.open('codex', {
      main: [{ ...stepOf(words.shell('echo one')), usage: { input: 90_000, output: 10 } }],
      // What the scripted model says where it is given no tools: the context is that from then on.
      'A title': [stepOf(words.shell('echo two'))],
    });
    home.agentJob('args: [-c, model_auto_compact_token_limit=20000]');
    expect((await home.runPod()).code).toBe(0);
    expect(callsOf(home)).toMatchObject([{ exit: 0 }, { exit: 0 }]);
    expect(conditionsOf(home)).toEqual(['pod_waiting compacting', 'pod_back compacting']);
  });

  it('says that it is rate-limited while it tries again, and goes on', async () => {
    const fault = { kind: 'status', status: 429, times: 2, retryAfterS: 0 } as const;
    await using home = await AgentHome.open('codex', { main: [{ ...stepOf(words.shell('echo one')), fault }] });
    home.agentJob();
    expect((await home.runPod()).code).toBe(0);
    expect([...new Set(conditionsOf(home))]).toEqual(['pod_waiting rate_limit', 'pod_back rate_limit']);
  });

  it('tells that somebody interrupted it', async () => {
    await using home = await AgentHome.open('codex', { main: [stepOf(words.shell('sleep 300.5'))] });
    home.agentJob();
    await home.startPod();
    await until('the model to be asked', () => home.model.calls.length > 0);
    await until('the command to run', () => home.record.beat.last_tool?.tool === 'Bash');
    for (const pid of home.agentProcesses) process.kill(pid, 'SIGINT');
    expect(await home.untilEnded()).toMatchObject({ status: 'failed' });
    expect(callsOf(home)).toMatchObject([{ tool: 'Bash', ok: false, interrupted: true, source: 'hook' }]);
    expect(home.channel.find(({ type }) => type === 'agent_turn')?.data['outcome']).toBe('interrupted');
  });

  it('goes on with its session after its end, in a pod of its own', async () => {
    await using home = await AgentHome.open('codex', {
      main: [stepOf(words.shell('echo first')), { text: 'One is done.' }, stepOf(words.shell('echo second'))],
    });
    expect((await home.nika('pod', 'start', 'codex', 'go', '--id', JOB)).code).toBe(0);
    const sent = await home.nika('pod', 'send', JOB, 'and now the second');
    expect([sent.code, sent.stderr]).toEqual([0, expect.stringContaining('its session goes on')]);
    const id = sent.stdout.trim();
    expect((await home.nika('pod', 'wait', id)).code).toBe(0);
    const own = home.lines(`channels/${id}.jsonl`);
    const calls = own.filter(({ type }) => type === 'tool_call');
    expect(calls.map(({ data }) => data['tool_input'])).toEqual([{ command: 'echo second' }]);
    expect(own.find(({ type }) => type === 'agent_session')?.data).toMatchObject({ resumed: true });
    expect(own.find(({ type }) => type === 'agent_turn')?.data['prompt']).toBe('and now the second');
    const used = home.channels.filter(({ type }) => type === 'usage');
    expect(used).toHaveLength(home.model.requests.length);
  });
});

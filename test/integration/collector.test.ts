import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BusLine } from '../../src/bus/line.ts';
import { callsOf } from '../fixtures/desked-pod.ts';
import { TestHome } from '../nika.ts';
import { running, until } from '../pods.ts';

interface Ran {
  readonly code: number | null;
  readonly output: string;
  readonly tookMs: number;
}

const captured = (name: string): readonly Record<string, unknown>[] =>
  readFileSync(join(import.meta.dirname, `../fixtures/agents/${name}.jsonl`), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('the collector', () => {
  let home: TestHome;
  let script = '';
  beforeEach(async () => {
    home = new TestHome();
    await home.nika('hooks', 'install', 'claude');
    script = join(home.dir, 'run/hooks/nika-hook.sh');
  });
  afterEach(async () => {
    for (const pid of collectors()) process.kill(pid, 'SIGTERM');
    await until('the collectors to be gone', () => collectors().length === 0);
    home[Symbol.dispose]();
  });

  const collectors = (): readonly number[] =>
    running('collector-worker').filter((pid) => running(home.dir).includes(pid));

  const hook = (payload: unknown, { agent = 'claude-code', env = {} } = {}): Promise<Ran> => {
    const { promise, resolve } = Promise.withResolvers<Ran>();
    const startedAtMs = performance.now();
    const child = spawn(script, [agent], { env: { PATH: process.env['PATH'], HOME: home.dir, ...env } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
    child.once('close', (code) => resolve({ code, output, tookMs: performance.now() - startedAtMs }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(JSON.stringify(payload));
    return promise;
  };

  /** What is there by now. */
  const channels = (): readonly BusLine[] => (existsSync(join(home.dir, '_bus/channels')) ? home.channels : []);

  const linesOf = (type: string): readonly BusLine[] => channels().filter((line) => line.type === type);

  it('makes a pod of a session, begun by its first hook, with every call once and in order; the hooks say nothing', async () => {
    const payloads = captured('claude-odd');
    for (const payload of payloads) {
      const { code, output } = await hook({ ...payload, cwd: home.cwd });
      expect([code, output]).toEqual([0, '']);
    }
    await until('the session to end', () => linesOf('session_end_summary').length === 1);
    expect(callsOf(channels()).map((call) => call.split(' ').slice(0, 4).join(' '))).toEqual([
      'NopeTool toolu_main_0000 hook failed:',
      'Bash toolu_main_0001 hook failed:',
      'Bash toolu_main_0002 hook ok',
      'Bash toolu_main_0003 hook 143',
      'Bash toolu_main_0004 hook ok',
      'WebFetch toolu_main_0005 hook failed:',
    ]);
    const [session] = linesOf('agent_session');
    expect(session?.data).toMatchObject({ agent: 'claude-code', via: 'hooks' });
    const { stdout } = await home.nika('pod', 'ls', '--all', '--json');
    expect(JSON.parse(stdout)).toMatchObject([{ job: 'claude', status: 'completed', calls: 6 }]);
    expect((await home.nika('bus', 'verify')).code).toBe(0);
  });

  it('is one, however many hooks come at once, and loses none (G3)', async () => {
    const hooks = Array.from({ length: 12 }, (_, at) =>
      hook({
        hook_event_name: 'PostToolUse',
        session_id: `s${at % 3}`,
        cwd: home.cwd,
        tool_name: 'Bash',
        tool_use_id: `t${at}`,
        tool_input: {},
        tool_response: {},
      }),
    );
    for (const { code, output } of await Promise.all(hooks)) expect([code, output]).toEqual([0, '']);
    await until('all of them to be on the bus', () => callsOf(channels()).length === 12);
    expect(collectors()).toHaveLength(1);
    const { stdout } = await home.nika('pod', 'ls', '--json');
    expect(JSON.parse(stdout)).toHaveLength(3);
    expect(readdirSync(join(home.dir, 'run/hooks/spool'))).toEqual([]);
  });

  it('takes what Cursor, and agents that it does not know, call the same things, and marks them', async () => {
    const cursor = {
      cursor_version: '3.10',
      conversation_id: 'c1',
      user_email: 'me@example.com',
      workspace_roots: [home.cwd],
    };
    await hook({
      ...cursor,
      hook_event_name: 'preToolUse',
      tool_name: 'Shell',
      tool_input: { command: 'ls' },
      tool_use_id: 'a',
    });
    await hook({
      ...cursor,
      hook_event_name: 'postToolUse',
      tool_name: 'Shell',
      tool_use_id: 'a',
      tool_output: '{"out":"x"}',
      duration: 7,
    });
    await hook(
      {
        hookEventName: 'post_tool_use',
        sessionId: 'g1',
        toolName: 'Shell',
        toolUseId: 'b',
        toolInput: {},
        toolResult: { output: [104, 105] },
      },
      { agent: 'grok' },
    );
    await until('both to be on the bus', () => callsOf(channels()).length === 2);
    const calls = linesOf('tool_call');
    const agents = linesOf('agent_session').map(({ data }) => data['agent']);
    expect(new Set(agents)).toEqual(new Set(['cursor', 'grok']));
    expect(calls.find(({ data }) => data['tool_use_id'] === 'a')?.data).toMatchObject({
      tool_response: { out: 'x' },
      duration_ms: 7,
    });
    expect(calls.find(({ data }) => data['tool_use_id'] === 'b')?.data['tool_response']).toEqual({ output: 'hi' });
    expect(JSON.stringify(channels())).not.toContain('me@example.com');
  });

  it('makes another pod of a session that goes on while the pod of before ends, and loses no call of it (G3)', async () => {
    const of = (event: string, id?: string) => ({
      hook_event_name: event,
      session_id: 's',
      cwd: home.cwd,
      ...(id === undefined ? {} : { tool_name: 'Bash', tool_use_id: id, tool_input: {}, tool_response: {} }),
    });
    await hook(of('PostToolUse', 'first'));
    await hook(of('SessionEnd'));
    let count = 0;
    const ended = until('the first to end', () => linesOf('session_end_summary').length === 1);
    const isOver = ended.then(() => true);
    while (!(await Promise.race([isOver, Promise.resolve(false)]))) {
      await hook(of('PostToolUse', `more${count}`));
      count += 1;
    }
    await hook(of('PostToolUse', 'last'));
    await until('the last', () => callsOf(channels()).some((told) => told.includes(' last ')));
    const ids = linesOf('tool_call').map(({ data }) => data['tool_use_id']);
    expect(ids).toHaveLength(count + 2);
    expect(new Set(ids)).toEqual(new Set(['first', 'last', ...Array.from({ length: count }, (_, at) => `more${at}`)]));
  });

  it('does not hold an agent up when it hangs, and takes what came meanwhile afterwards (G1, G3)', async () => {
    const call = (id: string) => ({
      hook_event_name: 'PostToolUse',
      session_id: 's',
      cwd: home.cwd,
      tool_name: 'Bash',
      tool_use_id: id,
      tool_input: {},
      tool_response: {},
    });
    await hook(call('a'));
    await until('the first', () => callsOf(channels()).length === 1);
    const [pid = 0] = collectors();
    process.kill(pid, 'SIGSTOP');
    const { code, output, tookMs } = await hook(call('b'));
    expect([code, output]).toEqual([0, '']);
    expect(tookMs).toBeLessThan(3_000); // a second, and what a busy machine adds
    process.kill(pid, 'SIGCONT');
    await until('the second', () => callsOf(channels()).some((told) => told.includes(' b ')));
    expect(callsOf(channels())).toHaveLength(2); // also where it was read from the socket after all
  });

  it('is started anew by the next hook after kill -9; its pods are closed as lost by the next command', async () => {
    await hook({ hook_event_name: 'UserPromptSubmit', session_id: 's', cwd: home.cwd, prompt: 'go' });
    await until('the session', () => linesOf('agent_session').length === 1);
    for (const pid of collectors()) process.kill(pid, 'SIGKILL');
    await until('it to be gone', () => collectors().length === 0);
    await hook({ hook_event_name: 'UserPromptSubmit', session_id: 's', cwd: home.cwd, prompt: 'again' });
    await until('another', () => linesOf('agent_session').length === 2);
    const { stdout } = await home.nika('pod', 'ls', '--all', '--json');
    const stati = (JSON.parse(stdout) as { status: string }[]).map(({ status }) => status);
    expect(stati.toSorted()).toEqual(['lost', 'running']);
  });

  it('says nothing whatever curl is set to, and reads all that it is given whatever becomes of it', async () => {
    const payload = { hook_event_name: 'UserPromptSubmit', session_id: 's', cwd: home.cwd, prompt: 'go' };
    await hook(payload);
    await until('the session', () => linesOf('agent_session').length === 1);
    writeFileSync(join(home.dir, '.curlrc'), 'write-out = "take this for context"\n');
    expect(await hook(payload)).toMatchObject({ code: 0, output: '' });
    const { promise, resolve } = Promise.withResolvers<string>();
    const env = { PATH: process.env['PATH'], NIKA_HOOKED_AGENT: 'claude-code' };
    const child = spawn(script, ['claude-code'], { env, stdio: ['pipe', 'ignore', 'ignore'] });
    child.stdin.once('error', ({ message }) => resolve(message)); // the agent would show its user an error
    child.stdin.end('x'.repeat(1024 * 1024));
    child.once('close', () => resolve('read'));
    expect(await promise).toBe('read');
  });

  it('says nothing twice of an agent whose pod has hooks of its own, and nothing at all where nika is gone', async () => {
    const payload = { hook_event_name: 'Stop', session_id: 's', cwd: home.cwd };
    await hook(payload, { env: { NIKA_HOOKED_AGENT: 'claude-code' } });
    expect(collectors()).toEqual([]);
    const gone = readFileSync(script, 'utf8').replace(/^collector=.*$/m, "collector='/nowhere/collector.js'");
    writeFileSync(script, gone);
    const { code, output } = await hook(payload);
    expect([code, output]).toEqual([0, '']);
    expect(readdirSync(join(home.dir, 'run/hooks'))).not.toContain('spool');
  });
});

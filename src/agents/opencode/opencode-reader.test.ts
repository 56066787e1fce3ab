import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { atDesk, callsOf } from '../../../test/fixtures/desked-pod.ts';
import { TestHome } from '../../../test/nika.ts';
import type { AgentExit, AgentWish } from '../adapter.ts';
import { HookEndpoint } from '../endpoint/hook-endpoint.ts';
import type { Fields } from '../read-fields.ts';
import { PLUGIN_FILES } from './opencode-config.ts';
import { OpencodeReader } from './opencode-reader.ts';

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
const ENDED: AgentExit = { code: 0, signal: null, stderr: '' };

/** What opencode 1.18.33 gave a plugin, or printed; texts cut. */
const captured = (name: string): readonly Fields[] =>
  readFileSync(join(import.meta.dirname, `../../../test/fixtures/agents/${name}.jsonl`), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Fields);

interface Hooks {
  readonly config: (config: Fields) => void;
  readonly event: (told: { readonly event: unknown }) => void;
  readonly 'chat.message': (input: unknown, output: unknown) => void;
  readonly 'tool.execute.before': (input: unknown, output: { readonly args: unknown }) => Promise<void>;
  readonly 'tool.execute.after': (input: unknown, output: unknown) => Promise<void>;
  readonly dispose: () => Promise<void>;
}

let home: TestHome;
let count = 0;
beforeEach(() => {
  home = new TestHome();
});
afterEach(() => home[Symbol.dispose]());

/** The plugin, loaded from a folder of its own as opencode does. */
const loadPlugin = async (place: Fields): Promise<Hooks> => {
  const dir = join(home.dir, `plugin-${(count += 1)}`);
  mkdirSync(dir);
  for (const name of PLUGIN_FILES) copyFileSync(join(import.meta.dirname, name), join(dir, name));
  const told = { socket: '', askMs: 1_000, tellMs: 1_000, otherwise: 'deny', unset: [], shellEnv: {}, ...place };
  writeFileSync(join(dir, 'place.json'), JSON.stringify(told));
  const { nika } = (await import(pathToFileURL(join(dir, PLUGIN_FILES[0])).href)) as {
    nika: (context: unknown) => Promise<Hooks>;
  };
  return nika({ client: { session: { promptAsync: () => Promise.resolve() } } });
};

/** What opencode calls, in its order. */
const replay = async (hooks: Hooks, lines: readonly Fields[]): Promise<void> => {
  for (const { hook, event, input, output } of lines) {
    if (hook === 'event') hooks.event({ event });
    else if (hook === 'chat.message') hooks['chat.message'](input, output);
    else if (hook === 'tool.execute.before') await hooks[hook](input, output as { args: unknown });
    else if (hook === 'tool.execute.after') await hooks[hook](input, output);
  }
  await hooks.dispose();
};

const openEndpoint = (reader: OpencodeReader): Promise<HookEndpoint> =>
  HookEndpoint.open({ handle: (event, payload) => reader.hook(event, payload), socket: undefined });

/** Through the plugin and the endpoint, as in a run. */
const told = (lines: readonly Fields[], stdout: readonly Fields[] = []) =>
  atDesk(home, async ({ desk }) => {
    const reader = new OpencodeReader(desk, WISH);
    await using endpoint = await openEndpoint(reader);
    await replay(await loadPlugin({ url: endpoint.url, token: endpoint.token }), lines);
    for (const line of stdout) reader.line(JSON.stringify(line));
    expect(await reader.end(ENDED)).toEqual({ ok: true, message: 'All done.' });
  });

describe('OpencodeReader', () => {
  it('pairs plugin and output by the id: each call once, with turn, subagent, tokens and cost', async () => {
    const lines = await told(captured('opencode-hooks-task'), captured('opencode-run-json-task'));
    expect(callsOf(lines)).toEqual([
      'SUB bash call_SUBL_0 hook 0 ok',
      'task call_main_0 hook ok',
      'bash call_main_1 hook 0 ok',
    ]);
    const turn = lines.find(({ type }) => type === 'agent_turn')?.data;
    expect(turn).toMatchObject({ prompt: 'do the thing', answer: 'All done.', outcome: 'completed' });
    expect(lines.find(({ type }) => type === 'tool_call')?.data['turn']).toBe(turn?.['turn']);
    const used = lines.filter(({ type }) => type === 'usage');
    expect(used).toHaveLength(5);
    expect(used.filter(({ meta }) => meta['entity_type'] === 'SUB')).toHaveLength(2);
    expect(used[0]?.data).toMatchObject({
      scope: 'call',
      model: 'fake/fake-model',
      input_tokens: 90,
      cache_read_tokens: 10,
      output_tokens: 20,
      cost_usd: 0.00013,
      cost_from: 'agent',
    });
    expect(lines.find(({ type }) => type === 'agent_session')?.data).toMatchObject({
      agent: 'opencode',
      version: '1.18.33',
      model: 'fake/fake-model',
    });
    expect(lines.find(({ type }) => type === 'subagent_completed')?.data['summary']).toBe('All done.');
  });

  it('knows of calls that throw, of unknown tools, wrong inputs and time-outs', async () => {
    expect(callsOf(await told(captured('opencode-hooks-odd')))).toEqual([
      expect.stringMatching(/^nope_tool call_main_0 hook failed: Model tried to call unavailable tool/),
      expect.stringMatching(/^bash call_main_1 hook failed: The bash tool was called with invalid arguments/),
      'bash call_main_2 hook 0 ok',
      'bash call_main_3 hook failed: shell tool terminated command after exceeding timeout 1000 ms',
      expect.stringMatching(/^webfetch call_main_4 hook failed: /),
      expect.stringMatching(/^write call_main_5 hook failed: Model tried to call unavailable tool/),
    ]);
  });

  it('records from the output where the plugin is silent, and says so (G9)', async () => {
    const lines = await atDesk(home, async ({ desk, context }) => {
      const reader = new OpencodeReader(desk, WISH);
      for (const line of captured('opencode-run-json-task')) reader.line(JSON.stringify(line));
      expect(context.session.degraded).toMatchObject([{ service: 'hooks', why: expect.stringContaining('no policy') }]);
      expect(await reader.end(ENDED)).toEqual({ ok: true, message: 'All done.' });
    });
    expect(callsOf(lines)).toEqual(['task call_main_0 stream ok', 'bash call_main_1 stream 0 ok']);
    expect(lines.filter(({ type }) => type === 'usage')).toHaveLength(3);
    expect(lines.filter(({ type }) => type === 'agent_session')).toHaveLength(1);
  });

  it('tells a call whose id its provider used before by a name of its own', async () => {
    const call = (command: string): readonly Fields[] => {
      const input = { tool: 'bash', sessionID: 's', callID: 'call_0', args: { command } };
      return [
        { hook: 'tool.execute.before', input, output: { args: { command } } },
        { hook: 'tool.execute.after', input, output: { output: command, metadata: { exit: 0 } } },
      ];
    };
    const done = { hook: 'event', event: { type: 'message.part.updated', properties: {} } };
    const lines = await atDesk(home, async ({ desk }) => {
      const reader = new OpencodeReader(desk, WISH);
      await using endpoint = await openEndpoint(reader);
      const hooks = await loadPlugin({ url: endpoint.url, token: endpoint.token });
      await replay(hooks, [...call('one'), done, ...call('two'), ...call('three')]);
    });
    expect(callsOf(lines)).toEqual(['bash call_0 hook 0 ok', 'bash call_0~2 hook 0 ok', 'bash call_0~3 hook 0 ok']);
  });

  it('says what it waits for, and that it goes on', async () => {
    const lines = await atDesk(home, async ({ desk, context }) => {
      const reader = new OpencodeReader(desk, { ...WISH, prompt: undefined });
      const status = () => `${context.control.status} ${context.control.waits.join()}`;
      const events = (...told: readonly Fields[]) => reader.hook('events', { events: told });
      const of = (type: string, more: Fields = {}): Fields => ({ type, properties: { sessionID: 's', ...more } });
      await events({ type: 'nika.prompt', sessionID: 's', messageID: 'm', text: 'go' });
      await events(of('permission.asked', { id: 'p', permission: 'bash', patterns: ['rm x'] }));
      expect([status(), context.control.why]).toEqual(['waiting permission', 'may it bash rm x?']);
      await events(of('permission.replied', { requestID: 'p', reply: 'once' }));
      await events(of('question.asked', { questions: [{ question: 'left?' }] }));
      expect([status(), context.control.why]).toEqual(['waiting question', 'left?']);
      await events(of('question.replied'));
      await events(of('session.status', { status: { type: 'retry', attempt: 2, message: 'Too Many Requests' } }));
      expect(status()).toBe('waiting rate_limit');
      await events(of('session.status', { status: { type: 'busy' } }));
      await events({ type: 'nika.compacting', sessionID: 's' });
      await events(of('session.compacted'));
      await events(of('session.error', { error: { name: 'APIError', data: { message: 'it is down' } } }));
      expect(status()).toBe('waiting api_error');
      await events({ type: 'nika.prompt', sessionID: 's', messageID: 'n', text: 'again' });
      await events(of('session.idle'));
      expect(status()).toBe('waiting idle');
    });
    const waits = lines.filter(({ data }) => data['condition'] === 'pod_waiting').map(({ data }) => data['reason']);
    expect(waits).toEqual(['permission', 'question', 'rate_limit', 'compacting', 'api_error', 'idle']);
    const turns = lines.filter(({ type }) => type === 'agent_turn').map(({ data }) => data['outcome']);
    expect(turns).toEqual(['failed', 'completed']);
  });

  it('did not end well where it stopped in the middle, and says what it was not allowed', () =>
    atDesk(home, async ({ desk }) => {
      const reader = new OpencodeReader(desk, WISH);
      const properties = { sessionID: 's', id: 'p', permission: 'read', patterns: ['.env'] };
      await reader.hook('events', {
        events: [
          { type: 'nika.prompt', sessionID: 's', messageID: 'm', text: 'go' },
          { type: 'permission.asked', properties },
          { type: 'permission.replied', properties: { sessionID: 's', requestID: 'p', reply: 'reject' } },
        ],
      });
      reader.line(
        JSON.stringify({ type: 'step_finish', sessionID: 's', part: { sessionID: 's', reason: 'tool-calls' } }),
      );
      expect(await reader.end(ENDED)).toEqual({
        ok: false,
        message: null,
        error: 'opencode ended before it was done: it was not allowed to read .env',
      });
    }).then(() => undefined));

  it('takes whatever comes without throwing', () =>
    atDesk(home, async ({ desk }) => {
      const reader = new OpencodeReader(desk, WISH);
      const odd: readonly Fields[] = [
        {},
        { callID: 7, tool: [], sessionID: null, args: 'none' },
        { callID: 'a', tool: 'invalid', args: 3 },
        { events: 'none', dropped: 'many' },
        { events: [null, 1, {}, { type: 'part' }, { type: 'part', part: { type: 'tool', callID: {} } }] },
        { events: ['session.created', 'session.status', 'permission.asked', 'message'].map((type) => ({ type })) },
      ];
      for (const name of ['before', 'after', 'events', 'new'])
        for (const payload of odd) await reader.hook(name, payload);
      for (const line of ['', 'no json', '[]', '{"type":"tool_use"}', '{"type":"text","part":7}']) reader.line(line);
      const { ok, error } = await reader.end({ code: 1, signal: null, stderr: '\u001B[91mboom\u001B[0m\n' });
      expect([ok, error]).toEqual([false, 'opencode ended without an answer (exit code 1)\nboom']);
    }).then(() => undefined));
});

describe('the plugin of opencode', () => {
  const call = { tool: 'bash', sessionID: 's', callID: 'c' };

  it('refuses what the policy denies, hands on what a hook changed in place, and what people say', async () => {
    let answer: Fields = {};
    await using endpoint = await HookEndpoint.open({
      handle: () => Promise.resolve(JSON.stringify(answer)),
      socket: undefined,
    });
    const hooks = await loadPlugin({ url: endpoint.url, token: endpoint.token });
    answer = { deny: 'not on a Friday' };
    await expect(hooks['tool.execute.before'](call, { args: {} })).rejects.toThrow('not on a Friday');
    answer = { args: { command: 'ls' } };
    const args = { command: 'rm x', timeout: 3 };
    await hooks['tool.execute.before'](call, { args });
    expect(args).toEqual({ command: 'ls' });
    answer = { say: 'go left' };
    const output = { output: 'said', metadata: {} };
    await hooks['tool.execute.after'](call, output);
    expect(output.output).toBe('said\n\ngo left');
    const content = { content: [{ type: 'text', text: 'of a server' }] };
    await hooks['tool.execute.after'](call, content);
    expect(content.content).toEqual([
      { type: 'text', text: 'of a server' },
      { type: 'text', text: 'go left' },
    ]);
  });

  it('G1: holds no call up and breaks none where nobody listens, answers nonsense, or never answers', async () => {
    await using nonsense = await HookEndpoint.open({ handle: () => Promise.resolve('{"deny":'), socket: undefined });
    const deaf = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(deaf, 'listening');
    const { port } = deaf.address() as { port: number };
    try {
      for (const url of ['http://127.0.0.1:1', nonsense.url, `http://127.0.0.1:${port}`]) {
        const hooks = await loadPlugin({ url, token: nonsense.token, askMs: 100, tellMs: 100 });
        const args = { command: 'ls' };
        const output = { output: 'said' };
        const beganMs = performance.now();
        await hooks['tool.execute.before'](call, { args });
        await hooks['tool.execute.after'](call, output);
        await hooks['tool.execute.after'](call, undefined);
        hooks.event({ event: null });
        hooks['chat.message'](null, null);
        await hooks.dispose();
        expect([args, output]).toEqual([{ command: 'ls' }, { output: 'said' }]);
        expect(performance.now() - beganMs).toBeLessThan(3_000);
      }
    } finally {
      deaf.close();
    }
  });

  it('takes back what the configuration allows and the job does not, and leaves what it denies', async () => {
    const hooks = await loadPlugin({ url: '', token: '', permission: 'edit', maxTurns: 3 });
    const config: Fields = {
      permission: { bash: { 'git *': 'allow' }, edit: { 'secret/*': 'deny' }, webfetch: 'ask', 'mcp_*': 'allow' },
      agent: { build: { permission: { '*': 'allow', read: 'allow' } }, mine: { permission: 'allow' } },
    };
    hooks.config(config);
    expect(config['permission']).toMatchObject({
      '*': 'deny',
      read: { '*': 'allow', '*.env': 'deny' },
      edit: { 'secret/*': 'deny' },
      bash: { 'git *': 'deny' },
      webfetch: 'deny',
      'mcp_*': 'deny',
    });
    const agents = config['agent'] as Readonly<Record<string, { permission: Fields; steps?: number }>>;
    expect(agents['build']?.steps).toBe(3);
    for (const { permission } of Object.values(agents)) {
      expect(permission).toMatchObject({ '*': 'deny', edit: 'allow', glob: 'allow' });
      expect(permission).not.toHaveProperty('bash');
    }
  });
});

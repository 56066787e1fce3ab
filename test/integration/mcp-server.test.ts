import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mcpServerCommand } from '../../src/mcp/server-command.ts';
import { holdsMcpSdk, loadedFiles, loadHookOption } from '../fixtures/loaded-files.ts';
import { addJob, McpAgent } from '../mcp.ts';
import { binary, type Running, follow, TestHome } from '../nika.ts';
import { endPods, recordOf, untilTool } from '../pods.ts';

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
  addJob(home, 'long', 'command: [sleep, "300"]');
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

interface Server extends Running {
  readonly say: (...messages: readonly unknown[]) => void;
}

/** The server as a process, for a client that does not behave. */
const startServer = (env: Readonly<Record<string, string>> = {}): Server => {
  const child = spawn(process.execPath, [binary, 'mcp'], {
    cwd: home.cwd,
    env: { PATH: process.env['PATH'], HOME: home.dir, NIKA_HOME: home.dir, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined);
  const say: Server['say'] = (...messages) => {
    for (const each of messages) child.stdin.write(typeof each === 'string' ? each : `${JSON.stringify(each)}\n`);
  };
  return { ...follow(child), say };
};

const request = (id: number, method: string, params: Readonly<Record<string, unknown>> = {}) => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
});
const HELLO = [
  request(1, 'initialize', {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'raw', version: '1' },
  }),
  { jsonrpc: '2.0', method: 'notifications/initialized' },
];
const callOf = (id: number, name: string, input: unknown = {}) => request(id, 'tools/call', { name, arguments: input });

interface Spoken {
  readonly jsonrpc: string;
  readonly id?: number;
  readonly error?: { readonly code: number };
  readonly result?: { readonly isError?: boolean; readonly content?: readonly { readonly text: string }[] };
}
const spoken = (stdout: string): readonly Spoken[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Spoken);

describe('the tools as an agent sees them', () => {
  it('are told in less than 12,000 characters, each with a schema that allows nothing else', async () => {
    await using agent = await McpAgent.open(home);
    const tools = await agent.tools();
    expect(tools.map(({ name }) => name)).toEqual([
      'jobs',
      'start_pod',
      'dispatch',
      'wait',
      'result',
      'fleet',
      'digest',
      'pod_observe',
      'memory_search',
      'memory_count',
      'send',
      'signal',
      'signals',
      'stop',
      'claim_path',
      'release_path',
      'claims',
      'memory_put',
      'memory_get',
      'memory_list',
      'contract',
      'review_list',
      'review_decide',
      'note',
    ]);
    for (const { inputSchema } of tools)
      expect(inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
    const inContext = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
    expect(JSON.stringify(inContext).length).toBeLessThan(12_000);
    expect(agent.instructions.length).toBeLessThan(500);
  });

  it('list the jobs with their inputs, broken ones as such, and one in full', async () => {
    addJob(
      home,
      'typed',
      'inputs: { to: { required: true, enum: [a, b], description: Where to. }, n: { type: number, default: 3, min: 1, max: 9, integer: true } }\ncommand: "true"',
    );
    addJob(home, 'wrong', 'comand: "true"');
    await using agent = await McpAgent.open(home);
    const lines = (await agent.call('jobs')).text.split('\n');
    expect(lines).toContain('typed(to: string, n?: number = 3): A job of a test.');
    expect(lines.at(-1)).toBe('wrong: cannot be started, its file has mistakes (nika job check wrong)');
    expect((await agent.call('jobs', { name: 'typed' })).text).toBe(
      'typed: A job of a test.\nInputs:\n- to: string (required, "a"|"b") – Where to.\n- n?: number = 3 (whole, from 1, to 9)',
    );
  });

  it('answer in as many characters as the settings allow, and say what is left out', async () => {
    writeFileSync(join(home.dir, 'config/nika.yaml'), 'mcp: { maxAnswerChars: 500 }\n');
    for (let at = 0; at < 30; at += 1) addJob(home, `job-${at}`, 'command: "true"');
    await using agent = await McpAgent.open(home);
    const { text } = await agent.call('jobs');
    expect(text.length).toBeLessThanOrEqual(500);
    expect(text).toMatch(/\n… and \d+ more; give a name to see one\.$/);
  });
});

describe('M2: what goes wrong is an answer, and the server goes on', () => {
  it('where a client speaks no JSON, no protocol, or of what is not there; standard output stays clean (M1)', async () => {
    const server = startServer();
    server.say(...HELLO, 'this is no JSON\n', '{"jsonrpc":"1.0"}\n', '\n', request(2, 'resources/list'));
    server.say(request(3, 'tools/call', { name: 7 }), callOf(4, 'no_such_tool'), callOf(5, 'wait', { timeout_s: -1 }));
    server.say(callOf(6, 'wait', []), callOf(7, 'claim_path', { path: 'a\0b', why: 'x' }), callOf(8, 'fleet'));
    await server.printed('No pod runs here');
    server.child.stdin?.end();
    const { code, stdout, stderr } = await server.ended;
    const answers = new Map(spoken(stdout).map((answer) => [answer.id, answer]));
    expect(answers.get(2)?.error?.code).toBe(-32_601);
    for (const id of [3, 6]) expect(answers.get(id)?.error?.code).toBeLessThan(0);
    for (const id of [4, 5, 7]) expect(answers.get(id)?.result?.isError).toBe(true);
    expect(answers.get(8)?.result?.isError).toBeUndefined();
    expect(stderr).toMatch(/nika mcp: .*JSON/);
    expect(code).toBe(0);
  });

  it('where the settings are wrong: the answer says so, also when that begins and ends while it runs', async () => {
    await using agent = await McpAgent.open(home);
    writeFileSync(join(home.dir, 'config/nika.yaml'), 'mcp: { maxDeph: 3 }\n');
    expect(await agent.call('fleet')).toEqual({
      isError: true,
      text: expect.stringMatching(/mcp\.maxDeph[^]*NIKA_CONFIG_INVALID/),
    });
    writeFileSync(join(home.dir, 'config/nika.yaml'), '');
    expect((await agent.call('fleet')).isError).toBe(false);
  });

  it('where the home cannot be written: nothing is started or claimed, and what can be read is', async () => {
    writeFileSync(join(home.dir, 'run'), 'a file where a folder should be');
    await using agent = await McpAgent.open(home);
    for (const [tool, input] of [
      ['start_pod', { job: 'long' }],
      ['claim_path', { path: 'x', why: 'y' }],
    ] as const) {
      const told = await agent.call(tool, input);
      expect(told).toEqual({ isError: true, text: expect.stringMatching(/(ENOTDIR|EEXIST)[^]*Tell the person/) });
    }
    expect((await agent.call('jobs')).text).toContain('long');
    expect(await agent.call('note', { text: 'x' })).toEqual({
      isError: true,
      text: expect.stringMatching(/^you run outside of pods/),
    });
    rmSync(join(home.dir, 'run'));
  });
});

describe('M3: when its client is gone', () => {
  it('in the middle of a wait, the server ends, and the pod goes on', async () => {
    const server = startServer();
    server.say(...HELLO, callOf(2, 'start_pod', { job: 'long', id: 'JOB-long' }));
    await server.printed('JOB-long has started');
    server.say(callOf(3, 'wait', { ids: ['JOB-long'] }));
    await untilTool(home, 'JOB-long');
    server.child.stdin?.destroy();
    server.child.stdout?.destroy();
    expect((await server.ended).code).toBe(0);
    expect(recordOf(home, 'JOB-long')?.end).toBeNull();
  });

  it('after its last word, what it asked before is still answered', async () => {
    const server = startServer();
    server.say(...HELLO, callOf(2, 'jobs'), callOf(3, 'start_pod', { job: 'long', id: 'JOB-x' }), callOf(4, 'fleet'));
    server.child.stdin?.end();
    const { code, stdout } = await server.ended;
    expect(spoken(stdout).map(({ id }) => id)).toEqual(expect.arrayContaining([1, 2, 3, 4]));
    expect(code).toBe(0);
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('or %s tells it to end, it ends', async (signal, code) => {
    const server = startServer();
    server.say(...HELLO);
    await server.printed('serverInfo');
    server.child.kill(signal);
    expect((await server.ended).code).toBe(code);
  });
});

describe('what agents are told of the server', () => {
  it('starts it in its pod, holds no secret, and names what a filtering agent has to pass on', async () => {
    const env = {
      NIKA_HOME: home.dir,
      NIKA_ENTITY_ID: 'JOB-x',
      NIKA_SOCKET: '/run/x.sock',
      OPENAI_API_KEY: 'sk-secret',
      PATH: process.env['PATH'],
      GONE: undefined,
    };
    const told = mcpServerCommand(env);
    expect(told.env).toEqual({ NIKA_HOME: home.dir, NIKA_ENTITY_ID: 'JOB-x', NIKA_SOCKET: '/run/x.sock' });
    expect(told.inherit).toEqual(['OPENAI_API_KEY', 'PATH']);
    expect(JSON.stringify(told)).not.toContain('sk-secret');
    const child = spawn(told.command, told.args, {
      cwd: home.cwd,
      env: { ...told.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const server = follow(child);
    child.stdin.end(`${[...HELLO, callOf(2, 'fleet')].map((each) => JSON.stringify(each)).join('\n')}\n`);
    expect((await server.ended).stdout).toContain('You run in JOB-x.');
  });
});

describe('the SDK of the protocol', () => {
  it.each(['--help', 'mcp --help', 'job list', 'pod ls', 'tree', 'completion bash', 'pod start quick', 'doctor'])(
    'is not loaded by other commands: nika %s',
    async (command) => {
      addJob(home, 'quick', 'command: "true"');
      const log = join(home.dir, 'loaded');
      await home.start(command.split(' '), { NODE_OPTIONS: loadHookOption(log) }).ended;
      const files = loadedFiles(log);
      expect(files.length).toBeGreaterThan(0);
      expect(files.filter(holdsMcpSdk)).toEqual([]);
    },
  );

  it('is found by this check where it is loaded', async () => {
    const log = join(home.dir, 'loaded');
    const server = startServer({ NODE_OPTIONS: loadHookOption(log) });
    server.child.stdin?.end();
    await server.ended;
    expect(loadedFiles(log).some(holdsMcpSdk)).toBe(true);
  });
});

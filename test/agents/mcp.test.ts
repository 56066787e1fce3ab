/** The tools of `nika mcp` in the hands of the real agents, added to each as docs/mcp.md says. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AGENT_KINDS, type AgentKind } from '../../src/model/agent.ts';
import { addJob } from '../mcp.ts';
import { binary } from '../nika.ts';
import { recordsOf } from '../pods.ts';
import type { ScriptedCall, ScriptedInput, Step } from '../servers/model/script.ts';
import { AgentHome } from './agent-home.ts';

interface Adding {
  /** As the agent names a tool of the server. */
  readonly call: (tool: string, input: ScriptedCall['input']) => ScriptedCall;
  readonly file: string;
  /** The agent's settings with the server in them. */
  readonly withServer: (settings: string, env: Readonly<Record<string, string>>) => string;
}

const command = process.execPath;
const args = [binary, 'mcp'];

const asJson =
  (key: string, server: (env: Readonly<Record<string, string>>) => object) =>
  (settings: string, env: Readonly<Record<string, string>>): string =>
    JSON.stringify({ ...(JSON.parse(settings) as object), [key]: { nika: server(env) } });

const ADDING: Readonly<Record<AgentKind, Adding>> = {
  'claude-code': {
    call: (tool, input) => ({ tool: `mcp__nika__${tool}`, input }),
    file: '.claude.json',
    withServer: asJson('mcpServers', (env) => ({ type: 'stdio', command, args, env })),
  },
  codex: {
    call: (tool, input) => ({ tool, namespace: 'mcp__nika', input }),
    file: '.codex/config.toml',
    withServer: (settings, env) => {
      const pairs = Object.entries(env).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
      const server = `command = ${JSON.stringify(command)}\nargs = ${JSON.stringify(args)}\nenv = { ${pairs.join(', ')} }`;
      return `${settings}\n[mcp_servers.nika]\n${server}\nenv_vars = ["SCRIPTED_API_KEY"]\n`;
    },
  },
  gemini: {
    call: (tool, input) => ({ tool: `mcp_nika_${tool}`, input }),
    file: '.gemini/settings.json',
    withServer: asJson('mcpServers', (env) => ({ command, args, env: { ...env, GEMINI_API_KEY: '$GEMINI_API_KEY' } })),
  },
  opencode: {
    call: (tool, input) => ({ tool: `nika_${tool}`, input }),
    file: '.config/opencode/opencode.json',
    withServer: asJson('mcp', (environment) => ({ type: 'local', command: [command, ...args], environment })),
  },
};

const addServer = (home: AgentHome, { file, withServer }: Adding, env: Readonly<Record<string, string>>): void => {
  const path = join(home.user, file);
  let settings = '{}';
  try {
    settings = readFileSync(path, 'utf8');
  } catch {
    // the CLI has none yet
  }
  writeFileSync(path, withServer(settings, env));
};

/** The pod that was started last. */
const startedIn = (results: readonly string[]): string =>
  results.flatMap((text) => /(JOB-[\w.-]+) has started/.exec(text)?.[1] ?? []).at(-1) ?? '';

const steps = (call: Adding['call']): readonly Step[] => [
  { calls: [call('jobs', {})] },
  { calls: [call('claim_path', { path: 'api/', ttl_s: 60, why: 'new routes' })] },
  { calls: [call('start_pod', { job: 'sum', inputs: { to: 4 } })] },
  { calls: [call('wait', (results): ScriptedInput => ({ ids: [startedIn(results)] }))] },
  { calls: [call('result', { id: 'JOB-none' })] },
];

const WANTED = [
  /sum\(to: number\): A job of a test\./,
  /\/api is yours\. Free by itself in 1m/,
  /JOB-\S+ has started: sum in /,
  /It has ended\.\s*(\\n)?JOB-\S+ sum: completed, exit code 0[^]*1 2 3 4/,
  /no pod \\*"JOB-none\\*" is known[^]*Call fleet/,
];

const SUM = 'inputs: { to: { type: number, required: true } }\ncommand: [sh, -c, "seq -s \' \' ${{ inputs.to }}"]';

describe.each(AGENT_KINDS)('%s', (kind) => {
  it('sees the tools, starts a pod, waits for it and reads why something was refused', async () => {
    const adding = ADDING[kind];
    await using home = await AgentHome.open(kind, { main: steps(adding.call) });
    addJob(home, 'sum', SUM);
    addServer(home, adding, { NIKA_HOME: home.dir });
    const { code, stderr } = await home.runAlone('Do what the script says.');
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const results = home.model.calls.map(({ id }) => home.model.results.get(id) ?? 'no result');
    expect(results).toEqual(WANTED.map((wanted) => expect.stringMatching(wanted)));
    expect(recordsOf(home).map(({ job, parent, end }) => [job, parent, end?.status])).toEqual([
      ['sum', null, 'completed'],
    ]);
    expect(home.processes).toEqual([]);
  });
});

describe.each(AGENT_KINDS)('%s in a pod', (kind) => {
  it('starts pods below its own', async () => {
    const adding = ADDING[kind];
    await using home = await AgentHome.open(kind, { main: steps(adding.call) });
    addJob(home, 'sum', SUM);
    addJob(home, 'agent', `agent: ${kind}\nprompt: Do what the script says.\npermission: full`);
    const { code, stdout, stderr } = await home.nika('pod', 'start', 'agent', '--id', 'JOB-agent');
    expect({ code, said: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, said: '' });
    const child = recordsOf(home).find(({ job }) => job === 'sum');
    expect(child).toMatchObject({ parent: 'JOB-agent', root: 'JOB-agent', end: { status: 'completed' } });
    const lines = home.lines('channels/JOB-agent.jsonl');
    expect(lines.filter(({ type }) => type === 'note').map(({ data }) => data['text'])).toEqual([
      expect.stringMatching(/^claimed \/.*\/api for 1m: new routes$/),
    ]);
    const tools = lines.filter(({ type }) => type === 'tool_call').map(({ data }) => data['tool_name'] ?? data['tool']);
    expect(tools.map((name) => String(name).replace(/^(mcp_)?_?nika_+/, ''))).toEqual([
      'jobs',
      'claim_path',
      'start_pod',
      'wait',
      'result',
    ]);
    expect(home.processes).toEqual([]);
  });
});

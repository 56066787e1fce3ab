/** Claude Code, the real one, as a pod. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Script } from '../servers/model/script.ts';
import { describeAgent } from './agent-cases.ts';
import { describeFaults } from './agent-faults.ts';
import { AgentHome } from './agent-home.ts';
import { type AgentTruth, expectCalls, stepOf } from './agent-truth.ts';
import { callsOf } from './bus-calls.ts';
import { claude } from './cli/claude.ts';

const truth: AgentTruth = {
  tell: ({ tool, input }) => ({ tool: tool === 'Task' ? 'Agent' : tool, input }),
  exits: (code) => (code === 0 ? {} : { exit: code }),
  miss: { ok: false },
  unknown: { ok: false, source: 'stream' },
  invalid: { ok: false, source: 'stream' },
  denied: { ok: false },
  refused: { ok: false },
  hears: 'tool call',
  interrupted: { ok: false, interrupted: true },
  sub: 'general-purpose',
};

describeAgent('claude-code', truth);
describeFaults('claude-code', truth);

const { words } = claude;
const TWO_CALLS: Script = { main: [stepOf(words.shell('echo one')), stepOf(words.shell('exit 3'))] };

/** As a user or a project has it. */
const writeSettings = (folder: string, settings: unknown): void => {
  mkdirSync(join(folder, '.claude'), { recursive: true });
  writeFileSync(join(folder, '.claude/settings.json'), JSON.stringify(settings));
};

describe('the hooks of nika in Claude Code', () => {
  it('stand beside those of the user, which are called too', async () => {
    await using home = await AgentHome.open('claude-code', TWO_CALLS);
    const log = join(home.user, 'calls.log');
    const hook = { type: 'command', command: `cat >> ${log}; echo >> ${log}` };
    writeSettings(home.user, { hooks: { PreToolUse: [{ hooks: [hook] }] } });
    home.agentJob();
    expect((await home.runPod()).code).toBe(0);
    expectCalls(home, truth, [truth.exits(0), { ...truth.exits(3), ok: false }]);
    expect(readFileSync(log, 'utf8').match(/PreToolUse/g)).toHaveLength(2);
  });

  it('G9: are not called with --bare: the calls are recorded from its output, and nika says so', async () => {
    await using home = await AgentHome.open('claude-code', TWO_CALLS);
    home.agentJob('args: [--bare]');
    const { code, stdout, stderr } = await home.runPod();
    expect([code, stdout + stderr]).toEqual([0, expect.stringContaining('calls no hooks')]);
    expectCalls(home, truth, [{ source: 'stream' }, { ...truth.exits(3), ok: false, source: 'stream' }]);
  });
});

it('waits while the model is busy, and says so', async () => {
  const fault = { kind: 'status', status: 529, times: 2 } as const;
  await using home = await AgentHome.open('claude-code', { main: [{ ...stepOf(words.shell('echo one')), fault }] });
  home.agentJob();
  expect((await home.runPod()).code).toBe(0);
  const conditions = home.channel.filter(({ type }) => type === 'condition').map(({ data }) => data);
  const told = conditions.map(({ condition, reason }) => `${String(condition)} ${String(reason)}`);
  expect([told.at(0), told.at(-1)]).toEqual(['pod_waiting rate_limit', 'pod_back rate_limit']);
  expect(told.filter((one) => one.startsWith('pod_back'))).toHaveLength(1);
});

it('goes on with a session that is resumed', async () => {
  await using home = await AgentHome.open('claude-code', {
    main: [
      stepOf(words.shell('echo one')),
      { text: 'First done.' },
      stepOf(words.shell('echo two')),
      { text: 'Second done.' },
    ],
  });
  home.agentJob('inputs: { session: { default: "" } }\nresume: ${{ inputs.session }}');
  expect((await home.runPod()).stdout).toContain('First done.');
  const first = home.channel.find(({ type }) => type === 'agent_session')?.data['agent_session_id'];
  const again = await home.nika('pod', 'start', 'agent', '--id', 'JOB-again', '-i', `session=${String(first)}`);
  expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('Second done.')]);
  const sessions = home.lines('channels/JOB-again.jsonl').filter(({ type }) => type === 'agent_session');
  expect(sessions.map(({ data }) => [data['agent_session_id'], data['resumed']])).toContainEqual([first, true]);
  expect(home.model.heard()).toContain('First done.');
  expect(callsOf(home).map(({ input }) => input)).toMatchObject([{ command: 'echo one' }]);
});

it('works in twenty pods at once, and no record is lost', async () => {
  const names = Array.from({ length: 20 }, (_, at) => `LANE${String.fromCodePoint(65 + at)}`);
  const lane = (name: string) => Array.from({ length: 5 }, (_, at) => stepOf(words.shell(`echo ${name}-${at}`)));
  const lanes = Object.fromEntries(names.map((name) => [name, lane(name)]));
  await using home = await AgentHome.open('claude-code', { main: [], ...lanes });
  home.agentJob('inputs: { what: { required: true } }', 'full', '${{ inputs.what }}');
  const pods = names.map((name) =>
    home.nika('pod', 'start', 'agent', '-q', '--id', `JOB-${name}`, '-i', `what=${name}`),
  );
  const ends = await Promise.all(pods);
  expect(ends.filter(({ code }) => code !== 0)).toEqual([]);
  for (const name of names) {
    const calls = home.lines(`channels/JOB-${name}.jsonl`).filter(({ type }) => type === 'tool_call');
    const commands = calls.map(({ data }) => (data['tool_input'] as { readonly command: string }).command);
    expect(commands).toEqual(Array.from({ length: 5 }, (_, at) => `echo ${name}-${at}`));
  }
  expect((await home.nika('bus', 'verify')).code).toBe(0);
});

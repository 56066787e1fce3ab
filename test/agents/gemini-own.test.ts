/** Gemini CLI, the real one: what is true of no other agent. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Script, ScriptedCall } from '../servers/model/script.ts';
import { AgentHome } from './agent-home.ts';
import { stepOf } from './agent-truth.ts';
import { callsOf } from './bus-calls.ts';
import { AGENT_CLIS } from './cli/cli-cache.ts';

const { words } = AGENT_CLIS.gemini;
const script: Script = { main: [stepOf(words.shell('echo one')), stepOf(words.shell('echo two'))] };
const SYSTEM = '/etc/gemini-cli/settings.json';

const toldOf = (home: AgentHome): readonly string[] =>
  callsOf(home).map(({ tool, ok, source }) => `${tool} ${source} ${ok ? 'ok' : 'failed'}`);

const TOLD = ['run_shell_command hook ok', 'run_shell_command hook ok'];

/** A hook that says that it was called. */
const markingHook = (mark: string) => ({
  AfterTool: [{ hooks: [{ name: 'own', type: 'command', command: `cat >/dev/null; echo hooked >> ${mark}` }] }],
});

const writeJson = (path: string, value: unknown): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(value));
};

/** Puts something into the settings of the agent's user. */
const addToUser = (home: AgentHome, more: Readonly<Record<string, unknown>>): void => {
  const path = join(home.user, '.gemini/settings.json');
  writeJson(path, { ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...more });
};

describe('Gemini CLI', () => {
  it('keeps its hooks where user and project switch hooks off, and those of the user and the project', async () => {
    await using home = await AgentHome.open('gemini', script);
    home.agentJob();
    const mark = join(home.dir, 'mark');
    const off = { hooksConfig: { enabled: false, disabled: ['nika', 'hook.sh', 'BeforeTool'] } };
    addToUser(home, { ...off, hooks: markingHook(mark) });
    writeJson(join(home.cwd, '.gemini/settings.json'), {
      ...off,
      hooks: { BeforeTool: [], ...markingHook(`${mark}-of-project`) },
    });
    writeFileSync(join(home.cwd, '.env'), `GEMINI_CLI_SYSTEM_SETTINGS_PATH=${join(home.dir, 'none.json')}\n`);
    const { code, stdout } = await home.runPod();
    expect([code, stdout]).toEqual([0, expect.not.stringContaining('hooks:')]);
    expect(toldOf(home)).toEqual(TOLD);
    for (const path of [mark, `${mark}-of-project`]) expect(readFileSync(path, 'utf8')).toBe('hooked\nhooked\n');
  });

  it.skipIf(process.getuid?.() !== 0)(
    'keeps what the system settings say, and says where these switch hooks off (G9)',
    async () => {
      if (existsSync(SYSTEM)) throw new Error(`this machine has ${SYSTEM}`);
      await using home = await AgentHome.open('gemini', script);
      home.agentJob();
      const mark = join(home.dir, 'mark');
      try {
        mkdirSync(dirname(SYSTEM), { recursive: true, mode: 0o755 });
        writeFileSync(SYSTEM, `{ // as an administrator has it\n"hooks": ${JSON.stringify(markingHook(mark))}, }`, {
          mode: 0o644,
        });
        expect((await home.runPod()).code).toBe(0);
        expect(toldOf(home)).toEqual(TOLD);
        expect(readFileSync(mark, 'utf8')).toBe('hooked\nhooked\n');

        home.model.play(script);
        writeFileSync(SYSTEM, '{"hooksConfig":{"enabled":false}}', { mode: 0o644 });
        const { code, stdout } = await home.nika('pod', 'start', 'agent', '--id', 'JOB-off');
        expect([code, stdout]).toEqual([0, expect.stringContaining(`hooks: ${SYSTEM} switches hooks off`)]);
        const sources = home.lines('channels/JOB-off.jsonl').filter(({ type }) => type === 'tool_call');
        expect(sources.map(({ data }) => data['source'])).toEqual(['stream', 'stream']);
      } finally {
        rmSync(dirname(SYSTEM), { recursive: true, force: true });
      }
    },
  );

  it('trusts the folder where the job gives it full permission, and else says what it wants', async () => {
    await using home = await AgentHome.open('gemini', script);
    addToUser(home, { security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: true } } });
    home.agentJob('', 'edit');
    const { code, stdout, stderr } = await home.runPod();
    expect([code, stdout + stderr]).toEqual([55, expect.stringContaining('not running in a trusted directory')]);
    home.agentJob();
    const full = await home.nika('pod', 'start', 'agent', '--id', 'JOB-full');
    expect(full.code).toBe(0);
    expect(home.lines('channels/JOB-full.jsonl').filter(({ type }) => type === 'tool_call')).toHaveLength(2);
  });

  it('makes a call with the input that a hook of the user gave it', async () => {
    await using home = await AgentHome.open('gemini', script);
    writeFileSync(
      join(home.dir, 'config/change.sh'),
      `#!/bin/sh\necho '{"input":{"command":"echo changed","description":"x"}}'\n`,
      { mode: 0o700 },
    );
    home.agentJob('hooks: { pre: [{ command: [../change.sh] }] }');
    expect((await home.runPod()).code).toBe(0);
    expect(callsOf(home).map(({ input }) => input)).toMatchObject([
      { command: 'echo changed' },
      { command: 'echo changed' },
    ]);
    expect([...home.model.results.values()].join('\n')).toContain('changed');
  });

  it('has the calls of subagents that work at once in its own channel: nobody says whose they are', async () => {
    const delegate = (prompt: string): readonly ScriptedCall[] =>
      words.delegate(prompt).flatMap(({ calls = [] }) => calls);
    await using home = await AgentHome.open('gemini', {
      main: [stepOf(...delegate('Count the LEFT sheep.'), ...delegate('Count the RIGHT sheep.'))],
      LEFT: [stepOf(words.shell('sleep 0.5; echo left')), words.conclude('One.')],
      RIGHT: [stepOf(words.shell('sleep 0.5; echo right')), words.conclude('Two.')],
    });
    home.agentJob();
    expect((await home.runPod()).code).toBe(0);
    const calls = callsOf(home).filter(({ tool }) => tool === 'run_shell_command');
    expect(calls.map(({ sub, ok, source }) => [sub, ok, source])).toEqual([
      [undefined, true, 'hook'],
      [undefined, true, 'hook'],
    ]);
    const summaries = home.channel
      .filter(({ type }) => type === 'subagent_completed')
      .map(({ data }) => data['summary']);
    expect(new Set(summaries)).toEqual(new Set(['One.', 'Two.']));
  });

  it('did not end well where it goes in circles', async () => {
    await using home = await AgentHome.open('gemini', {
      main: Array.from({ length: 12 }, () => stepOf(words.shell('echo again'))),
    });
    home.agentJob();
    const { code, stdout, stderr } = await home.runPod();
    expect([code, stdout + stderr]).toEqual([1, expect.stringMatching(/loop/i)]);
    expect(callsOf(home).length).toBe(home.model.results.size);
  });

  it('goes on with its session', async () => {
    await using home = await AgentHome.open('gemini', {
      main: [stepOf(words.shell('echo one')), { text: 'One is done.' }, stepOf(words.shell('echo two'))],
    });
    home.agentJob();
    expect((await home.runPod()).code).toBe(0);
    const told = home.channel.find(({ type }) => type === 'agent_session');
    expect(told?.data['agent_session_id']).toBe(told?.meta['session_id']); // nika's own
    home.agentJob(`resume: ${String(told?.data['agent_session_id'])}`);
    expect((await home.nika('pod', 'start', 'agent', '--id', 'JOB-again')).code).toBe(0);
    const again = home.lines('channels/JOB-again.jsonl');
    expect(again.find(({ type }) => type === 'agent_session')?.data).toMatchObject({
      agent_session_id: told?.data['agent_session_id'],
      resumed: true,
    });
    const calls = again.filter(({ type }) => type === 'tool_call').map(({ data }) => data['tool_input']);
    expect(calls).toMatchObject([{ command: 'echo two' }]);
    expect(again.filter(({ type }) => type === 'usage')).toHaveLength(2); // not what it used before
  });

  it('gives what it runs none of the options that it was started with itself', async () => {
    await using home = await AgentHome.open('gemini', {
      main: [stepOf(words.shell('echo options=$NODE_OPTIONS here'))],
    });
    home.agentJob();
    expect((await home.runPod()).code).toBe(0);
    expect([...home.model.results.values()].join('\n')).toContain('options= ');
  });

  it('fails after as many turns as the job says', async () => {
    await using home = await AgentHome.open('gemini', {
      main: Array.from({ length: 9 }, (_, at) => stepOf(words.shell(`echo ${at}`))),
    });
    home.agentJob('max_turns: 2');
    const { code, stdout, stderr } = await home.runPod();
    expect([code, stdout + stderr]).toEqual([53, expect.stringContaining('max session turns')]);
    expect(callsOf(home)).toHaveLength(2);
  });
});

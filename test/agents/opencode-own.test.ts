/** opencode, the real one: what is true of no other agent. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Script } from '../servers/model/script.ts';
import { AgentHome, JOB } from './agent-home.ts';
import { stepOf } from './agent-truth.ts';
import { callsOf } from './bus-calls.ts';
import { AGENT_CLIS } from './cli/cli-cache.ts';

const { words } = AGENT_CLIS.opencode;
const script: Script = { main: [stepOf(words.shell('echo one')), stepOf(words.shell('echo two'))] };

const toldOf = (home: AgentHome): readonly string[] =>
  callsOf(home).map(({ tool, ok, source }) => `${tool} ${source} ${ok ? 'ok' : 'failed'}`);

/** Of the user or of the project: it says that it was called, and breaks what it can. */
const pluginText = (mark: string): string => `
import { appendFileSync } from 'node:fs';
export const own = async () => ({
  'tool.execute.before': async ({ tool }) => appendFileSync(${JSON.stringify(mark)}, tool + '\\n'),
  event: async () => { throw new Error('a bug of its own'); },
});
`;

describe('opencode', () => {
  it('keeps its hooks where the files of the project say otherwise, and the plugins of user and project', async () => {
    await using home = await AgentHome.open('opencode', script);
    home.agentJob();
    const config = '{"$schema":"https://opencode.ai/config.json","plugin":[],"share":"disabled"}';
    writeFileSync(join(home.cwd, 'opencode.json'), config);
    writeFileSync(join(home.cwd, '.env'), 'OPENCODE_PURE=1\nOPENCODE_CONFIG_CONTENT={}\n');
    const marks = ['of-project', 'of-user'].map((name) => join(home.dir, name));
    for (const [at, dir] of [join(home.cwd, '.opencode'), join(home.user, '.config/opencode')].entries()) {
      mkdirSync(join(dir, 'plugin'), { recursive: true });
      writeFileSync(join(dir, 'plugin/own.js'), pluginText(marks[at] ?? ''));
    }
    const { code, stdout } = await home.runPod();
    expect([code, stdout]).toEqual([0, expect.not.stringContaining('hooks:')]);
    expect(toldOf(home)).toEqual(['bash hook ok', 'bash hook ok']);
    expect(marks.map((mark) => readFileSync(mark, 'utf8'))).toEqual(['bash\nbash\n', 'bash\nbash\n']);
    expect(readFileSync(join(home.cwd, 'opencode.json'), 'utf8')).toBe(config);
  });

  it('says that no plugin is loaded where its user wants none, and records from its output (G9)', async () => {
    await using home = await AgentHome.open('opencode', script);
    home.agentJob('args: [--pure]');
    const { code, stdout } = await home.runPod();
    expect([code, stdout]).toEqual([0, expect.stringContaining('hooks: opencode loads no plugins (--pure)')]);
    expect(toldOf(home)).toEqual(['bash stream ok', 'bash stream ok']);
  });

  it('may not do more than the job says, whatever the project allows its agents', async () => {
    await using home = await AgentHome.open('opencode', (workspace) => ({
      main: [
        stepOf(words.shell('echo one')),
        stepOf(words.write(join(workspace, 'note.txt'), 'one\n')),
        stepOf(words.miss(join(workspace, 'missing.txt'))),
      ],
    }));
    home.agentJob('', 'read');
    const all = { '*': 'allow', bash: 'allow', edit: 'allow' };
    writeFileSync(
      join(home.cwd, 'opencode.json'),
      JSON.stringify({ permission: all, agent: { build: { permission: all } } }),
    );
    expect((await home.runPod()).code).toBe(0);
    expect(toldOf(home)).toEqual(['bash hook failed', 'write hook failed', 'read hook failed']);
    expect(existsSync(join(home.cwd, 'note.txt'))).toBe(false);
    const errors = home.channel.filter(({ type }) => type === 'tool_call').map(({ data }) => data['error']);
    expect(errors).toEqual([
      expect.stringContaining('unavailable tool'),
      expect.stringContaining('unavailable tool'),
      expect.stringContaining('File not found'), // it was read
    ]);
  });

  it('does not wait for npm where there is no network, and what it runs has npm as it was', async () => {
    await using home = await AgentHome.open('opencode', {
      main: [
        stepOf(words.shell('env | grep -c -e ^npm_config_fetch_retry -e opencode-plugin')),
        stepOf(words.shell('echo two')),
      ],
    });
    home.agentJob();
    const beganMs = performance.now();
    // Without this npm tries three times, 10 and 60 seconds apart.
    await home.start(['pod', 'start', 'agent', '--id', JOB], { npm_config_fetch_retries: '2' }).ended;
    expect(performance.now() - beganMs).toBeLessThan(60_000);
    expect(callsOf(home).map(({ exit }) => exit)).toEqual([1, 0]); // grep counted none
  });

  it('makes a call with the input that a hook of the user gave it', async () => {
    await using home = await AgentHome.open('opencode', script);
    writeFileSync(
      join(home.dir, 'config/change.sh'),
      '#!/bin/sh\necho \'{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow","updatedInput":{"command":"echo changed","description":"x"}}}\'\n',
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

  it('goes on with its session', async () => {
    await using home = await AgentHome.open('opencode', {
      main: [stepOf(words.shell('echo one')), { text: 'One is done.' }, stepOf(words.shell('echo two'))],
    });
    home.agentJob();
    expect((await home.runPod()).code).toBe(0);
    const session = String(home.channel.find(({ type }) => type === 'agent_session')?.data['agent_session_id']);
    home.agentJob(`resume: ${session}`);
    const { code } = await home.nika('pod', 'start', 'agent', '--id', 'JOB-again');
    expect(code).toBe(0);
    const again = home.lines('channels/JOB-again.jsonl');
    expect(again.find(({ type }) => type === 'agent_session')?.data).toMatchObject({
      agent_session_id: session,
      resumed: true,
    });
    expect(again.filter(({ type }) => type === 'tool_call').map(({ data }) => data['tool_input'])).toMatchObject([
      { command: 'echo two' },
    ]);
    expect(again.filter(({ type }) => type === 'usage')).toHaveLength(2); // not what it used before
  });

  it('is told to come to an end after as many turns as the job says', async () => {
    await using home = await AgentHome.open('opencode', {
      main: Array.from({ length: 9 }, (_, at) => stepOf(words.shell(`echo ${at}`))),
    });
    home.agentJob('max_turns: 2');
    await home.runPod();
    expect(home.model.heard()).toContain('MAXIMUM STEPS'); // it leaves it at that
  });
});

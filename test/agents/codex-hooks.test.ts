/** Codex, the real one: which of its hooks come, and what is known where they do not. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { trustHash } from '../../src/agents/codex/codex-flags.ts';
import type { Step } from '../servers/model/script.ts';
import { until } from '../pods.ts';
import { AgentHome, JOB } from './agent-home.ts';
import { stepOf } from './agent-truth.ts';
import { callsOf, type CallEnd, wantedCalls } from './bus-calls.ts';
import { AGENT_CLIS, binDirOf } from './cli/cli-cache.ts';
import { codexCall } from './cli/codex.ts';

const { words } = AGENT_CLIS.codex;

const configOf = (home: AgentHome): string => join(home.user, '.codex/config.toml');

/** A hook of the user's own, which Codex trusts: it writes its name into a file. */
const addUserHook = (home: AgentHome, log: string): void => {
  const command = `cat >/dev/null; echo user >>${log}`;
  const hash = trustHash({ event: 'PreToolUse', command, timeoutS: 5 });
  appendFileSync(
    configOf(home),
    `
[[hooks.PreToolUse]]
[[hooks.PreToolUse.hooks]]
type = "command"
command = "${command}"
timeout = 5
[hooks.state."${configOf(home)}:pre_tool_use:0:0"]
trusted_hash = "${hash}"
[projects."${home.cwd}"]
trust_level = "trusted"
`,
  );
};

/** All programs of the system but some. */
const binWithout = (programs: readonly string[], home: AgentHome): string => {
  const bin = join(home.dir, 'without');
  mkdirSync(bin);
  for (const folder of ['/usr/bin', '/bin', '/usr/sbin', '/sbin']) {
    for (const name of readdirSync(folder)) {
      try {
        if (!programs.includes(name)) symlinkSync(join(folder, name), join(bin, name));
      } catch {
        // it was in the folder before, too
      }
    }
  }
  return [binDirOf(home.cli), dirname(process.execPath), bin].join(delimiter);
};

const MIXED = (workspace: string): { readonly steps: readonly Step[]; readonly ends: readonly CallEnd[] } => ({
  steps: [
    stepOf(words.shell('echo one')),
    stepOf(words.shell('echo bad >&2; exit 3')),
    stepOf(words.write(join(workspace, 'note.txt'), 'one\n')),
    stepOf(words.miss(join(workspace, 'missing.txt'))),
    stepOf(words.unknown),
    stepOf(words.invalid),
  ],
  ends: [{ exit: 0 }, { exit: 3, ok: false }, {}, { ok: false }, { ok: false }, { ok: false }],
});

/** Than those that wait for nobody. */
const LONGER_THAN_HOOKS_MS = 3_500;
const OFF = 'hooks: Codex calls no hooks';

describe('Codex', () => {
  it('keeps its hooks where a project switches them off, beside those of the user', async () => {
    await using home = await AgentHome.open('codex', { main: [stepOf(words.shell('echo one'))] });
    const log = join(home.dir, 'user-hooks');
    addUserHook(home, log);
    mkdirSync(join(home.cwd, '.codex'));
    writeFileSync(join(home.cwd, '.codex/config.toml'), '[features]\nhooks = false\n');
    const before = readFileSync(configOf(home), 'utf8');
    home.agentJob();
    const { code, stdout } = await home.runPod();
    expect([code, stdout]).toEqual([0, expect.not.stringContaining('hooks:')]);
    expect(callsOf(home)).toMatchObject([{ source: 'hook', exit: 0 }]);
    expect(readFileSync(log, 'utf8')).toBe('user\n');
    expect(readFileSync(configOf(home), 'utf8')).toBe(before);
  });

  it('says so where hooks are switched off for all, and has each call, of subagents too, from its session files (G9)', async () => {
    await using home = await AgentHome.open('codex', (workspace) => ({
      main: [...MIXED(workspace).steps, ...words.delegate('Count the INNER sheep.')],
      INNER: [stepOf(words.shell('echo inner; exit 4')), words.conclude('There are three sheep.')],
    }));
    home.agentJob('args: [--disable, hooks]');
    const { code, stdout } = await home.runPod();
    expect([code, stdout]).toEqual([0, expect.stringContaining(OFF)]);
    const { ends } = MIXED(home.cwd);
    const inner = { exit: 4, ok: false, sub: 'subagent' };
    const others = home.model.calls.slice(ends.length).map(({ lane }) => (lane === 'INNER' ? inner : {}));
    const wanted = [...ends, ...others].map((end) => ({ ...end, source: 'stream' }));
    expect(callsOf(home)).toEqual(wantedCalls(home, codexCall, wanted));
    const turn = { prompt: 'Do what the script says.', answer: 'All done.', outcome: 'completed' };
    expect(home.channel.filter(({ type }) => type === 'agent_turn').map(({ data }) => data)).toMatchObject([turn]);
    expect(home.channel.find(({ type }) => type === 'subagent_completed')?.data['summary']).toContain('three sheep');
  });

  it('has from its output what neither a hook nor a session file tells', async () => {
    await using home = await AgentHome.open('codex', (workspace) => ({ main: MIXED(workspace).steps }));
    home.agentJob('args: [--disable, hooks, --ephemeral]');
    const { code, stdout } = await home.runPod();
    expect([code, stdout]).toEqual([0, expect.stringContaining(OFF)]);
    expect(callsOf(home)).toMatchObject([
      { tool: 'Bash', ok: true, exit: 0, source: 'stream' },
      { tool: 'Bash', ok: false, exit: 3, source: 'stream' },
      { tool: 'apply_patch', ok: true, source: 'stream' },
    ]);
    expect(home.channel.filter(({ type }) => type === 'usage')).toHaveLength(1);
  });

  it('says that exit codes are not known where it writes no session file', async () => {
    await using home = await AgentHome.open('codex', (workspace) => ({ main: MIXED(workspace).steps }));
    home.agentJob('args: [--ephemeral]');
    const { code, stdout } = await home.runPod();
    expect([code, stdout]).toEqual([0, expect.stringContaining('hooks: Codex writes no session file')]);
    expect(callsOf(home)).toMatchObject([
      { tool: 'Bash', ok: true, exit: undefined },
      { tool: 'Bash', ok: true, exit: undefined },
      { tool: 'apply_patch', ok: true },
      { tool: 'apply_patch', ok: false, interrupted: false },
    ]);
  });

  it('says so where its hooks find neither bash nor curl, and has each call once', async () => {
    await using home = await AgentHome.open('codex', (workspace) => ({ main: MIXED(workspace).steps }));
    home.agentJob();
    const PATH = binWithout(['bash', 'curl'], home);
    const { code, stdout } = await home.start(['pod', 'start', 'agent', '--id', JOB], { PATH }).ended;
    expect([code, stdout]).toEqual([0, expect.stringContaining('hooks: there is no bash and no curl')]);
    const { ends } = MIXED(home.cwd);
    const told = callsOf(home).map((call) => ({ ...call, source: 'either' }));
    expect(told).toEqual(
      wantedCalls(
        home,
        codexCall,
        ends.map((end) => ({ ...end, source: 'either' })),
      ),
    );
    expect(home.channel.filter(({ type }) => type === 'agent_turn')).toHaveLength(1);
  });

  it('waits at its hook as long as a person takes to say whether a call may be made', async () => {
    await using home = await AgentHome.open('codex', { main: [stepOf(words.shell('echo asked'))] });
    home.agentJob(`policy: { ask: ["*: echo*"] }`);
    await home.startPod();
    await until('the pod to ask', () => home.record.beat.status === 'waiting');
    const askedAtMs = performance.now();
    await until('a person to have thought about it', () => performance.now() - askedAtMs > LONGER_THAN_HOOKS_MS);
    expect((await home.nika('pod', 'allow', JOB)).code).toBe(0);
    expect(await home.untilEnded()).toMatchObject({ status: 'completed' });
    expect(callsOf(home)).toMatchObject([{ tool: 'Bash', ok: true, exit: 0, source: 'hook' }]);
  });

  it('is told after its end, as a turn more, what no hook could tell it', async () => {
    await using home = await AgentHome.open('codex', { main: [stepOf(words.shell('touch there; sleep 2'))] });
    home.agentJob('args: [--disable, hooks]');
    await home.startPod();
    await until('its command to run', () => existsSync(join(home.cwd, 'there')));
    expect((await home.nika('pod', 'send', JOB, 'Mind the fourth wall.')).code).toBe(0);
    expect(await home.untilEnded()).toMatchObject({ status: 'completed' });
    expect(home.model.heard()).toContain('Mind the fourth wall.');
    const told = (type: string) => home.channel.filter((line) => line.type === type).map(({ data }) => data);
    expect(told('message_delivered')).toMatchObject([{ how: 'resumed turn', body: 'Mind the fourth wall.' }]);
    expect(told('agent_turn')).toMatchObject([{ outcome: 'completed' }, { prompt: 'Mind the fourth wall.' }]);
    expect(told('usage')).toHaveLength(home.model.requests.length);
  });
});

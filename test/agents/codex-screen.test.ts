/** Codex, the real one, on its own screen: hooked all the same, with a person before it. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { until } from '../pods.ts';
import { AgentHome, JOB } from './agent-home.ts';
import { expectNothingLeft, stepOf } from './agent-truth.ts';
import { callsOf } from './bus-calls.ts';
import { AGENT_CLIS } from './cli/cli-cache.ts';

const { words } = AGENT_CLIS.codex;

/** What a person would have answered before: the folder is trusted, no other model is wanted. */
const CONFIG = (home: AgentHome): string => `
[projects."${home.cwd}"]
trust_level = "trusted"
[notice.model_migrations]
"gpt-5.5" = "gpt-6-sol"
`;

const waitsOf = (home: AgentHome): readonly unknown[] =>
  home.channel.filter(({ data }) => data['condition'] === 'pod_waiting').map(({ data }) => data['reason']);

describe('Codex on its own screen', () => {
  it('is hooked, says when it asks for a permission and when it is idle, and may be typed into', async () => {
    const asks = { sandbox_permissions: 'require_escalated', justification: 'please' };
    await using home = await AgentHome.open('codex', {
      main: [
        stepOf({ tool: 'exec_command', input: { cmd: 'echo asked; exit 3', ...asks } }),
        { text: 'One is done.' },
        stepOf(words.shell('echo two')),
      ],
    });
    appendFileSync(join(home.user, '.codex/config.toml'), CONFIG(home));
    // A terminal of its own: the test's server of tmux, which sees what the test sees.
    const env = { TMUX_TMPDIR: home.dir, TERM: 'xterm-256color' };
    const nika = async (...args: readonly string[]) => (await home.start(args, env).ended).code;
    const untilWaiting = (reason: string, count = 1): Promise<boolean> =>
      until(`it to wait: ${reason}`, () => waitsOf(home).filter((one) => one === reason).length === count);
    const screen = ['run', '-d', '--tmux', '--id', JOB, '--', 'codex', '-s', 'workspace-write', '-a', 'on-request'];
    expect(await nika(...screen, 'do the thing')).toBe(0);
    await untilWaiting('permission');
    expect(await nika('pod', 'send', JOB, 'y')).toBe(0);
    await untilWaiting('idle');
    expect(callsOf(home)).toMatchObject([{ tool: 'Bash', ok: false, exit: 3, source: 'hook' }]);
    expect(await nika('pod', 'send', JOB, 'and more')).toBe(0);
    await until('the second call', () => callsOf(home).length === 2);
    await untilWaiting('idle', 2);
    expect(await nika('pod', 'stop', JOB)).toBe(0);
    expect(await home.untilEnded()).toMatchObject({ status: 'cancelled' });
    const turns = home.channel.filter(({ type }) => type === 'agent_turn').map(({ data }) => data);
    expect(turns).toMatchObject([
      { prompt: 'do the thing', answer: 'One is done.', outcome: 'completed' },
      { prompt: 'and more', answer: 'All done.', outcome: 'completed' },
    ]);
    await expectNothingLeft(home);
  });
});

/** A real agent in a git worktree of its own. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { PodRecord } from '../../src/pod/registry/pod-record.ts';
import { recordsOf, until } from '../pods.ts';
import { AgentHome, JOB } from './agent-home.ts';
import { stepOf } from './agent-truth.ts';
import { AGENT_CLIS } from './cli/cli-cache.ts';

const { words } = AGENT_CLIS['claude-code'];

/** Something is said to the agent that has ended: the pod in which its session goes on, once that has ended too. */
const goOn = async (home: AgentHome): Promise<PodRecord> => {
  const sent = await home.nika('pod', 'send', JOB, 'And once more.');
  return until('the next one to end', () =>
    recordsOf(home).find(({ entity, end }) => entity === sent.stdout.trim() && end?.status === 'completed'),
  );
};

it('works in its worktree; what is said to it later goes on in the same session and place, also after its merge', async () => {
  await using home = await AgentHome.open('claude-code', {
    main: [stepOf(words.shell('echo "$PWD" >> where; git branch --show-current >> where'))],
  });
  home.agentJob('worktree: true');
  const { code, stdout } = await home.runPod();
  expect([code, stdout]).toEqual([
    0,
    expect.stringContaining('1 file changed, 2 insertions(+), on the branch nika/agent-agent'),
  ]);
  const path = realpathSync(join(home.dir, 'run/worktrees', JOB));
  const where = `${path}\nnika/agent-agent\n`;
  expect([readFileSync(join(path, 'where'), 'utf8'), existsSync(join(home.cwd, 'where'))]).toEqual([where, false]);
  const session = home.record.agent?.session;
  const second = await goOn(home);
  expect([second.cwd, second.worktree?.owner, second.agent?.session]).toEqual([path, JOB, session]);
  for (const [name, value] of Object.entries({ name: 'A Test', email: 'test@localhost' })) {
    execFileSync('git', ['config', `user.${name}`, value], { cwd: home.cwd });
  }
  expect((await home.nika('pod', 'merge', JOB, '--commit-first', 'Of the agent')).code).toBe(0);
  expect([existsSync(path), existsSync(join(home.cwd, 'where'))]).toEqual([false, true]);
  const third = await goOn(home);
  expect([third.cwd, third.worktree?.owner, third.agent?.session]).toEqual([path, third.entity, session]);
});

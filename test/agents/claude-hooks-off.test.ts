/** Claude Code, the real one, where somebody switched its hooks off. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AgentHome, JOB } from './agent-home.ts';
import { AGENT_CLIS } from './cli/cli-cache.ts';

const { words } = AGENT_CLIS['claude-code'];
const script = { main: [{ calls: [words.shell('echo one')] }, { calls: [words.shell('echo two')] }] };
/** Where an administrator rules over every session of a machine. */
const MANAGED = '/etc/claude-code';
/** Root may; in a user namespace who is called so may not. */
const mayBind =
  spawnSync('test', ['-w', '/etc']).status === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0;

const START = ['pod', 'start', 'claude', 'go', '-i', 'model=claude-sonnet-4-5', '--id', JOB];

const sourcesOf = (home: AgentHome): readonly unknown[] =>
  home.channels.filter(({ type }) => type === 'tool_call').map(({ data }) => data['source']);

describe('Claude Code', () => {
  it('keeps its hooks where the project switches all hooks off', async () => {
    await using home = await AgentHome.open('claude-code', script);
    mkdirSync(join(home.cwd, '.claude'));
    for (const name of ['settings.json', 'settings.local.json'])
      writeFileSync(join(home.cwd, '.claude', name), '{"disableAllHooks":true}');
    const { code, stdout } = await home.start(START).ended;
    expect([code, stdout]).toEqual([0, expect.not.stringContaining('hooks:')]);
    expect(sourcesOf(home)).toEqual(['hook', 'hook']);
  });

  it.runIf(mayBind)(
    'says that no hooks come where a managed policy allows none, and records from its stream (G9)',
    async () => {
      await using home = await AgentHome.open('claude-code', script);
      const policy = join(home.dir, 'policy');
      mkdirSync(policy);
      writeFileSync(join(policy, 'managed-settings.json'), '{"allowManagedHooksOnly":true}');
      mkdirSync(MANAGED, { recursive: true });
      // For this pod alone: other agents of this machine see nothing of it.
      const bind = `mount --bind ${policy} ${MANAGED} && exec "$@"`;
      const { code, stdout } = await home.start(START, {}, ['unshare', '--mount', 'sh', '-c', bind, 'sh']).ended;
      expect([code, stdout]).toEqual([0, expect.stringContaining('hooks: Claude Code calls no hooks')]);
      expect(sourcesOf(home)).toEqual(['stream', 'stream']);
    },
  );
});

/** `nikaHooks()` with the real Claude Agent SDK, and the real Claude Code that it runs. */
import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callsOf } from '../fixtures/desked-pod.ts';
import { follow } from '../nika.ts';
import { AgentHome } from './agent-home.ts';
import { agentSdk } from './cli/agent-sdk.ts';
import { AGENT_CLIS, binDirOf, folderOf } from './cli/cli-cache.ts';

const { words } = AGENT_CLIS['claude-code'];
const root = join(import.meta.dirname, '../..');

describe('nikaHooks', () => {
  it('has each call of a query on the bus of the pod, with policy, tokens and cost', async () => {
    await using home = await AgentHome.open('claude-code', {
      main: [
        { calls: [words.shell('echo one')] },
        { calls: [words.shell('rm -rf /nowhere')] },
        { calls: [words.shell('exit 4')] },
        { calls: [words.unknown] },
        ...words.delegate('Count the INNER sheep.'),
      ],
      INNER: [{ calls: [words.shell('echo inner')] }, words.conclude('Three.')],
    });
    writeFileSync(join(home.dir, 'config/nika.yaml'), `policy: { deny: ['shell: rm *'] }\n`);
    const claude = join(binDirOf(AGENT_CLIS['claude-code']), 'claude');
    const child = spawn(process.execPath, [join(root, 'test/programs/sdk-pod.ts'), folderOf(agentSdk), claude], {
      cwd: home.cwd,
      env: { ...home.environment, NIKA_HOME: home.dir },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { code, stderr } = await follow(child).ended;
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(callsOf(home.channels).map((call) => call.replace(/ toolu_\S+/, ''))).toEqual([
      'Bash hook ok',
      expect.stringMatching(/^Bash hook failed: denied by/),
      'Bash hook 4 failed: Exit code 4',
      expect.stringMatching(/^NopeTool (hook|stream) failed: /),
      'SUB Bash hook ok',
      'Agent hook ok',
    ]);
    const summary = home.channels.find(({ type }) => type === 'session_end_summary');
    expect(summary?.data['usage']).toMatchObject([{ model: 'claude-sonnet-4-5', cost_from: 'agent' }]);
    const told = home.channels.filter(({ type, data }) => type === 'usage' && data['cost_usd'] !== null);
    expect(told.map(({ data }) => data['scope'])).toEqual(['run']); // counted once: as the agent tells it at its end
    expect(home.channels.some(({ type, data }) => type === 'agent_turn' && data['outcome'] === 'completed')).toBe(true);
  });

  it("fits the SDK's own type of the option", () => {
    const dir = folderOf(agentSdk);
    const file = join(dir, 'fits.ts');
    writeFileSync(
      file,
      `import { query } from '@anthropic-ai/claude-agent-sdk';
       import type { NikaHooks } from '${join(root, 'src/agents/sdk/nika-hooks.ts')}';
       declare const nika: NikaHooks;
       export const messages = query({ prompt: 'x', options: { hooks: nika.hooks } });
       // @ts-expect-error a hook of another form does not fit
       query({ prompt: 'x', options: { hooks: { PreToolUse: [{ hooks: [1] }] } } });`,
    );
    const flags = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'esnext', '--module', 'nodenext'];
    const more = ['--moduleResolution', 'nodenext', '--allowImportingTsExtensions', '--types', 'node'];
    const typeRoots = ['--typeRoots', join(root, 'node_modules/@types')];
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const run = () =>
      execFileSync(process.execPath, [tsc, ...flags, ...more, ...typeRoots, file], { cwd: dir, encoding: 'utf8' });
    expect(run).not.toThrow();
  });
});

/** Claude Code, the real one, where a hook of the user changes what a call is made with. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AgentHome } from './agent-home.ts';
import { AGENT_CLIS } from './cli/cli-cache.ts';

const { words } = AGENT_CLIS['claude-code'];
const script = { main: [{ calls: [words.shell('touch wanted.txt')] }, { text: 'Done.' }] };
const CHANGE = `#!/bin/sh
echo '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow","updatedInput":{"command":"touch changed.txt","description":"x"}}}'
`;

describe('Claude Code', () => {
  it.each([
    ['full', true],
    ['ask', false], // nobody is there to allow it
  ] as const)('asks its own permission, %s, for a call that a hook has changed', async (permission, isMade) => {
    await using home = await AgentHome.open('claude-code', script);
    writeFileSync(join(home.dir, 'config/change.sh'), CHANGE, { mode: 0o700 });
    home.agentJob('hooks: { pre: [{ command: [../change.sh] }] }', permission);
    expect((await home.runPod()).code).toBe(0);
    expect(existsSync(join(home.cwd, 'wanted.txt'))).toBe(false);
    expect(existsSync(join(home.cwd, 'changed.txt'))).toBe(isMade);
    const calls = home.channel.filter(({ type }) => type === 'tool_call').map(({ data }) => data);
    expect(calls).toMatchObject([{ tool_name: 'Bash', ok: isMade, tool_input: { command: 'touch changed.txt' } }]);
  });
});

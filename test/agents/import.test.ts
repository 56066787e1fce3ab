/** What the real CLIs, run without nika, leave in their session files is imported: each call that the model made. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { loadAdapter } from '../../src/agents/find-adapter.ts';
import { AGENT_KINDS, type AgentKind } from '../../src/model/agent.ts';
import { age } from '../fixtures/histories/history-text.ts';
import { AgentHome } from './agent-home.ts';
import { AGENT_CLIS } from './cli/cli-cache.ts';

const LABELS: Readonly<Record<AgentKind, string>> = {
  'claude-code': 'claude',
  codex: 'codex',
  opencode: 'opencode',
  gemini: 'gemini',
};

const HOUR_MS = 3_600_000;

/** The sessions of the agent look old: what they hold is over. opencode says itself when it was written to. */
const ageAll = (home: AgentHome): void => {
  for (const name of readdirSync(home.user)) if (name.startsWith('.')) age(join(home.user, name));
  const path = join(home.user, '.local/share/opencode/opencode.db');
  if (!existsSync(path)) return;
  using database = new DatabaseSync(path);
  database.prepare('update session set time_updated = ?').run(Date.now() - 2 * HOUR_MS);
};

/** Which of them nika can run by now. */
const canRun = async (kind: AgentKind): Promise<boolean> =>
  loadAdapter(kind).then(
    () => true,
    () => false,
  );

describe.each(AGENT_KINDS)('nika import of what %s left', (kind) => {
  const { words } = AGENT_CLIS[kind];

  it('has each call of the script once, with its outcome, those of subagents too, and what was used', async () => {
    await using home = await AgentHome.open(kind, (workspace) => ({
      main: [
        { text: 'I look first.', calls: [words.shell('expr 20 + 1')] },
        { calls: [words.shell('echo bad >&2; exit 3')] },
        { calls: [words.write(join(workspace, 'note.txt'), 'one\ntwo\n')] },
        { calls: [words.miss(join(workspace, 'missing.txt'))] },
        { calls: [words.unknown] },
        ...words.delegate('Count the INNER sheep.'),
      ],
      INNER: [{ calls: [words.shell('echo inner')] }, words.conclude('There are three sheep.')],
    }));
    const alone = await home.runAlone('Do what the script says.');
    expect(alone.code).toBe(0);
    ageAll(home);
    const { code, stdout, stderr } = await home.nika('import', LABELS[kind], '--json');
    expect([code, stderr]).toEqual([0, '']);
    const { calls: played, requests } = home.model;
    const told = JSON.parse(stdout) as { readonly calls: number; readonly tokens: number };
    const lines = home.channels.filter(({ type }) => type === 'tool_call');
    const idsOf = (all: readonly string[]): readonly string[] => all.map((id) => id.replace(/^.*__/, '')).toSorted();
    expect(idsOf(lines.map(({ data }) => String(data['tool_use_id'])))).toEqual(idsOf(played.map(({ id }) => id)));
    expect(told.calls).toBe(played.length);
    const endOf = (command: string) => lines.find(({ data }) => JSON.stringify(data['tool_input']).includes(command));
    expect(endOf('expr 20')?.data).toMatchObject({ ok: true, source: 'stream' });
    expect(JSON.stringify(endOf('expr 20')?.data['tool_response'])).toContain('21');
    expect(endOf('exit 3')?.data).toMatchObject({
      ok: false,
      exit_code: 3,
      error: expect.stringContaining('Exit code 3'),
    });
    expect(endOf('missing.txt')?.data['ok']).toBe(false);
    expect(endOf('nope')?.data['ok']).toBe(false);
    expect(endOf('echo inner')?.meta['entity_type']).toBe('SUB');
    const count = requests.filter(({ kind: what }) => what !== 'aside').length;
    expect(home.channels.filter(({ type }) => type === 'usage')).toHaveLength(count);
    expect(home.channels.filter(({ type }) => type === 'agent_turn').map(({ data }) => data)).toMatchObject([
      { prompt: 'Do what the script says.', answer: 'All done.', outcome: 'completed' },
    ]);
    expect((await home.nika('bus', 'verify')).code).toBe(0);
    expect((await home.nika('import', LABELS[kind])).stdout).toContain('nothing new');
  });

  it('leaves alone what nika recorded while it ran', async ({ skip }) => {
    skip(!(await canRun(kind)), 'nika has no adapter for it yet');
    await using home = await AgentHome.open(kind, { main: [{ calls: [words.shell('echo one')] }] });
    home.agentJob();
    expect((await home.runPod()).code).toBe(0);
    ageAll(home);
    const { stdout } = await home.nika('import', LABELS[kind]);
    expect(stdout).toContain('1 nika had recorded while they ran');
  });
});

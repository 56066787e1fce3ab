/**
 * The scripted model that the tests with real agents stand on: each CLI takes it for its own provider, calls what the script
 * says, and tells it what came of each call. Without nika.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AGENT_KINDS, type AgentKind } from '../../src/model/agent.ts';
import type { ModelFault } from '../servers/model/script.ts';
import { AgentHome } from './agent-home.ts';
import { AGENT_CLIS } from './cli/cli-cache.ts';

/** Faults after which an agent does not ask again. */
const ENDS: Partial<Record<AgentKind, readonly ModelFault['kind'][]>> = { gemini: ['error-event', 'cut'] };

describe.each(AGENT_KINDS)('%s', (kind) => {
  const { words, answerIn } = AGENT_CLIS[kind];

  it('plays the script to its end, and tells the model what came of each call', async () => {
    const file = (workspace: string): string => join(workspace, 'note.txt');
    await using home = await AgentHome.open(kind, (workspace) => ({
      main: [
        { text: 'I look first.', calls: [words.shell('expr 20 + 1')] },
        { calls: [words.shell('echo bad >&2; exit 3')] },
        { calls: [words.write(file(workspace), 'one\ntwo\n')] },
        { calls: [words.edit(file(workspace), 'two', 'three')] },
        { calls: [words.shell('expr 20 + 2'), words.shell('expr 20 + 3')] },
        { calls: [words.miss(join(workspace, 'missing.txt'))] },
        { calls: [words.unknown] },
        { calls: [words.invalid] },
      ],
    }));
    const { code, stdout, stderr } = await home.runAlone('Do what the script says.');
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(answerIn(stdout)).toBe('All done.');

    const played = home.model.calls;
    expect(played.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 4, 5, 6, 7]);
    const results = played.map(({ id }) => home.model.results.get(id) ?? `no result of ${id}`);
    expect(results).toEqual([
      expect.stringContaining('21'),
      expect.stringMatching(/bad/),
      expect.not.stringContaining('no result'),
      expect.not.stringContaining('no result'),
      expect.stringContaining('22'),
      expect.stringContaining('23'),
      expect.stringMatching(/not found|not exist|no such file/i),
      expect.stringMatching(/no such tool|unsupported|unavailable|not found/i),
      expect.not.stringContaining('no result'),
    ]);
    expect(readFileSync(file(home.cwd), 'utf8')).toBe('one\nthree\n');
    expect(home.model.requests.filter(({ kind: what }) => what === 'past')).toHaveLength(1);
    expect(home.processes).toEqual([]);
  });

  it('starts a subagent, whose lane is its own', async () => {
    await using home = await AgentHome.open(kind, {
      main: [...words.delegate('Count the INNER sheep.'), { calls: [words.shell('echo outer')] }],
      INNER: [{ calls: [words.shell('echo inner')] }, words.conclude('There are three sheep.')],
    });
    const { code, stdout } = await home.runAlone('Do what the script says.');
    expect(code).toBe(0);
    expect(answerIn(stdout)).toBe('All done.');
    const lanes = home.model.calls.map(({ lane }) => lane);
    expect(lanes.filter((lane) => lane === 'main')).toHaveLength(words.delegate('').length + 1);
    expect(lanes).toContain('INNER');
    expect([...home.model.results.values()].join('\n')).toContain('There are three sheep.');
  });

  it.each<ModelFault>([
    { kind: 'status', status: 429, retryAfterS: 0 },
    { kind: 'status', status: 500 },
    { kind: 'error-event' },
    { kind: 'cut' },
    { kind: 'slow', ms: 500 },
  ])('goes on after a fault of the model, or ends there: $kind $status', async (fault) => {
    await using home = await AgentHome.open(kind, {
      main: [{ calls: [words.shell('echo before')] }, { calls: [words.shell('echo after')], fault }],
    });
    const { code, stdout } = await home.runAlone('Do what the script says.');
    expect(home.model.requests.map(({ fault: met }) => met)).toContain(fault.kind);
    const ends = ENDS[kind]?.includes(fault.kind) ?? false;
    expect(home.model.calls).toHaveLength(ends ? 1 : 2);
    expect(code === 0 && answerIn(stdout) === 'All done.').toBe(!ends);
  });
});

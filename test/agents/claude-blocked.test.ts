/** Claude Code, the real one, while its supervisor is blocked. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { running, until } from '../pods.ts';
import { AgentHome, JOB } from './agent-home.ts';
import { AGENT_CLIS } from './cli/cli-cache.ts';

const { words } = AGENT_CLIS['claude-code'];

describe('Claude Code', () => {
  it('is refused at once when its supervisor was blocked for 3 s: each further call takes its own time (G1)', async () => {
    // The pattern takes for ever on that text: what a pattern of a user's own can do to the supervisor.
    const bad = { name: 'bad', pattern: '(a+)+$' };
    await using home = await AgentHome.open('claude-code', {
      main: [
        { calls: [words.shell(`echo ${'a'.repeat(40)}!`)] },
        ...Array.from({ length: 8 }, () => ({ calls: [words.shell('true')] })),
        { calls: [words.shell('touch finished')] },
      ],
    });
    writeFileSync(join(home.dir, 'config/nika.yaml'), JSON.stringify({ recorder: { redact: [bad] } }));
    await home.start(['pod', 'start', '-d', 'claude', 'go', '-i', 'model=claude-sonnet-4-5', '--id', JOB]).ended;
    await until('the supervisor to be killed', () => home.supervisors.length === 0);
    const killedAtMs = performance.now();
    await until(
      'the agent to be done',
      () => home.model.calls.length === 10 && running('claude').every((pid) => !home.processes.includes(pid)),
    );
    // With hooks that time out: 17 of them, a second each.
    expect(performance.now() - killedAtMs).toBeLessThan(10_000);
    const { stderr } = await home.nika('pod', 'ls');
    expect(stderr).toContain(`lost: ${JOB}`);
  });
});

/** Claude Code, the real one, and what it costs: it tells tokens with each request, and dollars at its end alone. */
import { describe, expect, it } from 'vitest';
import { AgentHome } from './agent-home.ts';
import { expectNothingLeft, stepOf } from './agent-truth.ts';
import { AGENT_CLIS } from './cli/cli-cache.ts';

const { words } = AGENT_CLIS['claude-code'];

/** By the shipped prices $0.30 a request as it begins: what the model writes is told at the end of the run. */
const usage = { input: 100_000, output: 1_000 };
const MODEL = 'model: claude-sonnet-4-5';

const totalOf = async (home: AgentHome): Promise<Readonly<Record<string, number>>> =>
  (JSON.parse((await home.nika('costs', '--json')).stdout) as { total: Record<string, number> }).total;

const usageOf = (home: AgentHome) => home.channel.filter(({ type }) => type === 'usage').map(({ data }) => data);

describe('Claude Code', () => {
  it('costs what it says itself, once', async () => {
    await using home = await AgentHome.open('claude-code', {
      main: [
        { ...stepOf(words.shell('echo one')), usage },
        { ...stepOf(words.shell('echo two')), usage },
      ],
    });
    home.agentJob(MODEL);
    expect((await home.runPod()).code).toBe(0);
    const lines = usageOf(home);
    expect(new Set(lines.map(({ scope, cost_from: from }) => `${String(scope)} ${String(from)}`))).toEqual(
      new Set(['call later', 'run agent']),
    );
    const told = lines.reduce((sum, { cost_usd: cost }) => sum + Number(cost ?? 0), 0);
    expect(told).toBeGreaterThan(0.6);
    expect(await totalOf(home)).toMatchObject({ cost_usd: expect.closeTo(told, 9), estimated_usd: 0 });
  });

  it('is stopped in the middle of its run by the budget of its job; what it did not come to say is by the prices', async () => {
    const steps = ['one', 'two', 'three', 'four', 'five', 'six'];
    await using home = await AgentHome.open('claude-code', {
      main: steps.map((step) => ({ ...stepOf(words.shell(`echo ${step}; sleep 0.5`)), usage })),
    });
    home.agentJob(`${MODEL}\nlimits: { cost_usd: 0.7 }`);
    const { code, stdout } = await home.runPod();
    expect([code, stdout]).toEqual([3, expect.stringContaining('the budget of JOB-agent is used up: $0.9')]);
    expect(stdout).toContain('! budget: about $0.60 of $0.70 of JOB-agent is used (85 %)');
    expect(home.channel.findLast(({ type }) => type === 'job_failed')?.data).toMatchObject({ code: 'limit' });
    expect(home.channel.filter(({ type }) => type === 'tool_call').length).toBeLessThan(steps.length);
    const total = await totalOf(home);
    expect(total).toMatchObject({ estimated_usd: 0, unpriced_tokens: 0 });
    expect(total['cost_usd']).toBeGreaterThanOrEqual(0.9);
    await expectNothingLeft(home);
  });
});

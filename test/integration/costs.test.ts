import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createChain } from '../../src/bus/chain.ts';
import { BusWriter } from '../../src/bus/writer.ts';
import { tellLine } from '../fixtures/told-bus.ts';
import { TestHome } from '../nika.ts';

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(() => home[Symbol.dispose]());

const daysAgo = (days: number): string => new Date(Date.now() - days * 864e5).toISOString();

/** What agents of the past used. */
const write = (): void => {
  mkdirSync(join(home.dir, '_bus'), { recursive: true });
  const backlog = { maxCount: 10, maxBytes: 1e6 };
  const dirs = { busDir: join(home.dir, '_bus'), runDir: join(home.dir, 'run') };
  using writer = BusWriter.open({ ...dirs, chain: createChain(), segmentBytes: 1e9, backlog });
  const use = (job: string, days: number, usage: object): void => {
    const counts = { input_tokens: 1_000, cache_read_tokens: 50_000, cache_write_tokens: 500, output_tokens: 200 };
    const data = { scope: 'call', model: 'm', ...counts, cost_usd: 1.25, cost_from: 'agent', ...usage };
    const meta = { job, session_id: `s-${job}-${days}` };
    tellLine(writer, { entity: `JOB-${job}`, type: 'usage', data, meta, at: daysAgo(days) });
  };
  use('review', 0, {});
  use('review', 40, { cost_usd: 9 });
  use('port', 0, { model: 'claude-sonnet-5', cost_usd: null, cost_from: 'later' });
  use('port', 0, { model: 'own-model', cost_usd: null, cost_from: 'nobody' });
};

describe('nika costs', () => {
  it('shows today by job: what was told, what is estimated (~), and that some of it nobody knows (≥)', async () => {
    write();
    const { stdout, code } = await home.nika('costs');
    const today = new Date().toISOString().slice(0, 10);
    expect(code).toBe(0);
    const total = `total since ${today}`;
    expect(stdout.split('\n')).toEqual([
      `${'JOB'.padEnd(total.length)}    IN  CACHED  OUT  CALLS      COST   SHARE`,
      `${'review'.padEnd(total.length)}  1.5k   50.0k  200      0     $1.25  98.8 %`,
      `${'port'.padEnd(total.length)}  3.0k    100k  400      0  ≥ ~$0.02   1.2 %`,
      `${total}  4.5k    150k  600      0  ≥ ~$1.27   100 %`,
      '~ $0.02 of it by the price table: no agent told it.',
      '51.7k tok without a price: nika costs --by model shows of which; set it under "prices" in config/nika.yaml.',
      '',
    ]);
    expect((await home.nika('costs', '--by', 'model')).stdout).toMatch(/^own-model .* unknown +0\.0 %$/m);
  });

  it('shows other times, as JSON with all counts and what is not known apart', async () => {
    write();
    const { stdout } = await home.nika('costs', '--since', '60d', '--until', '30d', '--json');
    const counts = { input_tokens: 1_000, cache_read_tokens: 50_000, cache_write_tokens: 500, output_tokens: 200 };
    const all = { ...counts, reasoning_tokens: 0, tokens: 51_700, usage_lines: 1, tool_calls: 0 };
    const cost = { cost_usd: 9, estimated_usd: 0, unpriced_tokens: 0 };
    expect(JSON.parse(stdout)).toMatchObject({
      by: 'job',
      groups: [{ key: 'review', ...all, ...cost }],
      total: { ...all, ...cost },
    });
    expect((await home.nika('costs', '--since', '90d', '--until', '60d')).stdout).toMatch(/^No tokens were used from /);
  });

  it('takes the prices of the home for what had none when it was written', async () => {
    write();
    writeFileSync(join(home.dir, 'config/nika.yaml'), 'prices: { own-model: { input: 1000, output: 0 } }');
    const { total } = JSON.parse((await home.nika('costs', '--json')).stdout);
    expect(total).toMatchObject({ unpriced_tokens: 0, cost_usd: expect.closeTo(1.25 + 0.01525 + 51.5, 6) });
  });

  it('says so where nothing has run yet', async () => {
    const { code, stdout, stderr } = await home.nika('costs');
    expect(code).toBe(0);
    expect(stderr).toContain('Nothing has run in');
    expect(stdout).toContain('No tokens were used since');
  });

  it.each([
    [['--by', 'weather'], 'Allowed choices are job, domain, agent, model, pod, day, project'],
    [['--today', '--since', '2d'], '--today and --since exclude each other'],
    [['--since', 'yesterday'], '--since does not know the time "yesterday"'],
    [['--since', '1d', '--until', '2d'], 'is not before'],
  ])('%j exits 2 and says what is wrong', async (flags, said) => {
    const { code, stderr } = await home.nika('costs', ...flags);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
  });
});

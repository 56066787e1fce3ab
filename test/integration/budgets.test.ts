import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeRecentClaude } from '../fixtures/histories/claude-file.ts';
import { type Ended, TestHome } from '../nika.ts';
import { endPods, recordOf, until, untilStatus } from '../pods.ts';

const library = join(import.meta.dirname, '../../dist/index.js');
const spender = join(import.meta.dirname, '../programs/spender.ts');

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

const usd = (cost: number, tokens = 10): string => JSON.stringify({ model: 'm', input_tokens: tokens, cost_usd: cost });

/** A job whose program uses that at first, and then what it is sent. */
const job = (name: string, more = '', first: readonly string[] = []): void => {
  const command = JSON.stringify([process.execPath, spender, `[${first.join(',')}]`]);
  const head = `name: ${name}\ndescription: It spends.\ndomain: test\nintent: spend\n`;
  writeFileSync(join(home.dir, 'config/jobs', `${name}.yaml`), `${head}${more}\ncommand: ${command}\n`);
};

const settings = (yaml: string): void => writeFileSync(join(home.dir, 'config/nika.yaml'), yaml);

const start = async (name: string, id: string, ...more: readonly string[]): Promise<Ended> =>
  home.nika('pod', 'start', name, '-d', '--id', id, ...more);

const send = async (id: string, text: string): Promise<void> => {
  expect(await home.nika('pod', 'send', id, text)).toMatchObject({ code: 0 });
};

const untilUsed = (id: string, tokens: number): Promise<unknown> =>
  until(`${id} to have used ${tokens}`, () => recordOf(home, id)?.beat.tokens === tokens);

const endOf = async (id: string) => await until(`${id} to end`, () => recordOf(home, id)?.end ?? undefined);

const warnings = (): readonly unknown[] =>
  home.alpha.filter(({ data }) => data['condition'] === 'budget_warning').map(({ data }) => data['budget']);

const LIMIT = { status: 'failed', outcome: 'limit', exit_code: 3 };

describe('the budget of a job', () => {
  it('warns at 80 % and ends the pod at 100 %, with the reason on the bus and exit code 3', async () => {
    const limits = "inputs: { max: { type: number, default: 1 } }\nlimits: { cost_usd: '${{ inputs.max }}' }";
    job('spend', limits, [usd(0.5), usd(0.3), usd(0.3)]);
    const { code, stdout } = await home.nika('pod', 'start', 'spend', '--id', 'JOB-a');
    expect(code).toBe(3);
    expect(stdout).toContain('! budget: $0.80 of $1.00 of JOB-a is used (80 %)');
    expect(stdout).toContain('failed (over a limit)');
    expect(stdout).toContain('30 tok  $1.10');
    expect(warnings()).toEqual([{ scope: 'job', of: 'JOB-a', limit: 'cost_usd', used: 0.8, max: 1 }]);
    const failed = home.alpha.find(({ type }) => type === 'job_failed');
    expect(failed?.data).toMatchObject({ code: 'limit', error: 'the budget of JOB-a is used up: $1.10 of $1.00' });
  });

  it('counts tokens, and is that of the settings where the job sets none', async () => {
    settings('limits: { tokens: 25 }');
    job('spend', '', [usd(0, 10), usd(0, 20)]);
    expect((await home.nika('pod', 'start', 'spend', '--id', 'JOB-a')).code).toBe(3);
    expect(recordOf(home, 'JOB-a')?.end).toMatchObject({ error: 'the budget of JOB-a is used up: 30 of 25 tokens' });
  });

  it('holds for the pods that it starts too: they are stopped with it', async () => {
    job('child', '', [usd(0.3)]);
    job('parent', 'limits: { cost_usd: 1 }', [usd(0.2)]);
    await start('parent', 'JOB-parent');
    await start('child', 'JOB-one', '--parent', 'JOB-parent');
    await start('child', 'JOB-two', '--parent', 'JOB-one');
    await start('child', 'JOB-other');
    await until('a warning', () => warnings().length > 0);
    expect(warnings()).toEqual([{ scope: 'job', of: 'JOB-parent', limit: 'cost_usd', used: 0.8, max: 1 }]);
    await send('JOB-two', usd(0.25));
    expect(await endOf('JOB-parent')).toMatchObject({
      ...LIMIT,
      error: 'the budget of JOB-parent is used up: $1.05 of $1.00',
    });
    for (const id of ['JOB-one', 'JOB-two']) {
      const { status, error } = await endOf(id);
      expect([status, error]).toEqual(['cancelled', expect.stringContaining('JOB-parent ended: the budget of')]);
    }
    expect(recordOf(home, 'JOB-other')?.end).toBeNull();
    const costs = JSON.parse((await home.nika('costs', '--by', 'pod', '--json')).stdout);
    expect(costs.total).toMatchObject({ cost_usd: 1.35, tokens: 50 });
  });

  it('counts tool calls of the pods that it starts', async () => {
    job('child');
    job('parent', 'limits: { tool_calls: 3 }');
    await start('parent', 'JOB-parent');
    await start('child', 'JOB-child', '--parent', 'JOB-parent');
    for (let n = 0; n < 4; n += 1) await send('JOB-child', 'call');
    expect(await endOf('JOB-parent')).toMatchObject(LIMIT);
    expect(await endOf('JOB-child')).toMatchObject({ status: 'cancelled' });
  });

  it('is one for all attempts', async () => {
    job('spend', 'limits: { cost_usd: 1 }\nretry: { attempts: 3, backoff: 1ms }', [usd(0.6)]);
    await start('spend', 'JOB-a');
    await untilUsed('JOB-a', 10);
    await send('JOB-a', 'fail');
    const end = await until('the second attempt to end', () => {
      const record = recordOf(home, 'JOB-a');
      return record?.attempt === 2 ? (record.end ?? undefined) : undefined;
    });
    expect(end).toMatchObject({ ...LIMIT, error: 'the budget of JOB-a is used up: $1.20 of $1.00' });
  });

  it('survives the death of its pod: what that used counts for the next attempt, and is in the costs', async () => {
    job('spend', 'limits: { cost_usd: 1 }\nretry: { attempts: 3, backoff: 1ms }', [usd(0.6)]);
    await start('spend', 'JOB-a');
    await untilUsed('JOB-a', 10);
    process.kill(recordOf(home, 'JOB-a')?.process.pid ?? 0, 'SIGKILL');
    await until('the pod to be closed', async () => {
      await home.nika('pod', 'ls');
      return recordOf(home, 'JOB-a')?.end?.status === 'lost';
    });
    const sum = async (): Promise<unknown> => JSON.parse((await home.nika('costs', '--json')).stdout).total.cost_usd;
    expect(await sum()).toBe(0.6);
    const lost = home.alpha.find(({ data }) => data['outcome'] === 'lost');
    expect(lost?.data['usage']).toMatchObject([{ model: 'm', input_tokens: 10, cost_usd: 0.6 }]);
    expect((await home.nika('pod', 'restart', 'JOB-a')).code).toBe(0);
    const end = await until('the second attempt to end', () => {
      const record = recordOf(home, 'JOB-a');
      return record?.attempt === 2 ? (record.end ?? undefined) : undefined;
    });
    expect(end).toMatchObject({ ...LIMIT, error: 'the budget of JOB-a is used up: $1.20 of $1.00' });
    expect(await sum()).toBe(1.2);
  });
});

describe('the time of a job', () => {
  it('goes on with its next attempt, whoever starts that; it is warned of', async () => {
    job('wait', 'limits: { wall: 12s }\nretry: { attempts: 3 }');
    await start('wait', 'JOB-a');
    const { started_at: startedAt } = await untilStatus(home, 'JOB-a', 'running');
    await until('5 s to be over', () => Date.now() - Date.parse(startedAt) > 5_000);
    expect((await home.nika('pod', 'restart', 'JOB-a')).code).toBe(0);
    const end = await until('the second attempt to end', () => {
      const record = recordOf(home, 'JOB-a');
      return record?.attempt === 2 ? (record.end ?? undefined) : undefined;
    });
    expect(end).toMatchObject({ ...LIMIT, error: 'over its limit of 12 s of wall time' });
    expect(end.duration_ms).toBeLessThan(9_000);
    expect(warnings()).toContainEqual({ scope: 'job', of: 'JOB-a', limit: 'wall', used: 9_600, max: 12_000 });
  });
});

describe('the budget of a project', () => {
  it('is used by all its pods: they are stopped, and none starts any more', async () => {
    settings('projects: { PROJ-x: { limits: { costUsd: 1 } } }');
    job('spend', 'project: PROJ-x', [usd(0.4)]);
    job('free', '', [usd(5)]);
    await start('spend', 'JOB-a');
    await start('spend', 'JOB-b');
    await start('free', 'JOB-free');
    await until('a warning', () => warnings().length > 0);
    await send('JOB-b', usd(0.3));
    for (const id of ['JOB-a', 'JOB-b']) expect(await endOf(id)).toMatchObject(LIMIT);
    expect(recordOf(home, 'JOB-a')?.end?.error).toBe('the budget of PROJ-x is used up: $1.10 of $1.00');
    expect(recordOf(home, 'JOB-free')?.end).toBeNull();
    expect(warnings()).toEqual([{ scope: 'project', of: 'PROJ-x', limit: 'cost_usd', used: 0.8, max: 1 }]);
    const refused = await start('spend', 'JOB-c');
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain('the budget of PROJ-x is used up: $1.10 of $1.00');
    expect(refused.stderr).toContain('Raise projects.PROJ-x.limits.costUsd in config/nika.yaml');
    expect(refused.stderr).toContain('NIKA_BUDGET_USED_UP');
    expect(home.alpha.some(({ entity }) => entity === 'JOB-c')).toBe(false);
    settings('projects: { PROJ-x: { limits: { costUsd: 2 } } }');
    expect((await start('spend', 'JOB-d')).code).toBe(0);
  });

  it('counts jobs below jobs, tool calls, and what nobody has to read again', async () => {
    settings('projects: { PROJ-x: { limits: { costUsd: 1, toolCalls: 6 } } }');
    job('spend', 'project: PROJ-x', [usd(0.1)]);
    job('child', '', [usd(0.1)]);
    await start('spend', 'JOB-a');
    await start('child', 'JOB-b', '--parent', 'JOB-a');
    for (let n = 0; n < 3; n += 1) await send('JOB-b', 'call');
    for (const id of ['JOB-b', 'JOB-a']) {
      await send(id, 'end');
      await endOf(id);
    }
    await start('spend', 'JOB-c'); // begins from run/budgets/PROJ-x.json from now on
    await send('JOB-c', 'end');
    await endOf('JOB-c');
    await start('spend', 'JOB-d');
    await untilStatus(home, 'JOB-d', 'running');
    for (const _ of [6, 7]) await send('JOB-d', 'call');
    expect(await endOf('JOB-d')).toMatchObject({ ...LIMIT, error: expect.stringContaining('tool calls') });
    expect((await start('spend', 'JOB-e')).stderr).toContain('Raise projects.PROJ-x.limits.toolCalls');
  });
});

describe('the budget of a day', () => {
  it('is used by all pods of the home, and is said on the bus by one of them', async () => {
    settings('limits: { perDay: { tokens: 100 } }');
    job('spend', '', [usd(0, 40)]);
    await start('spend', 'JOB-a');
    await start('spend', 'JOB-b');
    await until('a warning', () => warnings().length > 0);
    await send('JOB-a', usd(0, 30));
    for (const id of ['JOB-a', 'JOB-b']) expect(await endOf(id)).toMatchObject(LIMIT);
    const today = new Date().toISOString().slice(0, 10);
    expect(warnings()).toEqual([{ scope: 'day', of: today, limit: 'tokens', used: 80, max: 100 }]);
    const { code, stderr } = await home.nika('pod', 'start', 'spend');
    expect(code).toBe(3);
    expect(stderr).toContain(`the budget of the day ${today} (UTC) is used up: 110 of 100 tokens`);
    expect(stderr).toContain('wait for 00:00 UTC');
  });

  it('is not used by what agents did without nika, though it was imported', async () => {
    settings('limits: { perDay: { tokens: 100 } }');
    job('spend', '', [usd(0, 10)]);
    writeRecentClaude(home.dir);
    expect((await home.nika('import', 'claude')).stdout).toContain('1.0k tok');
    await start('spend', 'JOB-a');
    await untilUsed('JOB-a', 10);
    await send('JOB-a', 'end');
    expect(await endOf('JOB-a')).toMatchObject({ status: 'completed' });
    expect(warnings()).toEqual([]);
  });

  it('that cannot be read is said once, and what the pod uses itself is held to it (G1, G9)', async () => {
    settings('limits: { perDay: { costUsd: 1 } }');
    job('spend', '', [usd(0.5)]);
    await start('spend', 'JOB-a');
    await send('JOB-a', 'end');
    await endOf('JOB-a');
    writeFileSync(join(home.dir, '_bus/alpha_bus.000001.jsonl.gz'), gzipSync('x'.repeat(9_999)).subarray(0, 20));
    await start('spend', 'JOB-b');
    const record = await until('it to be said', () => {
      const found = recordOf(home, 'JOB-b');
      return found?.beat.degraded.some(({ service }) => service === 'budget') === true && found;
    });
    expect(record.beat.degraded).toMatchObject([{ why: expect.stringContaining('what this pod uses itself') }]);
    await send('JOB-b', usd(0.7));
    expect(await endOf('JOB-b')).toMatchObject(LIMIT);
  });
});

describe('what a program reports', () => {
  it('is priced by the settings, and a model without a price is said once', async () => {
    settings('prices: { own-*: { input: 2, output: 10 } }');
    const own = JSON.stringify({ model: 'own-1', input_tokens: 500_000, output_tokens: 100_000 });
    const free = JSON.stringify({ model: 'free', input_tokens: 7 });
    job('spend', '', [own, free, free]);
    await start('spend', 'JOB-a');
    await send('JOB-a', 'end');
    await endOf('JOB-a');
    const lines = home.alpha.filter(({ type }) => type === 'usage');
    expect(lines.map(({ data }) => [data['cost_usd'], data['cost_from'], data['source']])).toEqual([
      [2, 'prices', 'reported'],
      [null, 'nobody', 'reported'],
      [null, 'nobody', 'reported'],
    ]);
    const notes = home.alpha.filter(({ type }) => type === 'note').map(({ data }) => String(data['text']));
    expect(notes.filter((text) => text.startsWith('what free costs is not known'))).toHaveLength(1);
    const [pod] = JSON.parse((await home.nika('pod', 'ls', '--all', '--json')).stdout);
    expect(pod).toMatchObject({ tokens: 600_014, cost_usd: 2, unpriced_tokens: 14 });
    expect((await home.nika('pod', 'show', 'JOB-a')).stdout).toContain('600k tok ≥ $2.00');
    expect((await home.nika('costs')).stdout).toContain('14 tok without a price');
  });

  it('and tells the cost of later is an estimate for budgets, counts once, and is settled by the table at the end', async () => {
    settings('prices: { m: { input: 1, output: 1 } }');
    const later = JSON.stringify({ model: 'm', input_tokens: 400_000, cost_later: true });
    job('spend', 'limits: { cost_usd: 1 }', [later, later]);
    await start('spend', 'JOB-a');
    await until('a warning', () => warnings().length > 0);
    expect(warnings()).toMatchObject([{ used: 0.8 }]);
    const run = JSON.stringify({ scope: 'run', cost_usd: 0.1 });
    await send('JOB-a', run);
    await send('JOB-a', later);
    await send('JOB-a', 'end');
    expect(await endOf('JOB-a')).toMatchObject({ status: 'completed' });
    const total = JSON.parse((await home.nika('costs', '--json')).stdout).total;
    expect(total).toMatchObject({ cost_usd: 0.5, estimated_usd: 0, tokens: 1_200_000 });
    const summary = home.alpha.find(({ type }) => type === 'session_end_summary');
    expect(summary?.data['usage']).toMatchObject([
      { model: 'm', cost_usd: 0.4 },
      { model: '', cost_usd: 0.1 },
    ]);
  });

  it('can be told by a module and by a program that is a pod itself, of the task that it works on', async () => {
    settings('prices: { m: { input: 1, output: 1 } }');
    const spend = `await pod.task('think', () => pod.usage({ model: 'm', input_tokens: 100_000 }));`;
    writeFileSync(join(home.dir, 'config/jobs/m.mjs'), `export const run = async (pod) => { ${spend} };`);
    const head = 'name: m\ndescription: x\ndomain: test\nintent: spend\n';
    writeFileSync(join(home.dir, 'config/jobs/m.yaml'), `${head}module: ./m.mjs\n`);
    expect((await home.nika('pod', 'start', 'm', '--id', 'JOB-m')).code).toBe(0);
    const file = join(home.cwd, 'own.mjs');
    const start = `const pod = await Pod.start({ job: 'own', domain: 'a', intent: 'b', id: 'JOB-own' });`;
    const bad = `try { pod.usage({ input_tokens: -1 }); } catch (thrown) { console.log(thrown.code); }`;
    writeFileSync(
      file,
      `import { Pod } from ${JSON.stringify(library)};\n${start}\n${spend}\n${bad}\nawait pod.complete();`,
    );
    const env = { PATH: process.env['PATH'], HOME: home.dir, NIKA_HOME: home.dir };
    expect(execFileSync(process.execPath, [file], { cwd: home.cwd, env, encoding: 'utf8' })).toBe(
      'NIKA_POD_PROTOCOL\n',
    );
    const lines = home.alpha.filter(({ type }) => type === 'usage');
    expect(lines.map(({ meta, data }) => [meta['entity_type'], data['cost_usd'], data['source']])).toEqual([
      ['TASK', 0.1, 'reported'],
      ['TASK', 0.1, 'reported'],
    ]);
    const { groups } = JSON.parse((await home.nika('costs', '--by', 'pod', '--json')).stdout);
    expect(groups).toMatchObject([
      { key: expect.stringMatching(/^JOB-(m|own)$/), cost_usd: 0.1 },
      { key: expect.stringMatching(/^JOB-(m|own)$/), cost_usd: 0.1 },
    ]);
  });
});

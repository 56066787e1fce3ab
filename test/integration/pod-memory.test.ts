import { execFileSync } from 'node:child_process';
import { utimesSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestHome } from '../nika.ts';
import { McpAgent } from '../mcp.ts';
import { endPods, until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';

let home: TestHome;
let server: RedisServer;
beforeEach(async () => {
  home = new TestHome();
  server = await RedisServer.open();
  writeFileSync(join(home.dir, 'config/nika.yaml'), `redis:\n  url: ${server.url}\n`);
});
afterEach(async () => {
  await endPods(home);
  await server.mustHaveTtls(); // G5
  await server[Symbol.asyncDispose]();
  home[Symbol.dispose]();
});

const module = (name: string, source: string): void => {
  writeFileSync(join(home.dir, `config/jobs/${name}.mjs`), source);
  const text = `name: ${name}\ndescription: x\ndomain: a\nintent: b\nmodule: ./${name}.mjs\n`;
  writeFileSync(join(home.dir, `config/jobs/${name}.yaml`), text);
};

describe('working memory of pods', () => {
  it('is shared by the module, the programs and the children of a job, up to 524,287 bytes', async () => {
    module(
      'm',
      `import { execFileSync } from 'node:child_process';
export const run = async (pod) => {
  const most = new Uint8Array(524_287).fill(255);
  const put = await pod.memory.put('most.bin', most);
  const back = await pod.memory.get('most.bin');
  const refused = await pod.memory.put('more', new Uint8Array(524_288)).catch((error) => [error.code, error.remedy]);
  await pod.memory.put('plan', { steps: 2, token: 'api_key=sk-ant-REDACTED' });
  const nika = (...args) => execFileSync(process.execPath, [${JSON.stringify(join(process.cwd(), 'bin/nika.cjs'))}, ...args], { encoding: 'utf8' });
  const plan = JSON.parse(nika('wm', 'get', 'plan'));
  nika('run', '--id', 'JOB-child', '--parent', pod.id, '-q', '--', process.execPath, ${JSON.stringify(join(process.cwd(), 'bin/nika.cjs'))}, 'wm', 'put', 'from-child', '/etc/hostname', '--job', 'root');
  const names = (await pod.memory.list()).map(({ artifact }) => artifact);
  const deleted = [await pod.memory.delete('plan'), await pod.memory.delete('plan'), await pod.memory.get('plan')];
  await pod.contract.put({ steps: [{ name: 's', role: 'r', outputs: { type: 'number' } }] });
  await pod.contract.step('s').start();
  await pod.contract.step('s').complete(7);
  const { steps } = await pod.contract.get();
  return { where: put.where, same: Buffer.compare(Buffer.from(most), Buffer.from(back.value)), refused, plan, names, deleted: deleted.map(String), state: steps[0].state };
};`,
    );
    const { code, stderr } = await home.nika('pod', 'start', 'm', '--id', 'JOB-m', '-q');
    expect([code, stderr]).toEqual([0, '']);
    const { stdout } = await home.nika('pod', 'result', 'JOB-m', '--json');
    const told = JSON.parse(stdout) as { readonly result: Readonly<Record<string, unknown>> };
    expect(told.result).toMatchObject({
      where: 'redis',
      same: 0,
      refused: ['NIKA_WM_TOO_LARGE', expect.stringContaining('a file')],
      plan: { steps: 2 },
      names: ['from-child', 'most.bin', 'plan'],
      deleted: ['true', 'false', 'undefined'],
      state: 'completed',
    });
    const notes = home
      .lines('channels/JOB-m.jsonl')
      .flatMap(({ type, data }) => (type === 'note' ? [data['text']] : []));
    expect(notes[0]).toMatch(
      /^artifact most\.bin of JOB-m put: 524287 bytes, application\/octet-stream, sha256 [0-9a-f]{64}$/,
    );
    expect(notes).toContain('step s of the contract of JOB-m: completed');
    expect(JSON.stringify(home.channels)).not.toContain('sk-ant-api03'); // G7: never the value
  });

  it('is brought again by the living pod where Redis was killed and lost its data (G4)', async () => {
    module(
      'm',
      `export const run = async (pod) => {
  await pod.memory.put('plan', 'one');
  await pod.contract.put({ steps: [{ name: 's', role: 'r' }] });
  pod.note('put');
  await new Promise((resolve) => pod.onMessage(resolve));
  const where = (await pod.memory.put('late', 'two')).where;
  pod.note(where);
  await new Promise((resolve) => pod.signal.addEventListener('abort', resolve));
};`,
    );
    await home.nika('pod', 'start', 'm', '--id', 'JOB-m', '-d');
    const noted = (text: string) => async () =>
      home.lines('channels/JOB-m.jsonl').some(({ type, data }) => type === 'note' && data['text'] === text);
    await until('the put', noted('put'));
    await server.kill();
    await home.nika('pod', 'send', 'JOB-m', 'go on');
    await until('the put into the home', noted('home'));
    await server.start();
    await until(
      'the keys',
      async () => (await server.admin.exists('nika:wm:JOB-m:plan', 'nika:wm:JOB-m:late', 'nika:contract:JOB-m')) === 3,
    );
    expect(await server.keysWithoutTtl()).toEqual([]);
  }, 40_000);
});

describe('working memory without a pod', () => {
  it('is put by an agent, and brought by nika reconcile where Redis was away (G4)', async () => {
    const job = 'JOB-elsewhere';
    await server.kill();
    await using agent = await McpAgent.open(home);
    const put = await agent.call('memory_put', { artifact: 'plan.md', text: 'first this', job });
    expect(put).toMatchObject({ isError: false, text: expect.stringContaining('On this machine alone') });
    const steps = [{ name: 's', role: 'r', outputs: { type: 'number' } }];
    await agent.call('contract', { action: 'put', contract: { steps }, job });
    const broken = await agent.call('contract', { action: 'complete', step: 's', output: 'x', job });
    expect(broken).toMatchObject({ isError: true, text: expect.stringContaining('output must be number') });
    await server.start();
    await home.nika('run', '-q', '--', 'true'); // there is a bus
    expect((await home.nika('reconcile')).code).toBe(0);
    // The pod before may have begun one of its own, which is at it then.
    await until(
      'the artifact',
      async () => (await server.admin.hget(`nika:wm:${job}:plan.md`, 'value')) === 'first this',
    );
    await until('the contract', async () => (await server.admin.exists(`nika:contract:${job}`)) === 1);
    expect(await server.admin.hget(`nika:contract:${job}`, 'state:s')).toMatch(/^failed /);
    expect(await agent.call('memory_list', { job })).toMatchObject({
      text: 'plan.md: 10 bytes, text/plain; charset=utf-8',
    });
    expect(await agent.call('memory_get', { artifact: 'plan.md', job })).toMatchObject({ text: 'first this' });
    expect(await agent.call('contract', { action: 'get', job })).toMatchObject({
      text: expect.stringContaining('s (r): failed'),
    });
  });
});

describe('nika wm outside of pods', () => {
  it('notes on the bus what it puts and deletes, by name and hash, in the channel of the job', async () => {
    await home.nika('run', '-q', '--id', 'JOB-m', '--', 'true');
    const value = join(home.cwd, 'value');
    writeFileSync(value, 'AWS_SECRET_ACCESS_KEY=abcdefghijklmnopqrstuvwxyz0123456789abcd');
    await home.nika('wm', 'put', 'plan', value, '--job', 'JOB-m');
    await home.nika('wm', 'put', 'plan', value, '--job', 'JOB-elsewhere'); // has no channel here
    await home.nika('wm', 'rm', 'plan', '--job', 'JOB-m');
    await using agent = await McpAgent.open(home);
    await agent.call('contract', { action: 'put', contract: { steps: [{ name: 's', role: 'r' }] }, job: 'JOB-m' });
    const texts = home
      .lines('channels/JOB-m.jsonl')
      .flatMap(({ type, data }) => (type === 'note' ? [data['text']] : []));
    expect(texts).toEqual([
      expect.stringMatching(/^artifact plan of JOB-m put: 62 bytes, text\/plain; charset=utf-8, sha256 [0-9a-f]{64}$/),
      'artifact plan of JOB-m deleted',
      expect.stringMatching(/^contract of JOB-m put: 1 steps, sha256 [0-9a-f]{64}$/),
    ]);
    expect(JSON.stringify(home.channels)).not.toContain('abcdefghij'); // G7: never the value
    expect((await home.nika('bus', 'verify')).code).toBe(0);
  });

  it('puts all of what a pipe gives in the place of a file', async () => {
    const pipe = join(home.cwd, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const putting = home.nika('wm', 'put', 'long', pipe, '--job', 'JOB-m', '--json');
    const value = 'all of it'.repeat(20_000);
    await writeFile(pipe, value);
    expect(JSON.parse((await putting).stdout)).toMatchObject({ bytes: value.length });
    expect((await home.nika('wm', 'get', 'long', '--job', 'JOB-m')).stdout).toBe(value);
  });

  it('shows and brings nothing of a job whose time is over', async () => {
    const job = 'JOB-elsewhere';
    await home.nika('wm', 'put', 'plan', '/etc/hostname', '--job', job);
    await server.admin.flushall(); // as its keys lapse
    const hourAgo = new Date(Date.now() - 3_700_000);
    utimesSync(join(home.dir, 'run/wm', job), hourAgo, hourAgo);
    expect((await home.nika('wm', 'get', 'plan', '--job', job)).stderr).toContain('has no artifact plan');
    expect(await server.admin.keys('nika:wm:*')).toEqual([]);
  });
});

describe('nika wm and nika contract', () => {
  it.each([
    [['wm', 'put', '../x', '/etc/hostname', '--job', 'JOB-x'], 2, 'NIKA_WM_BAD_NAME'],
    [['wm', 'put', 'x', 'no-such-file', '--job', 'JOB-x'], 2, 'there is no such file'],
    [['wm', 'put', 'x', '/etc', '--job', 'JOB-x'], 2, 'it is a folder'],
    [['wm', 'put', 'x', '/etc/hostname'], 2, 'the job has to be named'],
    [['wm', 'put', 'x', '/etc/hostname', '--job', 'JOB-x', '--if-sha256', 'abc'], 2, '64 hexadecimal digits'],
    [['wm', 'get', 'x', '--job', 'JOB-x'], 1, 'JOB-x has no artifact x'],
    [['wm', 'rm', 'x', '--job', 'JOB-x'], 1, 'JOB-x has no artifact x'],
    [['contract', 'get', '--job', 'JOB-x'], 1, 'JOB-x has no contract'],
    [['contract', 'put', '/etc/hostname', '--job', 'JOB-x'], 2, 'is no JSON'],
    [['contract', 'step', 's', 'finish', '--job', 'JOB-x'], 2, 'none of start, complete, fail'],
    [['contract', 'step', 's', 'fail', '--job', 'JOB-x'], 2, 'Give --reason'],
    [['contract', 'step', 's', 'start', '--output', '1', '--job', 'JOB-x'], 2, '--output goes with "complete"'],
  ])('%s says what is wrong', async (args, exitCode, why) => {
    const { code, stderr, stdout } = await home.nika(...args);
    expect([code, stdout]).toEqual([exitCode, '']);
    expect(stderr).toContain(why);
  });
});

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestHome } from '../nika.ts';
import { endPods, recordOf, until, untilStatus } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

type Fields = Readonly<Record<string, unknown>>;
const parse = (text: string): readonly Fields[] => JSON.parse(text) as readonly Fields[];
const lines = () => home.lines('channels/JOB-m.jsonl');

/** A pod whose policy asks a person. */
const startAsking = async (env: Readonly<Record<string, string>> = {}): Promise<void> => {
  writeFileSync(
    join(home.dir, 'config/jobs/m.mjs'),
    `export const run = (pod) => pod.tool('deploy', async (where) => 'deployed to ' + where)('production');`,
  );
  writeFileSync(
    join(home.dir, 'config/jobs/m.yaml'),
    "name: m\ndescription: x\ndomain: test\nintent: prove\nmodule: ./m.mjs\npolicy: { ask: ['deploy'] }\n",
  );
  expect((await home.start(['pod', 'start', 'm', '-d', '--id', 'JOB-m'], env).ended).code).toBe(0);
  await untilStatus(home, 'JOB-m', 'waiting');
};

describe('a pod that waits for a person', () => {
  it('G9: says for what and since when: in the list, by itself, in the tree, and as JSON', async () => {
    await startAsking();
    expect((await home.nika('pod', 'ls')).stdout).toMatch(/^m +m +◐ waiting permission [\d.]+ m?s +/m);
    expect((await home.nika('pod', 'show', 'm')).stdout).toMatch(/status +◐ waiting permission [^]*why +asks: deploy/);
    expect((await home.nika('tree')).stdout).toMatch(/^◐ m JOB-m {2}waiting permission [\d.]+ m?s, for /m);
    const [pod] = parse((await home.nika('pod', 'ls', '--json')).stdout);
    const since = recordOf(home, 'JOB-m')?.beat.waiting_since;
    expect(pod).toMatchObject({ status: 'waiting', reason: 'permission', waiting_since: since });
    expect(Date.parse(since ?? '')).toBeGreaterThan(Date.now() - 60_000);
    await home.nika('pod', 'allow', 'm');
    expect((await home.nika('pod', 'wait', 'm')).code).toBe(0);
    expect((await home.nika('tree')).stdout).toMatch(/^✓ m JOB-m {2}completed/m);
    const conditions = lines().filter(({ type }) => type === 'condition');
    expect(conditions.map(({ data }) => [data['condition'], data['reason']])).toEqual([
      ['pod_waiting', 'permission'],
      ['pod_back', 'permission'],
    ]);
    expect(conditions[0]?.data['tool_use_id']).toBe(conditions[1]?.data['tool_use_id']);
  });

  it('can be listed alone, and is waited for either way', async () => {
    home.job('long', '  - { tool: shell, input: { argv: [sleep, "61"] } }');
    await home.nika('pod', 'start', 'long', '-d', '--id', 'JOB-long');
    expect((await home.nika('pod', 'ls', '--waiting')).stdout).toBe('No pod waits.\n');
    await startAsking();
    expect((await home.nika('pod', 'ls', '--waiting', '-q')).stdout).toBe('JOB-m\n');
    expect(parse((await home.nika('pod', 'ls', '--waiting', '--json')).stdout).length).toBe(1);
    const end = await home.nika('pod', 'wait', 'm', '--timeout', '0.2s');
    expect([end.code, end.stderr]).toEqual([3, 'nika: not ended within 0.2s\n']);
    const waiting = await home.nika('pod', 'wait', 'm', 'long', '--any', '--for', 'waiting', '--json');
    expect([waiting.code, JSON.parse(waiting.stdout)]).toEqual([
      0,
      { id: 'JOB-m', status: 'waiting', exit_code: null, reason: 'permission' },
    ]);
    await home.nika('pod', 'deny', 'm');
    const over = await home.nika('pod', 'wait', 'm', '--for', 'waiting');
    expect([over.code, over.stdout]).toEqual([1, 'JOB-m failed 1\n']);
  });

  it('tells Redis for what: in its state, on the fleet, on the feed', async () => {
    await using server = await RedisServer.open();
    const env = { NIKA_REDIS_URL: server.url };
    await startAsking(env);
    const session = recordOf(home, 'JOB-m')?.session ?? '';
    const state = await until('its state', async () => {
      const found = await server.admin.hgetall(`agent:state:${session}`);
      return found['status'] === 'waiting' && found;
    });
    expect(state).toMatchObject({ reason: 'permission', waiting_since: expect.stringMatching(/^20\d\d-/) });
    using elsewhere = new TestHome();
    /** Redis has 300 ms to answer: on a busy machine it is asked again. */
    const fleet = (...flags: readonly string[]): Promise<string> =>
      until('Redis to answer in time', async () => {
        const { code, stdout } = await elsewhere.start(['pod', 'ls', '--all-hosts', ...flags], env).ended;
        return code === 0 && stdout;
      });
    expect(parse(await fleet('--waiting', '--json'))).toMatchObject([
      { id: 'JOB-m', status: 'waiting', reason: 'permission' },
    ]);
    expect(await fleet()).toMatch(/^m +m +◐ waiting permission /m);
    await home.start(['pod', 'allow', 'm'], env).ended;
    await home.nika('pod', 'wait', 'm');
    const feed = (await server.admin.xrange('nika:feed:entities', '-', '+')).map(([, fields]) => fields);
    const told = feed.map((fields) => [fields[fields.indexOf('event') + 1], fields[fields.indexOf('data') + 1]]);
    const conditions = told.filter(([event]) => event?.startsWith('pod_'));
    expect(conditions.map(([event, data = '']) => [event, (JSON.parse(data) as Fields)['reason']])).toEqual([
      ['pod_waiting', 'permission'],
      ['pod_back', 'permission'],
    ]);
  });
});

it('an agent that gives no sign of life is silent until the next one, and is told to people', async () => {
  const told = join(home.dir, 'told');
  const notify = `notify: [{ on: [waiting], command: 'cat >${told}', after: 50ms }]`;
  writeFileSync(join(home.dir, 'config/nika.yaml'), `agents: { silentAfter: 300ms }\n${notify}\n`);
  const bin = join(home.dir, 'bin');
  const go = join(home.dir, 'go');
  mkdirSync(bin);
  // As silent as a CLI whose provider never answers, and then a line of output.
  const program = `#!/bin/sh\nuntil [ -e ${go} ]; do sleep 0.05; done\necho '{"type":"system"}'\nexec sleep 60\n`;
  writeFileSync(join(bin, 'claude'), program, { mode: 0o755 });
  const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  await home.start(['pod', 'start', 'claude', '-d', '--id', 'JOB-m', '-i', 'prompt=hello'], env).ended;
  await untilStatus(home, 'JOB-m', 'waiting');
  expect((await home.nika('pod', 'ls')).stdout).toMatch(/ … silent [\d.]+ m?s /);
  await until('people to be told', () => existsSync(told) && readFileSync(told, 'utf8').includes('claude is silent'));
  writeFileSync(go, '');
  await until('it to go on', () => lines().some(({ data }) => data['condition'] === 'pod_back'));
  const conditions = lines().filter(({ type }) => type === 'condition');
  expect(conditions.slice(0, 2).map(({ data }) => [data['condition'], data['reason']])).toEqual([
    ['pod_waiting', 'silent'],
    ['pod_back', 'silent'],
  ]);
});

it('a pod whose process is gone without a word: whoever closes it says so on its channel', async () => {
  await startAsking();
  process.kill(recordOf(home, 'JOB-m')?.process.pid ?? 0, 'SIGKILL');
  await until('it to be closed', async () => (await home.nika('pod', 'ls')).stdout.includes('No pod runs now'));
  await home.nika('pod', 'ls');
  const lost = lines().filter(({ data }) => data['condition'] === 'pod_lost');
  expect(lost.map(({ data }) => data['detail'])).toEqual(['the pod died without a word: its process is gone']);
  expect((await home.nika('tree')).stdout).toMatch(/^✗ m JOB-m {2}failed \(lost\)/m);
  expect((await home.nika('bus', 'verify')).code).toBe(0);
});

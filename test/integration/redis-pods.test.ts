import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestHome } from '../nika.ts';
import { endPods, recordOf, until, untilStatus } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';

let server: RedisServer;
let home: TestHome;

beforeAll(async () => {
  server = await RedisServer.open();
});
afterAll(async () => server[Symbol.asyncDispose]());
beforeEach(async () => {
  await server.admin.flushall();
  home = new TestHome();
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

const env = () => ({ NIKA_REDIS_URL: server.url });
const nika = (...args: readonly string[]) => home.start(args, env()).ended;
const STEPS = `
  - { id: one, task: first, tool: shell, input: { command: echo hello } }
  - { id: two, task: second, tool: shell, input: { command: echo AWS_SECRET_ACCESS_KEY=abcdefghijklmnopqrstuvwxyz0123456789abcd } }
  - { id: three, task: second, tool: shell, input: { command: exit 7 }, continue_on_error: true }`;

type Fields = Readonly<Record<string, string>>;
const asObject = (list: readonly string[]): Fields =>
  Object.fromEntries(list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1] ?? '']] : [])));
const stream = async (key: string): Promise<readonly Fields[]> =>
  (await server.admin.xrange(key, '-', '+')).map(([, fields]) => asObject(fields));
const startsOf = ({ alpha }: TestHome): number => alpha.filter(({ type }) => type === 'session_start').length;
const keyLike = async (pattern: string): Promise<string> => (await server.admin.keys(pattern))[0] ?? '';

describe('a pod tells Redis', () => {
  it('G2, G7: its transitions in their order, as they stand on the bus, and no secret', async () => {
    home.job('talk', STEPS);
    expect((await nika('pod', 'start', 'talk')).code).toBe(0);
    const feed = await stream('nika:feed:entities');
    const onBus = home.alpha.filter(({ type }) => /^(entity_|job_)/.test(type));
    expect(feed.map(({ id, ts }) => [id, ts])).toEqual(onBus.map(({ id, ts }) => [id, ts]));
    expect(feed.map(({ event, entity_type }) => `${entity_type} ${event}`)).toEqual([
      'JOB created',
      'JOB started',
      'TASK created',
      'TASK started',
      'TASK completed',
      'TASK created',
      'TASK started',
      'TASK completed',
      'JOB completed',
    ]);
    expect(feed.map(({ meta = '' }) => JSON.parse(meta) as unknown)).toEqual(onBus.map(({ meta }) => meta));
    expect(JSON.stringify([feed, await stream(await keyLike('agent:events:*'))])).not.toContain('abcdefghijklmn');
  });

  it('each tool call, in a trimmed entry that names its line on the bus', async () => {
    home.job('talk', STEPS);
    await nika('pod', 'start', 'talk');
    const calls = home.channels.filter(({ type }) => type === 'tool_call');
    const events = await stream(await keyLike('agent:events:*'));
    expect(events.map(({ event_id }) => event_id)).toEqual(
      calls.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(({ id }) => id),
    );
    expect(events).toMatchObject([
      { tool: 'shell', ok: '1', preview: expect.stringContaining('echo hello') },
      { tool: 'shell', ok: '1' },
      { tool: 'shell', ok: '0', error: expect.stringContaining('Exit code 7') },
    ]);
  });

  it('G5: its heartbeat, the counters of the day, and its end, on keys that all have a time to live', async () => {
    home.job('talk', STEPS);
    await nika('pod', 'start', 'talk');
    const [record] = home.alpha.filter(({ type }) => type === 'session_end_summary');
    const session = String(record?.meta['session_id']);
    expect(await server.admin.hgetall(`agent:state:${session}`)).toMatchObject({
      status: 'completed',
      job: 'talk',
      calls: '3',
      errors: '1',
      exit_code: '0',
      degraded: '',
    });
    expect(await server.admin.hgetall(await keyLike('agent:metrics:*'))).toMatchObject({
      'shell:calls': '3',
      'shell:errors': '1',
    });
    expect(await server.admin.hgetall(await keyLike('nika:ipc:metrics:*'))).toMatchObject({
      published: '9',
      events: '3',
    });
    expect(await server.admin.exists('nika:fleet:state')).toBe(0);
    await server.mustHaveTtls();
  });

  it('G4: what an earlier attempt could not tell comes before what a later one has to say', async () => {
    const attempt = 'test -e tried && until test -e there; do sleep 0.05; done || { touch tried; exit 1; }';
    home.job(
      'again',
      `  - { id: one, tool: shell, input: { command: ${JSON.stringify(attempt)} } }`,
      'retry: { attempts: 2, backoff: 10ms }',
    );
    await server.kill();
    const run = nika('pod', 'start', 'again');
    await until('the second attempt', () => existsSync(join(home.cwd, 'tried')) && startsOf(home) === 2);
    await server.start();
    await until('the pod to find Redis', async () => (await server.admin.exists('nika:fleet:state')) === 1);
    writeFileSync(join(home.cwd, 'there'), '');
    expect((await run).code).toBe(0);
    const told = (await stream('nika:feed:entities')).filter(({ entity_type }) => entity_type === 'JOB');
    expect(told.map(({ event }) => event).slice(0, 3)).toEqual(['created', 'started', 'completed']);
    expect(await server.admin.hgetall(await keyLike('nika:ipc:metrics:*'))).toMatchObject({ published: '1' });
  });

  it('nothing where no Redis is configured', async () => {
    home.job('talk', STEPS);
    const { code, stderr, stdout } = await home.nika('pod', 'start', 'talk');
    expect([code, stderr, stdout.includes('redis')]).toEqual([0, '', false]);
  });
});

describe('a pod that works long', () => {
  const start = async (): Promise<void> => {
    home.job('long', '  - { id: wait, tool: shell, input: { command: sleep 600 } }');
    expect((await nika('pod', 'start', 'long', '-d', '--id', 'JOB-long')).code).toBe(0);
  };

  it('G5: keeps alive what its job owns', async () => {
    await server.admin.xadd('nika:ipc:JOB-long', '*', 'kind', 'signal');
    await server.admin.expire('nika:ipc:JOB-long', 5);
    await server.admin.hset('nika:contract:JOB-long', 'steps', '[]');
    await server.admin.expire('nika:contract:JOB-long', 5);
    await start();
    const ttls = await until('its keys to be kept', async () => {
      const left = await Promise.all(
        ['nika:ipc:JOB-long', 'nika:contract:JOB-long'].map((key) => server.admin.ttl(key)),
      );
      return left.every((ttl) => ttl > 7_100) && left;
    });
    expect(ttls.every((ttl) => ttl <= 7_200)).toBe(true);
  });

  it('G9: is listed by another home with --all-hosts, and says in pod show how Redis stands', async () => {
    await start();
    await untilStatus(home, 'JOB-long', 'running');
    await until('Redis to be up', () => recordOf(home, 'JOB-long')?.beat.services[0]?.state === 'up');
    using other = new TestHome();
    const listed = await until('the pod to be listed', async () => {
      const { stdout } = await other.start(['pod', 'ls', '--all-hosts', '--json'], env()).ended;
      const found = JSON.parse(stdout) as readonly Readonly<Record<string, unknown>>[];
      return found.length > 0 && found;
    });
    expect(listed).toMatchObject([{ id: 'JOB-long', status: 'running', job: 'long', home: home.dir }]);
    expect((await other.start(['pod', 'ls', '--all-hosts'], env()).ended).stdout).toMatch(/long .*● running/);
    expect((await nika('pod', 'show', 'JOB-long')).stdout).toMatch(/redis +up \(for /);
  });

  it('is not missed where Redis is away: the list says so, and shows the pods of this home', async () => {
    await start();
    const away = { NIKA_REDIS_URL: 'redis://127.0.0.1:1' };
    const { code, stdout, stderr } = await home.start(['pod', 'ls', '--all-hosts'], away).ended;
    expect([code, stdout]).toEqual([1, expect.stringContaining('long')]);
    expect(stderr).toContain('other hosts are not shown: redis: connect ECONNREFUSED');
    writeFileSync(join(home.dir, 'config/nika.yaml'), '');
    const off = await home.nika('pod', 'ls', '--all-hosts');
    expect([off.code, off.stderr]).toEqual([0, expect.stringContaining('no Redis is configured')]);
  });
});

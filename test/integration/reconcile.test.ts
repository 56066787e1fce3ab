import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { rollSegment } from '../../src/bus/segments.ts';
import { writeMissed } from '../fixtures/missed-transitions.ts';
import { TestHome } from '../nika.ts';
import { endPods, recordOf, until, untilStatus } from '../pods.ts';
import { Proxy } from '../servers/proxy.ts';
import { RedisServer } from '../servers/redis.ts';

const FEED = 'nika:feed:entities';
const NOBODY = { NIKA_REDIS_URL: 'redis://127.0.0.1:1' };

let server: RedisServer;
let home: TestHome;

beforeAll(async () => {
  server = await RedisServer.open();
});
afterAll(async () => server[Symbol.asyncDispose]());
beforeEach(async () => {
  await server.admin.flushall();
  home = new TestHome();
  mkdirSync(join(home.dir, 'run'), { recursive: true });
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

const env = () => ({ NIKA_REDIS_URL: server.url });
const reconcile = (...flags: readonly string[]) => home.start(['reconcile', ...flags], env()).ended;

interface Told {
  readonly kind: string;
  readonly isFull: boolean;
  readonly publishedCount: number;
  readonly comparedCount: number;
  readonly leftToLiveCount: number;
}
const asTold = (json: string): Told => {
  const { kind, full, published, compared, left_to_live } = JSON.parse(json) as Readonly<Record<string, unknown>>;
  return {
    kind: String(kind),
    isFull: full === true,
    publishedCount: Number(published),
    comparedCount: Number(compared),
    leftToLiveCount: Number(left_to_live),
  };
};
const told = async (...flags: readonly string[]): Promise<Told> => asTold((await reconcile('--json', ...flags)).stdout);

/** Pairs of id and ts, in the order of the feed. */
const onFeed = async (): Promise<readonly (readonly [string, string])[]> =>
  (await server.admin.xrange(FEED, '-', '+')).map(([, fields]) => {
    const valueOf = (name: string): string => fields[fields.indexOf(name) + 1] ?? '';
    return [valueOf('id'), valueOf('ts')];
  });
const idsOnFeed = async (): Promise<readonly string[]> => (await onFeed()).map(([id]) => id);
const onBus = (): readonly (readonly [string, string])[] =>
  home.alpha
    .filter(({ type, data }) => /^(entity_|job_)/.test(type) || data['condition'] === 'pod_lost')
    .map(({ id, ts }) => [id, ts]);

describe('nika reconcile', () => {
  it('G4: brings what pods could not tell: each event once, in order, with its own id and time', async () => {
    for (const name of ['true', 'false']) await home.start(['run', '--', name], NOBODY).ended;
    expect(await told()).toMatchObject({ kind: 'done', isFull: true, publishedCount: 6 });
    expect(await onFeed()).toEqual(onBus());
    expect(await told()).toMatchObject({ kind: 'done', isFull: false, publishedCount: 0, comparedCount: 0 });
    await home.start(['run', '--', 'true'], NOBODY).ended;
    expect(await told()).toMatchObject({ isFull: false, publishedCount: 3, comparedCount: 3 });
    expect(await onFeed()).toEqual(onBus());
    await server.mustHaveTtls();
  });

  it('G4: counts what pods could not tell that ended in an outage, once, and once more where nothing was lost', async () => {
    const day = new Date().toISOString().slice(0, 10);
    const calls = async (): Promise<string | null> => server.admin.hget(`agent:metrics:${day}`, 'command:calls');
    await home.start(['run', '--', 'true'], env()).ended;
    await home.start(['run', '--', 'true'], NOBODY).ended;
    expect(await calls()).toBe('1');
    // What they have left is for the Redis that they knew of; this one stands for that.
    const dir = join(home.dir, 'run/reconcile/counters');
    const [name = ''] = readdirSync(dir);
    const target = (JSON.parse(readFileSync(join(home.dir, 'run/reconcile/cursor.json'), 'utf8')) as { target: string })
      .target;
    const left = JSON.parse(readFileSync(join(dir, name), 'utf8')) as object;
    writeFileSync(join(dir, name), JSON.stringify({ ...left, target }));
    await told();
    expect([await calls(), readdirSync(dir)]).toEqual(['2', []]);
    writeFileSync(join(dir, name), JSON.stringify({ ...left, target }));
    await told();
    expect(await calls()).toBe('2');
  });

  it('G4: notices that Redis lost its data, and compares everything', async () => {
    const ids = writeMissed({ home: home.dir, count: 700 });
    await told();
    await server.admin.flushall();
    expect(await told()).toMatchObject({ isFull: true, publishedCount: 700 });
    const newest = await server.admin.xrevrange(FEED, '+', '-', 'COUNT', 5);
    for (const [id] of newest) await server.admin.xdel(FEED, id); // as after a failover that lacks the last writes
    expect(await told()).toMatchObject({ isFull: true, publishedCount: 5 });
    expect(await idsOnFeed()).toEqual(ids);
  });

  it('G4: killed in the middle, and run again: nothing is lost, nothing double', async () => {
    const ids = writeMissed({ home: home.dir, count: 30_000 });
    const { child, ended } = home.start(['reconcile'], env());
    await until('some to be published', async () => (await server.admin.xlen(FEED)) > 1_000);
    child.kill('SIGKILL');
    await ended;
    const before = await server.admin.xlen(FEED);
    expect(before).toBeLessThan(30_000);
    const { publishedCount } = await told();
    expect(publishedCount).toBeLessThan(30_000);
    expect(await idsOnFeed()).toEqual(ids);
  });

  it('G4: an outage in the middle interrupts it, and the next one does the rest', async () => {
    const ids = writeMissed({ home: home.dir, count: 5_000 });
    await using proxy = await Proxy.open(server.port);
    const { ended } = home.start(['reconcile', '--json'], { NIKA_REDIS_URL: proxy.url });
    await until('some to be published', async () => (await server.admin.xlen(FEED)) > 500);
    proxy.set({ kind: 'refusing' });
    const { code, stdout } = await ended;
    expect([code, asTold(stdout).kind]).toEqual([1, 'interrupted']);
    expect(await told()).toMatchObject({ kind: 'done' });
    expect(await idsOnFeed()).toEqual(ids);
  });

  it('two at once: one does it, and each event is there once', async () => {
    const ids = writeMissed({ home: home.dir, count: 10_000 });
    const both = await Promise.all([told(), told(), told()]);
    expect(both.filter(({ kind }) => kind === 'done').length).toBeGreaterThan(0);
    expect(both.every(({ kind }) => kind === 'done' || kind === 'busy')).toBe(true);
    expect(await idsOnFeed()).toEqual(ids);
  });

  it('leaves to a pod that lives what is its own, and takes it up when that pod is gone', async () => {
    home.job('long', '  - { id: wait, tool: shell, input: { command: sleep 600 } }');
    await home.start(['pod', 'start', 'long', '-d', '--id', 'JOB-long']).ended; // it knows of no Redis
    await untilStatus(home, 'JOB-long', 'running');
    expect(await told()).toMatchObject({ publishedCount: 0, leftToLiveCount: 2 });
    await home.start(['run', '--', 'true'], NOBODY).ended;
    expect(await told()).toMatchObject({ isFull: false, publishedCount: 3, leftToLiveCount: 2 });
    process.kill(recordOf(home, 'JOB-long')?.process.pid ?? Number.NaN, 'SIGKILL');
    await until('it to be closed', async () => (await home.nika('pod', 'ls', '--all')).stdout.includes('lost'));
    expect(await told()).toMatchObject({ publishedCount: 4, leftToLiveCount: 0 });
    expect(new Set(await idsOnFeed())).toEqual(new Set(onBus().map(([id]) => id)));
    expect(await onFeed()).toHaveLength(onBus().length);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['nika reconcile', () => reconcile()],
    ['nika pod wait', () => home.start(['pod', 'wait', 'JOB-long'], env()).ended],
    ['the next pod', () => home.start(['pod', 'start', 'long', '-d', '--id', 'JOB-next'], env()).ended],
  ])('G4: tells the end of a pod that was killed, closed by %s', async (_, closeIt) => {
    home.job('long', '  - { id: wait, tool: shell, input: { command: sleep 600 } }');
    await home.start(['pod', 'start', 'long', '-d', '--id', 'JOB-long'], env()).ended;
    await until('Redis to know of it', async () => (await server.admin.xlen(FEED)) === 2);
    await until('it to have looked after others', () => existsSync(join(home.dir, 'run/reconcile/cursor.json')));
    process.kill(recordOf(home, 'JOB-long')?.process.pid ?? Number.NaN, 'SIGKILL');
    await closeIt();
    const events = () => home.alpha.filter(({ type, entity }) => entity === 'JOB-long' && type === 'job_failed');
    await until('its end to be told', async () => (await idsOnFeed()).includes(events()[0]?.id ?? ''));
    expect(events()).toHaveLength(1);
  });

  it('says for a pod that was killed that it is over', async () => {
    home.job('long', '  - { id: wait, tool: shell, input: { command: sleep 600 } }');
    await home.start(['pod', 'start', 'long', '-d', '--id', 'JOB-long'], env()).ended;
    await until('Redis to know of it', async () => (await server.admin.hlen('nika:fleet:state')) === 1);
    const { pid = Number.NaN } = recordOf(home, 'JOB-long')?.process ?? {};
    process.kill(pid, 'SIGKILL');
    await until('it to be closed', async () => (await home.nika('pod', 'ls', '--all')).stdout.includes('lost'));
    await told();
    expect(await server.admin.hlen('nika:fleet:state')).toBe(0);
    const [state = ''] = await server.admin.keys('agent:state:*');
    expect(await server.admin.hgetall(state)).toMatchObject({ status: 'lost', entity: 'JOB-long' });
  });

  it('publishes nothing that is older than the feed keeps', async () => {
    writeMissed({ home: home.dir, count: 10, fromAtMs: Date.now() - 25 * 3_600_000 });
    const young = writeMissed({ home: home.dir, count: 10 });
    await told();
    expect(await idsOnFeed()).toEqual(young);
  });

  it('reads segments, compressed ones too, and finds its place again in one that was compressed since', async () => {
    const busDir = join(home.dir, '_bus');
    const first = writeMissed({ home: home.dir, count: 200 });
    await rollSegment(busDir, 1);
    const second = writeMissed({ home: home.dir, count: 200 });
    await told();
    const pack = (name: string): void => {
      writeFileSync(join(busDir, `${name}.gz`), gzipSync(readFileSync(join(busDir, name))));
      rmSync(join(busDir, name));
    };
    await rollSegment(busDir, 1);
    for (const name of readdirSync(busDir).filter((entry) => /\d+\.jsonl$/.test(entry))) pack(name);
    const third = writeMissed({ home: home.dir, count: 200 });
    expect(await told()).toMatchObject({ isFull: false, comparedCount: 400, publishedCount: 200 });
    await server.admin.flushall();
    expect(await told()).toMatchObject({ isFull: true, publishedCount: 600 });
    expect(await idsOnFeed()).toEqual([...first, ...second, ...third]);
  });

  it('sees what a writer that has not noticed adds to a segment that is full', async () => {
    const busDir = join(home.dir, '_bus');
    writeMissed({ home: home.dir, count: 10 });
    await rollSegment(busDir, 1);
    writeMissed({ home: home.dir, count: 10 });
    await told();
    using other = new TestHome();
    mkdirSync(join(other.dir, 'run'), { recursive: true });
    const late = writeMissed({ home: other.dir, count: 1 });
    const line = readFileSync(join(other.dir, '_bus/alpha_bus.jsonl'));
    appendFileSync(join(busDir, 'alpha_bus.000001.jsonl'), line);
    expect(await told()).toMatchObject({ isFull: false, publishedCount: 1 });
    expect((await idsOnFeed()).slice(20)).toEqual(late);
  });

  it('is done by the next pod by itself, in the background', async () => {
    const ids = writeMissed({ home: home.dir, count: 50 });
    home.job('long', '  - { id: wait, tool: shell, input: { command: sleep 600 } }');
    await home.start(['pod', 'start', 'long', '-d', '--id', 'JOB-long'], env()).ended;
    await until('the missed ones to be there', async () => (await server.admin.xlen(FEED)) >= 52);
    expect((await idsOnFeed()).filter((id) => ids.includes(id))).toEqual(ids);
  });

  it('is done by the next pod by itself, however short that is', async () => {
    const ids = writeMissed({ home: home.dir, count: 50 });
    await home.start(['run', '--', 'true'], env()).ended;
    await until('the missed ones to be there', async () => (await server.admin.xlen(FEED)) >= 53);
    expect((await idsOnFeed()).filter((id) => ids.includes(id))).toEqual(ids);
  });

  it('says in one line what it did, or why it could not', async () => {
    writeMissed({ home: home.dir, count: 1 });
    expect((await reconcile()).stdout).toMatch(/^✓ 1 event published, 1 compared \(all of the last 24 hours\), in \d/);
    const off = await home.nika('reconcile');
    expect([off.code, off.stdout]).toEqual([0, expect.stringContaining('No Redis is configured')]);
    const { code, stderr } = await home.start(['reconcile'], NOBODY).ended;
    expect([code, stderr]).toEqual([1, expect.stringContaining('✗ Redis cannot be reached: connect ECONNREFUSED')]);
  });
});

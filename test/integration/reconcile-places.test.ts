import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RedisTarget } from '../../src/config/redis/redis-settings.ts';
import { sessionIdSchema } from '../../src/model/id.ts';
import { reconcile, type Reconciled } from '../../src/recorder/reconcile/reconcile.ts';
import { writeMissed } from '../fixtures/missed-transitions.ts';
import { TestHome } from '../nika.ts';
import { Proxy } from '../servers/proxy.ts';
import { RedisCluster } from '../servers/redis-groups.ts';
import { RedisServer } from '../servers/redis.ts';
import { targetOf } from '../servers/target.ts';

const FEED = 'nika:feed:entities';
const FLEET = 'nika:fleet:state';
const ended = {
  session: sessionIdSchema.parse(randomUUID()),
  status: 'lost',
  endedAt: '2026-11-20T11:27:03.123Z',
  exitCode: 1,
};

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
  mkdirSync(join(home.dir, 'run'), { recursive: true });
});
afterEach(() => home[Symbol.dispose]());

const run = async (target: RedisTarget): Promise<Reconciled> =>
  reconcile({
    target,
    busDir: join(home.dir, '_bus'),
    runDir: join(home.dir, 'run'),
    isLiving: () => false,
    ended: [ended],
    isFull: false,
    signal: AbortSignal.timeout(30_000),
  });

describe('a reconcile', () => {
  it('G4: makes the feed and the fleet of a Cluster whole', async () => {
    await using cluster = await RedisCluster.open();
    const target = targetOf(cluster.nodes[0]?.url ?? '', { cluster: true });
    writeMissed({ home: home.dir, count: 700 });
    expect(await run(target)).toMatchObject({ kind: 'done', publishedCount: 700 });
    expect(await run(target)).toMatchObject({ kind: 'done', isFull: false, comparedCount: 0 });
    const lengths = await Promise.all(
      cluster.nodes.map(async ({ admin }) => ((await admin.keys(FEED)).length === 0 ? 0 : admin.xlen(FEED))),
    );
    expect(lengths.toSorted((a, b) => a - b)).toEqual([0, 0, 700]);
  });

  it('G4: needs no right that config/redis/nika.acl does not give', async () => {
    const rule = readFileSync(join(import.meta.dirname, '../../config/redis/nika.acl'), 'utf8').trim();
    await using server = await RedisServer.open({ config: [`${rule} >s3cret`] });
    await server.admin.hset(FLEET, ended.session, '{"seenAtMs":1}');
    writeMissed({ home: home.dir, count: 10 });
    const target = targetOf(`redis://nika:s3cret@127.0.0.1:${server.port}`);
    expect(await run(target)).toMatchObject({ kind: 'done', publishedCount: 10 });
    expect(await server.admin.hlen(FLEET)).toBe(0);
  });

  it('G4: gets through to a Redis that is 200 ms away', async () => {
    await using server = await RedisServer.open();
    await using proxy = await Proxy.open(server.port);
    proxy.set({ kind: 'latency', ms: 200 });
    const ids = writeMissed({ home: home.dir, count: 500 });
    expect(await run(targetOf(proxy.url))).toMatchObject({ kind: 'done', publishedCount: 500 });
    const fields = (await server.admin.xrange(FEED, '-', '+')).map(([, list]) => list[list.indexOf('id') + 1]);
    expect(fields).toEqual(ids);
  });

  it('says why where Redis refuses: no right, full memory, a key that is something else', async () => {
    await using server = await RedisServer.open({
      config: [
        'user weak on >s3cret ~* -@all +ping +info +client|setname +time +xrange +xrevrange +xlen +eval +evalsha',
      ],
    });
    writeMissed({ home: home.dir, count: 3 });
    const target = targetOf(`redis://weak:s3cret@127.0.0.1:${server.port}`);
    expect(await run(target)).toMatchObject({ kind: 'interrupted', why: expect.stringContaining('NOPERM') });
    await server.configSet('maxmemory', '1');
    expect(await run(targetOf(server.url))).toMatchObject({ kind: 'interrupted', why: expect.stringContaining('OOM') });
    await server.configSet('maxmemory', '0');
    await server.admin.set(FEED, 'a text', 'EX', 60);
    const wrong = { kind: 'interrupted', why: expect.stringContaining('WRONGTYPE') };
    expect(await run(targetOf(server.url))).toMatchObject(wrong);
    await server.admin.del(FEED);
    expect(await run(targetOf(server.url))).toMatchObject({ kind: 'done', publishedCount: 3 });
  });
});

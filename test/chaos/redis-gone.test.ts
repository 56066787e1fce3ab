import { beforeAll, describe, expect, it } from 'vitest';
import type { BusLine } from '../../src/bus/line.ts';
import {
  CALLS,
  expectToldAsGoingOn,
  expectToldOnce,
  expectUnharmed,
  type Reference,
  referenceRun,
  runThrough,
  unlike,
  untilDelivered,
} from '../fixtures/redis-fault.ts';
import { ToldPod } from '../fixtures/told-pod.ts';
import { Proxy } from '../servers/proxy.ts';
import { freePort, RedisServer } from '../servers/redis.ts';

let reference: Reference;
beforeAll(async () => {
  reference = await referenceRun();
});

const LOST = /connection was (lost|closed)|ECONN/;

describe.concurrent('G1, G4: a pod whose Redis', () => {
  it('is absent from the start to the end works as ever, and says what is not there', async () => {
    await using pod = await ToldPod.start({ url: `redis://127.0.0.1:${await freePort()}` });
    const run = await runThrough(pod, { begin: async () => void (await pod.untilRedis('down')) });
    await expectUnharmed(run, reference);
    expectToldAsGoingOn(run, /ECONNREFUSED/);
    expect(run.end.dropped).toEqual({ redis_events_held_back: 300, redis_transitions_held_back: 12 });
  });

  it('comes only after its start finds all of it there', async () => {
    await using server = await RedisServer.open();
    await server.kill();
    await using pod = await ToldPod.start({ url: server.url });
    const run = await runThrough(pod, {
      begin: async () => void (await pod.untilRedis('down')),
      end: async () => server.start(),
    });
    await expectUnharmed(run, reference);
    expectToldOnce(run, /ECONNREFUSED/);
    expect(await unlike(reference, server)).toEqual([]);
  });

  it.each([
    ['with its data', true],
    ['empty', false],
  ])('is killed and comes back %s is made whole', async (_, isPersistent) => {
    await using server = await RedisServer.open({ isPersistent });
    await using pod = await ToldPod.start({ url: server.url });
    const run = await runThrough(pod, {
      of: server,
      begin: async () => server.kill(),
      within: async () => void (await pod.untilRedis('down')),
      end: async () => server.start(),
    });
    await expectUnharmed(run, reference);
    expectToldOnce(run, LOST);
    expect(await unlike(reference, server)).toEqual([]);
  });

  it('is emptied by FLUSHALL is made whole, though no connection is lost', async () => {
    await using server = await RedisServer.open();
    await using pod = await ToldPod.start({ url: server.url });
    const run = await runThrough(pod, { of: server, begin: async () => void (await server.admin.flushall()) });
    await expectUnharmed(run, reference);
    expect([pod.outages, pod.logged]).toEqual([[], []]);
    expect(await unlike(reference, server)).toEqual([]);
  });

  it('forgets the scripts is given them again', async () => {
    await using server = await RedisServer.open();
    await using pod = await ToldPod.start({ url: server.url });
    const forget = async () => void (await server.admin.script('FLUSH'));
    const run = await runThrough(pod, { of: server, begin: forget, within: forget });
    await expectUnharmed(run, reference);
    expect([pod.outages, pod.logged]).toEqual([[], []]);
    expect(await unlike(reference, server)).toEqual([]);
  });

  it('cuts an answer in its middle has everything once', async () => {
    await using server = await RedisServer.open();
    await using proxy = await Proxy.open(server.port);
    await using pod = await ToldPod.start({ url: proxy.url });
    const run = await runThrough(pod, {
      of: server,
      begin: () => proxy.set({ kind: 'reset-after', bytes: 20 }),
      within: async () => void (await pod.untilRedis('down')),
      end: () => proxy.set({ kind: 'none' }),
    });
    await expectUnharmed(run, reference);
    expectToldOnce(run, LOST);
    expect(await unlike(reference, server)).toEqual([]);
  });

  it('goes and comes ten times has everything once, and each outage is told once', async () => {
    await using server = await RedisServer.open();
    await using proxy = await Proxy.open(server.port);
    await using pod = await ToldPod.start({ url: proxy.url });
    const comeAndGo = async (): Promise<void> => {
      for (let nth = 1; nth < 10; nth += 1) {
        await pod.untilTold('degraded', nth);
        proxy.set({ kind: 'none' });
        await pod.untilTold('recovered', nth);
        proxy.set({ kind: 'refusing' });
      }
      await pod.untilTold('degraded', 10);
    };
    const run = await runThrough(pod, {
      of: server,
      begin: () => proxy.set({ kind: 'refusing' }),
      within: comeAndGo,
      end: () => proxy.set({ kind: 'none' }),
      recoveredCount: 10,
    });
    await expectUnharmed(run, reference);
    expect(pod.outages).toHaveLength(10);
    expect(pod.logged.map(({ msg }) => msg)).toEqual(
      Array.from({ length: 20 }, (_, nth) => (nth % 2 === 0 ? 'degraded' : 'recovered')),
    );
    expect(await unlike(reference, server)).toEqual([]);
  });

  it('G3, G6: is away for longer than memory lasts has the newest calls, all counts, and each transition in its order', async () => {
    await using server = await RedisServer.open();
    await using pod = await ToldPod.start({ url: server.url });
    const { rssBytes } = await pod.calls(CALLS);
    await untilDelivered(server, CALLS);
    await server.kill();
    await pod.untilTold('degraded');
    const long = await pod.calls(20_000);
    await pod.tasks(1_400); // 4,200 transitions: 200 more than wait in memory
    expect(long.rssBytes - rssBytes).toBeLessThan(96 * 1024 * 1024);
    expect(long.tookMs).toBeLessThan(20_000);
    await server.start();
    await pod.untilTold('recovered');
    const end = await pod.end();
    expect(end).toMatchObject({ code: 0, calls: 20_100, dropped: { redis_events_dropped: 15_000 } });
    expect(Object.keys(end.dropped)).toEqual(['redis_events_dropped']);
    expect(pod.outages).toMatchObject([{ dropped: 15_000 }]);
    const [events = ''] = await server.admin.keys('agent:events:*');
    const inOrder = (lines: readonly BusLine[]) => lines.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(({ id }) => id);
    const newest = inOrder(pod.home.channels.filter(({ type }) => type === 'tool_call')).slice(-5_000);
    expect((await server.admin.xrange(events, '-', '+')).map(([, fields]) => fields[1])).toEqual(newest);
    const transitions = inOrder(pod.home.alpha.filter(({ type }) => /^(entity_|job_)/.test(type)));
    expect((await server.admin.xrange('nika:feed:entities', '-', '+')).map(([, fields]) => fields[1])).toEqual(
      transitions,
    );
    const [metrics = ''] = await server.admin.keys('agent:metrics:*');
    expect(await server.admin.hgetall(metrics)).toMatchObject({ 'even:calls': '16080', 'odd:calls': '4020' });
    await server.mustHaveTtls();
  });
});

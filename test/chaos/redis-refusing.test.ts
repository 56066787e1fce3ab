import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  expectToldOnce,
  expectUnharmed,
  type Reference,
  referenceRun,
  runThrough,
  unlike,
} from '../fixtures/redis-fault.ts';
import { ToldPod } from '../fixtures/told-pod.ts';
import { until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';

let reference: Reference;
beforeAll(async () => {
  reference = await referenceRun();
});

/** All that the scripts of a session run, and what runs them. */
const COMMANDS = 'evalsha eval expire xadd xtrim xlen xrange xrevrange hget hset hincrby hlen hdel hgetall time'.split(
  ' ',
);

const FILLER = 'x'.repeat(100_000);

describe.concurrent('G1, G4: a pod whose Redis', () => {
  it('is full (noeviction) has everything once there is room', async () => {
    await using server = await RedisServer.open();
    await using pod = await ToldPod.start({ url: server.url });
    const run = await runThrough(pod, {
      of: server,
      begin: async () => server.configSet('maxmemory', '1mb'),
      within: async () => pod.untilTold('degraded'),
      end: async () => server.configSet('maxmemory', '0'),
    });
    await expectUnharmed(run, reference);
    expectToldOnce(run, /OOM/);
    expect(await unlike(reference, server)).toEqual([]);
  });

  it('evicts its keys (volatile-lru) has them again', async () => {
    await using server = await RedisServer.open();
    await using pod = await ToldPod.start({ url: server.url });
    const fill = async (): Promise<void> => {
      await server.configSet('maxmemory-policy', 'volatile-lru');
      await server.configSet('maxmemory', '3mb');
      const isOurs = (name: string): boolean => !name.startsWith('filler');
      for (let nth = 0; (await server.admin.keys('*')).some(isOurs); nth += 1)
        await server.admin.set(`filler-${nth}`, FILLER).catch(() => undefined); // it comes to be really full
      expect(Number(/evicted_keys:(\d+)/.exec(await server.admin.info('stats'))?.[1])).toBeGreaterThanOrEqual(5);
      await server.configSet('maxmemory', '0');
      await server.admin.del(...(await server.admin.keys('filler-*')));
    };
    const run = await runThrough(pod, { of: server, begin: fill });
    await expectUnharmed(run, reference);
    expect(await unlike(reference, server)).toEqual([]);
  });

  it('is a read-only replica for a while has everything once, and is not flooded with connections', async () => {
    await using server = await RedisServer.open();
    await using pod = await ToldPod.start({ url: server.url });
    const connections = async (): Promise<number> =>
      Number(/total_connections_received:(\d+)/.exec(await server.admin.info('stats'))?.[1]);
    let madeCount = 0;
    const run = await runThrough(pod, {
      of: server,
      begin: async () => void (await server.admin.replicaof('127.0.0.1', 1)),
      within: async () => {
        await pod.untilTold('degraded');
        const before = await connections();
        await delay(3_000);
        madeCount = (await connections()) - before;
        expect((await pod.untilRedis('down')).why).toMatch(/READONLY/);
      },
      end: async () => void (await server.admin.replicaof('NO', 'ONE')),
    });
    expect(madeCount).toBeLessThan(12);
    await expectUnharmed(run, reference);
    expectToldOnce(run, /READONLY/);
    expect(await unlike(reference, server)).toEqual([]);
  });

  it('denies a command, each in its turn, says which, and has everything once it may', async () => {
    const same = await referenceRun([100, ...COMMANDS.map(() => 10)]); // first: times to live are compared
    await using server = await RedisServer.open({ config: ['user told on >told-secret ~* &* +@all'] });
    const url = server.url.replace('//', '//told:told-secret@');
    await using pod = await ToldPod.start({ url });
    await pod.calls(100);
    let turn = 0;
    for (const command of COMMANDS) {
      turn += 1;
      await server.admin.acl('SETUSER', 'told', `-${command}`);
      if (command === 'eval') await server.admin.script('FLUSH');
      await pod.calls(10);
      await pod.untilTold('degraded', turn);
      await server.admin.acl('SETUSER', 'told', `+${command}`);
      await pod.untilTold('recovered', turn);
    }
    const end = await pod.end();
    expect(end).toMatchObject({ code: 0, outcome: 'completed', calls: 250, dropped: {} });
    const causes = pod.logged.filter(({ msg }) => msg === 'degraded').map(({ why }) => String(why));
    expect(causes.map((why) => /NOPERM|no permissions/.test(why))).toEqual(COMMANDS.map(() => true));
    expect(pod.output + JSON.stringify(pod.logged)).not.toContain('told-secret');
    expect(await unlike(same, server)).toEqual([]);
  });

  it('denies one command for good has all the rest', async () => {
    await using server = await RedisServer.open({ config: ['user told on >told-secret ~* &* +@all -hgetall'] });
    await using pod = await ToldPod.start({ url: server.url.replace('//', '//told:told-secret@') });
    const run = await runThrough(pod, { of: server, begin: async () => pod.untilTold('degraded') });
    await expectUnharmed(run, reference);
    expect(run.end.dropped).toEqual({});
    const wanted = await unlike(reference, server); // the heartbeat names what is denied
    expect(wanted).toEqual([expect.stringMatching(/^agent:state:<1>: at \d+: degraded redis: NOPERM .*hgetall/i)]);
  });

  it('lets it neither ask for INFO nor give its name works as with any other', async () => {
    await using server = await RedisServer.open({ config: ['user told on >told-secret ~* &* +@all -info -client'] });
    await using pod = await ToldPod.start({ url: server.url.replace('//', '//told:told-secret@') });
    const run = await runThrough(pod, { of: server, begin: () => undefined });
    await expectUnharmed(run, reference);
    expect([run.end.dropped, pod.logged]).toEqual([{}, []]);
    expect(await unlike(reference, server)).toEqual([]);
  });

  it.each([
    ['wants another password', ':wrong-secret@', /WRONGPASS/, 'wrong-secret'],
    ['wants a password', '', /NOAUTH|authentication/i, ''],
  ])('%s has everything once it is let in', async (_, login, cause, password) => {
    await using server = await RedisServer.open({ config: ['requirepass right-secret'], password: 'right-secret' });
    await using pod = await ToldPod.start({ url: server.url.replace('//', `//${login}`) });
    const run = await runThrough(pod, {
      begin: async () => pod.untilTold('degraded'),
      end: async () => server.configSet('requirepass', password),
    });
    await expectUnharmed(run, reference);
    expectToldOnce(run, cause);
    expect(await unlike(reference, server)).toEqual([]);
  });

  it('loads its data has everything once it has', async () => {
    await using server = await RedisServer.open({ isPersistent: true, config: ['key-load-delay 3000'] });
    const pipeline = server.admin.pipeline();
    const names = Array.from({ length: 600 }, (__, nth) => `filler-${nth}`);
    for (const name of names) pipeline.set(name, 'x'.repeat(2_000), 'EX', 600);
    await pipeline.exec();
    await using pod = await ToldPod.start({ url: server.url });
    let started: Promise<void> | undefined;
    const run = await runThrough(pod, {
      of: server,
      begin: async () => {
        await server.kill();
        started = server.start();
      },
      within: async () => pod.untilTold('degraded'),
      end: async () => started,
    });
    await server.admin.del(...names);
    await expectUnharmed(run, reference);
    expect(pod.outages).toHaveLength(1);
    expect(await unlike(reference, server)).toEqual([]);
  });

  it('has keys of another type under our names takes the rest, and has everything once they are gone', async () => {
    await using server = await RedisServer.open();
    await using pod = await ToldPod.start({ url: server.url });
    let names: readonly string[] = [];
    const run = await runThrough(pod, {
      of: server,
      begin: async () => {
        names = await until('all keys', async () => {
          const found = await server.admin.keys('*');
          return found.length === 6 && found;
        });
        for (const name of names) await server.admin.set(name, 'not ours', 'EX', 600);
      },
      within: async () => pod.untilTold('degraded'),
      end: async () => void (await server.admin.del(...names)),
    });
    await expectUnharmed(run, reference);
    expectToldOnce(run, /WRONGTYPE/);
    expect(await unlike(reference, server)).toEqual([]);
  });
});

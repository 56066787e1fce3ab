import { beforeAll, describe, expect, it } from 'vitest';
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
import { RedisServer } from '../servers/redis.ts';
import { SynHole } from '../servers/syn-hole.ts';

let reference: Reference;
beforeAll(async () => {
  reference = await referenceRun();
});

const SILENCE = /no answer (for|within) 2\d00 ms|does not answer/;

describe.concurrent('G1, G4: a pod whose Redis', () => {
  it('hangs (SIGSTOP) and goes on (SIGCONT) has everything once', async () => {
    await using server = await RedisServer.open();
    await using pod = await ToldPod.start({ url: server.url });
    const run = await runThrough(pod, {
      of: server,
      begin: () => server.stop(),
      within: async () => pod.untilTold('degraded'),
      end: () => server.cont(),
    });
    await expectUnharmed(run, reference);
    expectToldOnce(run, SILENCE);
    expect(await unlike(reference, server)).toEqual([]);
  });

  it('hangs for ever works as ever, and is gone a second after its work', async () => {
    await using server = await RedisServer.open();
    await using pod = await ToldPod.start({ url: server.url });
    const run = await runThrough(pod, {
      of: server,
      begin: () => server.stop(),
      within: async () => pod.untilTold('degraded'),
    });
    await expectUnharmed(run, reference);
    expectToldAsGoingOn(run, SILENCE);
    expect(run.end.dropped['redis_events_held_back']).toBeGreaterThanOrEqual(200);
    server.cont();
  });

  it('has just begun to hang when the work is over is gone a second later, with what is missing told', async () => {
    await using server = await RedisServer.open();
    await using pod = await ToldPod.start({ url: server.url });
    const run = await runThrough(pod, { of: server, begin: () => server.stop() });
    await expectUnharmed(run, reference);
    expectToldAsGoingOn(run, /no answer within 800 ms/);
    expect(run.end.dropped['redis_events_held_back']).toBeGreaterThanOrEqual(200);
    server.cont();
  });

  it('takes connections and never answers works as ever, and says so', async () => {
    await using server = await RedisServer.open();
    await using proxy = await Proxy.open(server.port);
    proxy.set({ kind: 'silent' });
    await using pod = await ToldPod.start({ url: proxy.url });
    const run = await runThrough(pod, { begin: async () => pod.untilTold('degraded') });
    await expectUnharmed(run, reference);
    expectToldAsGoingOn(run, SILENCE);
    expect(await server.admin.dbsize()).toBe(0);
  });

  it('is behind a port where no connection is answered works as ever, and says so', async () => {
    await using hole = await SynHole.open();
    await using pod = await ToldPod.start({ url: hole.url });
    const run = await runThrough(pod, { begin: async () => pod.untilTold('degraded') });
    await expectUnharmed(run, reference);
    expectToldAsGoingOn(run, /does not take the connection|ETIMEDOUT/);
    expect(run.end.dropped).toEqual({ redis_events_held_back: 300, redis_transitions_held_back: 12 });
  });

  it('is behind a port where no connection is answered, and has no time to notice, ends in time', async () => {
    await using hole = await SynHole.open();
    await using pod = await ToldPod.start({ url: hole.url });
    const run = await runThrough(pod, { begin: () => undefined });
    await expectUnharmed(run, reference);
    expectToldAsGoingOn(run, /no answer within 800 ms|does not take the connection/);
    expect(run.end.dropped).toMatchObject({ redis_events_held_back: 300 });
  });

  it('is cut off by the network, with both ends open, has everything once', async () => {
    await using server = await RedisServer.open();
    await using proxy = await Proxy.open(server.port);
    await using pod = await ToldPod.start({ url: proxy.url });
    const run = await runThrough(pod, {
      of: server,
      begin: () => proxy.set({ kind: 'half-open' }),
      within: async () => pod.untilTold('degraded'),
      end: () => proxy.set({ kind: 'none' }),
    });
    await expectUnharmed(run, reference);
    expectToldOnce(run, SILENCE);
    expect(await unlike(reference, server)).toEqual([]);
  });

  it.each(['WRITE', 'ALL'])('is paused (CLIENT PAUSE … %s) has everything once', async (what) => {
    await using server = await RedisServer.open();
    await using pod = await ToldPod.start({ url: server.url });
    const run = await runThrough(pod, {
      of: server,
      begin: async () => void (await server.admin.call('CLIENT', 'PAUSE', 3_000, what)),
      within: async () => pod.untilTold('degraded'),
      end: () => undefined,
    });
    await expectUnharmed(run, reference);
    expectToldOnce(run, SILENCE);
    expect(await unlike(reference, server)).toEqual([]);
  });
});

/** By itself: on a machine that does ten other things a late answer is a very late one. */
it('G1, G4: a pod whose Redis answers 200 ms late has everything once, and no outage is told of', async () => {
  await using server = await RedisServer.open();
  await using proxy = await Proxy.open(server.port);
  proxy.set({ kind: 'latency', ms: 100 });
  await using pod = await ToldPod.start({ url: proxy.url });
  const after = async () => untilDelivered(server, 3 * CALLS);
  const run = await runThrough(pod, { of: server, begin: () => undefined, after });
  await expectUnharmed(run, reference);
  expect([run.end.dropped, pod.outages, pod.logged]).toEqual([{}, [], []]);
  expect(await unlike(reference, server)).toEqual([]);
});

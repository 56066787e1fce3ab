/** Alpha follows feed and bus: each event once, in order per entity, whatever becomes of Redis. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { toldIn, ToldAlpha } from '../fixtures/told-alpha.ts';
import { byEntity, onBus, ToldWriters } from '../fixtures/told-writers.ts';
import { TestHome } from '../nika.ts';
import { until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';

const untilTold = async (home: TestHome, more: number): Promise<void> => {
  const before = toldIn(home).length;
  await until(`${more} more changes`, () => toldIn(home).length >= before + more);
};

/** All of the bus was told, each once, in its order by entity. */
const expectWhole = async (home: TestHome): Promise<void> => {
  const expected = onBus(home);
  const count = [...expected.values()].reduce((sum, ids) => sum + ids.length, 0);
  await until(`all ${count} changes`, () => toldIn(home).length >= count);
  expect(byEntity(toldIn(home))).toEqual(expected);
};

describe('Alpha without Redis', () => {
  it('is told of each change of its home once and in order, also of what came while it did not run', async () => {
    using home = new TestHome();
    await using writers = new ToldWriters(home, 2);
    {
      await using alpha = ToldAlpha.start(home);
      await alpha.untilFollows('bus');
      await untilTold(home, 20);
      await alpha.kill();
    }
    await delay(300);
    await using again = ToldAlpha.start(home);
    await untilTold(home, 50);
    await writers.end();
    await expectWhole(home);
    expect(new Set(toldIn(home).map(({ source }) => source))).toEqual(new Set(['bus']));
    expect(await again.end()).toBeLessThan(1_000);
  });
});

describe('Alpha with a Redis that comes and goes', () => {
  it.each([
    ['killed and started again, empty', (redis: RedisServer) => redis.kill(), (redis: RedisServer) => redis.start()],
    [
      'hung for a while',
      async (redis: RedisServer) => Promise.resolve(redis.stop()),
      async (redis: RedisServer) => Promise.resolve(redis.cont()),
    ],
  ])('is told of each change once and in order when it is %s (G4)', async (_how, begin, end) => {
    await using redis = await RedisServer.open();
    using home = new TestHome();
    await using alpha = ToldAlpha.start(home, redis.url);
    await using writers = new ToldWriters(home, 2, redis.url);
    await alpha.untilFollows('feed');
    await untilTold(home, 20);
    await begin(redis);
    await alpha.untilFollows('bus');
    await untilTold(home, 20);
    await end(redis);
    await alpha.untilFollows('feed');
    await untilTold(home, 20);
    await writers.end();
    await expectWhole(home);
    expect(new Set(toldIn(home).map(({ source }) => source))).toEqual(new Set(['feed', 'bus']));
    expect(await alpha.end()).toBeLessThan(1_000);
  });

  it('is told of each change once and in order over FLUSHALL and its own death (G4)', async () => {
    await using redis = await RedisServer.open();
    using home = new TestHome();
    await using writers = new ToldWriters(home, 2, redis.url);
    {
      await using alpha = ToldAlpha.start(home, redis.url);
      await alpha.untilFollows('feed');
      await untilTold(home, 20);
      await redis.admin.flushall();
      await untilTold(home, 20);
      await alpha.kill();
    }
    await redis.admin.flushall();
    await using again = ToldAlpha.start(home, redis.url);
    await untilTold(home, 30);
    await writers.end();
    await expectWhole(home);
    await again.end();
    expect(await redis.keysWithoutTtl()).toEqual([]); // G5
  });
});

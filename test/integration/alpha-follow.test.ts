/** Alpha follows feed and bus: each event once, in order per entity, whatever becomes of Redis. */
import { describe, expect, it } from 'vitest';
import { type ToldChange, toldIn, ToldAlpha } from '../fixtures/told-alpha.ts';
import { byEntity, onBus, ToldWriters } from '../fixtures/told-writers.ts';
import { TestHome } from '../nika.ts';
import { until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';

const onBusCount = (home: TestHome): number => [...onBus(home).values()].reduce((sum, ids) => sum + ids.length, 0);

const untilTold = async (home: TestHome, more: number): Promise<void> => {
  const before = toldIn(home).length;
  await until(`${more} more changes`, () => toldIn(home).length >= before + more);
};

/**
 * What all Alphas were told; `atKill`: what one had just been told when it was killed. Killed before it noted that, it is
 * told once more by the next (`SeenIds`, I1), and that alone.
 */
const toldOnce = (home: TestHome, atKill?: ToldChange): readonly ToldChange[] => {
  const told = toldIn(home);
  const first = told.findIndex(({ id }) => id === atKill?.id);
  return told.filter(({ id }, at) => id !== atKill?.id || at === first);
};

/** All of the bus was told, each once, in its order by entity. */
const expectWhole = async (home: TestHome, atKill?: ToldChange): Promise<void> => {
  const expected = onBus(home);
  const count = onBusCount(home);
  await until(`all ${count} changes`, () => toldOnce(home, atKill).length >= count);
  expect(byEntity(toldOnce(home, atKill))).toEqual(expected);
  expect(toldIn(home).length - count).toBeLessThanOrEqual(atKill === undefined ? 0 : 1);
};

describe('Alpha without Redis', () => {
  it('is told of each change of its home once and in order, also of what came while it did not run', async () => {
    using home = new TestHome();
    await using writers = new ToldWriters(home, 2);
    const first = ToldAlpha.start(home);
    await first.untilFollows('bus');
    await untilTold(home, 20);
    await first.kill();
    const told = toldIn(home);
    await until('more to be written', () => onBusCount(home) >= told.length + 20);
    await using again = ToldAlpha.start(home);
    await untilTold(home, 50);
    await writers.end();
    await expectWhole(home, told.at(-1));
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
    const first = ToldAlpha.start(home, redis.url);
    await first.untilFollows('feed');
    await untilTold(home, 20);
    await redis.admin.flushall();
    await untilTold(home, 20);
    await first.kill();
    const atKill = toldIn(home).at(-1);
    await redis.admin.flushall();
    await using again = ToldAlpha.start(home, redis.url);
    await untilTold(home, 30);
    await writers.end();
    await expectWhole(home, atKill);
    await again.end();
    expect(await redis.keysWithoutTtl()).toEqual([]); // G5
  });
});

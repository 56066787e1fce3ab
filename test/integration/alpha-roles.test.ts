/** Who leads the swarm: one Alpha over all homes that share a Redis, another one within a lease after its death. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { toldIn, ToldAlpha } from '../fixtures/told-alpha.ts';
import { onBus, ToldWriters } from '../fixtures/told-writers.ts';
import { TestHome } from '../nika.ts';
import { until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';

const isActive = (alpha: ToldAlpha): boolean => alpha.record?.roles.orchestrator.standing === 'active';
const isStandby = (alpha: ToldAlpha): boolean => alpha.record?.roles.orchestrator.standing === 'standby';

const untilTold = async (homes: readonly TestHome[], more: number): Promise<void> => {
  const count = (): number => homes.reduce((sum, home) => sum + toldIn(home).length, 0);
  const before = count();
  await until(`${more} more changes`, () => count() >= before + more);
};

/** Of both homes together each id was handled once, and none is missing. */
/** `inHand`: so many may have come twice, of one that was paused in the middle of it. */
const expectEachOnce = async (homes: readonly TestHome[], inHand = 0): Promise<void> => {
  const expected = homes.flatMap((home) => [...onBus(home).values()].flat()).toSorted();
  const told = (): readonly string[] => homes.flatMap(toldIn).map(({ id }) => id);
  await until(`all ${expected.length}`, () => new Set(told()).size >= expected.length);
  expect([...new Set(told())].toSorted()).toEqual(expected);
  expect(told().length - expected.length).toBeLessThanOrEqual(inHand);
};

describe('two Alphas of two homes with one Redis', () => {
  it('act one at a time: the standby takes over when the other is killed, and no event is handled twice', async () => {
    await using redis = await RedisServer.open();
    using first = new TestHome();
    using second = new TestHome();
    await using leader = ToldAlpha.start(first, redis.url);
    await leader.untilFollows('feed');
    await using standby = ToldAlpha.start(second, redis.url);
    await until('the other to stand by', () => isStandby(standby));
    await using writersOfFirst = new ToldWriters(first, 1, redis.url);
    await using writersOfSecond = new ToldWriters(second, 1, redis.url);
    await untilTold([first], 30);
    expect(toldIn(second)).toEqual([]);
    const killedAtMs = performance.now();
    await leader.kill();
    await until('the standby to take over', () => isActive(standby));
    expect(performance.now() - killedAtMs).toBeLessThan(3_500); // a lease of 2 s, a tick, and a busy machine
    await untilTold([second], 30);
    await Promise.all([writersOfFirst.end(), writersOfSecond.end()]);
    await expectEachOnce([first, second]);
    await standby.end();
    await redis.mustHaveTtls();
  });

  it('are not both active when one was paused for longer than its lease: it does nothing more once it runs', async () => {
    await using redis = await RedisServer.open();
    using first = new TestHome();
    using second = new TestHome();
    await using paused = ToldAlpha.start(first, redis.url);
    await paused.untilFollows('feed');
    await using standby = ToldAlpha.start(second, redis.url);
    await until('the other to stand by', () => isStandby(standby));
    await using writers = new ToldWriters(second, 1, redis.url);
    await untilTold([first], 20);
    process.kill(paused.pid, 'SIGSTOP');
    await until('the standby to take over', () => isActive(standby));
    await untilTold([second], 20);
    const before = toldIn(first).length;
    process.kill(paused.pid, 'SIGCONT');
    await until('it to stand by', () => isStandby(paused));
    await untilTold([second], 20);
    await writers.end();
    expect(toldIn(first).length - before).toBeLessThanOrEqual(1); // the one that it was at, which the other had too
    await expectEachOnce([first, second], 1);
  });

  it('leave the role to its holder when Redis was away, and lead each nothing but their home meanwhile', async () => {
    await using redis = await RedisServer.open();
    using first = new TestHome();
    using second = new TestHome();
    await using leader = ToldAlpha.start(first, redis.url);
    await leader.untilFollows('feed');
    await using standby = ToldAlpha.start(second, redis.url);
    await until('the other to stand by', () => isStandby(standby));
    await using writers = new ToldWriters(second, 1, redis.url);
    await untilTold([first], 10);
    await redis.kill();
    await leader.untilFollows('bus');
    await delay(2_500); // longer than the lease
    expect(isStandby(standby)).toBe(true);
    await redis.start();
    await leader.untilFollows('feed');
    await untilTold([first], 20);
    await writers.end();
    await expectEachOnce([first, second]);
    expect([isActive(leader), toldIn(second)]).toEqual([true, []]);
  });
});

describe('two Alphas of one home', () => {
  it('work one at a time, and the second takes over at once', async () => {
    using home = new TestHome();
    await using writers = new ToldWriters(home, 1);
    await using leader = ToldAlpha.start(home);
    await leader.untilFollows('bus');
    await using standby = ToldAlpha.start(home);
    await standby.until('it to be there', ({ has_home: hasHome }) => !hasHome);
    await untilTold([home], 20);
    await leader.kill();
    await standby.untilFollows('bus');
    await untilTold([home], 20);
    await writers.end();
    await expectEachOnce([home]);
    expect(standby.record?.has_home).toBe(true);
  });
});

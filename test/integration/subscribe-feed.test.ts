import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { subscribeFeed, type SubscribedChange, type SubscribeOptions } from '../../src/swarm/subscribe-feed.ts';
import { eventOf, eventsOf, FeedTeller, idsOf } from '../fixtures/fed-feed.ts';
import { writeMissed } from '../fixtures/missed-transitions.ts';
import { TestHome } from '../nika.ts';
import { until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';

const homeWith = (url?: string): TestHome => {
  const home = new TestHome();
  if (url !== undefined) writeFileSync(join(home.dir, 'config/nika.yaml'), `redis:\n  url: ${url}\n`);
  return home;
};

/** So many changes, each acknowledged as asked. */
const take = async (
  count: number,
  options: SubscribeOptions,
  mayAck: (change: SubscribedChange) => boolean = () => true,
): Promise<readonly SubscribedChange[]> => {
  const got: SubscribedChange[] = [];
  for await (const change of subscribeFeed(options)) {
    got.push(change);
    if (mayAck(change)) change.ack();
    if (got.length === count) break;
  }
  return got;
};

describe.concurrent('subscribeFeed', () => {
  it('gives each change once, over restarts of the program; without ack again', async () => {
    await using server = await RedisServer.open();
    using home = homeWith(server.url);
    await using teller = await FeedTeller.open(server.url);
    const events = eventsOf(6);
    await teller.tell(events);
    const options = { group: 'mine', home: home.dir };
    const first = await take(4, options, ({ entity }) => entity !== 'JOB-e1');
    expect(idsOf(first)).toEqual(idsOf(events.slice(0, 4)));
    const second = await take(3, options);
    expect(idsOf(second)).toEqual(idsOf([1, 4, 5].flatMap((at) => events[at] ?? [])));
    expect(second.map(({ source }) => source)).toEqual(['feed', 'feed', 'feed']);
    expect(await server.admin.xpending('nika:feed:entities', 'cg:mine')).toEqual([0, null, null, null]);
  });

  it('takes an ack that comes later, and goes on meanwhile', async () => {
    await using server = await RedisServer.open();
    using home = homeWith(server.url);
    await using teller = await FeedTeller.open(server.url);
    await teller.tell(eventsOf(3));
    const stop = new AbortController();
    const got: SubscribedChange[] = [];
    const reading = (async () => {
      for await (const change of subscribeFeed({ group: 'mine', home: home.dir, signal: stop.signal }))
        got.push(change);
    })();
    await until('all are given', () => got.length === 3);
    const pending = async (): Promise<number> =>
      ((await server.admin.xpending('nika:feed:entities', 'cg:mine')) as [number])[0];
    expect(await pending()).toBe(3);
    got[2]?.ack();
    got[0]?.ack();
    await until('two are acknowledged', async () => (await pending()) === 1);
    const fromMs = performance.now();
    stop.abort();
    await reading;
    expect(performance.now() - fromMs).toBeLessThan(1_000);
  });

  it('gives only what is significant where that is asked', async () => {
    await using server = await RedisServer.open();
    using home = homeWith(server.url);
    await using teller = await FeedTeller.open(server.url);
    await teller.tell([eventOf('a', 'created'), eventOf('a', 'started'), eventOf('a', 'failed')]);
    const got = await take(2, { group: 'mine', home: home.dir, only: 'significant' });
    expect(got.map(({ event }) => event)).toEqual(['created', 'failed']);
  });

  it('G1: follows the bus of its home where no Redis is configured, and remembers what it gave', async () => {
    using home = homeWith();
    const ids = writeMissed({ home: home.dir, count: 5 });
    const options = { group: 'mine', home: home.dir };
    const first = await take(3, options);
    expect(first.map(({ source }) => source)).toEqual(['bus', 'bus', 'bus']);
    const later = take(4, options);
    const more = writeMissed({ home: home.dir, count: 2, fromAtMs: Date.now() });
    expect(idsOf([...first, ...(await later)])).toEqual([...ids, ...more]);
  });

  it('G4: follows the bus while Redis is away and goes back to the feed, without a gap or a repeat', async () => {
    await using server = await RedisServer.open();
    using home = homeWith(server.url);
    await using teller = await FeedTeller.open(server.url);
    const stop = new AbortController();
    const got: SubscribedChange[] = [];
    const told: string[] = [];
    const reading = (async () => {
      const onStatus = ({ kind }: { readonly kind: string }): number => told.push(kind);
      for await (const change of subscribeFeed({ group: 'mine', home: home.dir, signal: stop.signal, onStatus })) {
        got.push(change);
        change.ack();
      }
    })();
    const before = eventsOf(3, 'before');
    await teller.tell(before);
    await until('those of before are given', () => got.length === 3);
    await server.kill();
    await until('it says so', () => told.includes('bus'));
    const missed = writeMissed({ home: home.dir, count: 10 });
    await until('those of the bus are given', () => got.length === 13);
    await server.start();
    await until('it is back', () => told.at(-1) === 'feed');
    const after = eventsOf(3, 'after');
    const again = missed.map((id) => ({ ...eventOf('missed-0'), id })); // as the sessions bring theirs
    await teller.tell([...before, ...again, ...after]);
    await until('those of after are given', () => got.length >= 16);
    stop.abort();
    await reading;
    expect(idsOf(got)).toEqual([...idsOf(before), ...missed, ...idsOf(after)]);
    expect(got.map(({ source }) => source)).toEqual([
      ...before.map(() => 'feed'),
      ...missed.map(() => 'bus'),
      ...after.map(() => 'feed'),
    ]);
  });

  it('says at the first change what is wrong with its options', async () => {
    using home = homeWith();
    await expect(take(1, { group: 'no good', home: home.dir })).rejects.toMatchObject({ code: 'NIKA_REDIS_BAD_NAME' });
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FeedChange } from '../../src/ipc/feed/feed-change.ts';
import { aclLine } from '../../src/redis/commands.ts';
import { openWriter } from '../../src/redis/link.ts';
import { publish } from '../../src/redis/scripts/publish.lua.ts';
import { runScript } from '../../src/redis/scripts/script.ts';
import { eventOf, eventsOf, FeedTeller, idsOf, keys, ToldReader } from '../fixtures/fed-feed.ts';
import { until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';
import { RedisCluster } from '../servers/redis-groups.ts';
import { targetOf } from '../servers/target.ts';

const feed = keys.feed.name;

const pendingCount = async ({ admin }: RedisServer, group = 'cg:orchestrator'): Promise<number> => {
  const [count] = (await admin.xpending(feed, group)) as [number];
  return count;
};

/** Until nothing is pending any more. */
const untilAcknowledged = async (server: RedisServer): Promise<boolean> =>
  until('all is acknowledged', async () => (await pendingCount(server)) === 0);

class SeenFolder implements Disposable {
  readonly #dir = mkdtempSync(join(tmpdir(), 'nika-seen-'));
  readonly file = join(this.#dir, 'feed/orchestrator.seen');

  [Symbol.dispose](): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

describe.concurrent('a reader of the feed', () => {
  it('makes its group with the stream and its expiry (G5), and is given all from the start, in order, once', async () => {
    await using server = await RedisServer.open();
    await using early = new ToldReader(server.url);
    await early.untilStatus('reading');
    expect(await server.admin.ttl(feed)).toBeGreaterThan(86_000);
    await using teller = await FeedTeller.open(server.url);
    const events = eventsOf(250);
    await teller.tell(events);
    await using late = new ToldReader(server.url, { group: 'monitor' });
    await Promise.all([early.untilGot(250), late.untilGot(250)]);
    expect(early.ids).toEqual(idsOf(events));
    expect(late.ids).toEqual(idsOf(events));
    await untilAcknowledged(server);
    await until('it says that it has caught up', () => {
      const { status } = early.reader;
      return status.kind === 'reading' && status.isCaughtUp;
    });
    await server.mustHaveTtls();
  });

  it('acknowledges after success: what it was at when it ended it is given again, and nothing else', async () => {
    await using server = await RedisServer.open();
    await using teller = await FeedTeller.open(server.url);
    const events = eventsOf(5);
    await teller.tell(events);
    const never = Promise.withResolvers<void>();
    {
      await using first = new ToldReader(server.url, {
        handle: async ({ entity }) => (entity === 'JOB-e3' ? never.promise : undefined),
      });
      await first.untilGot(4);
      expect(await pendingCount(server)).toBe(2);
    }
    await using second = new ToldReader(server.url);
    await second.untilGot(2);
    expect(second.ids).toEqual(idsOf(events.slice(3)));
    await untilAcknowledged(server);
  });

  it('ends within a second of its signal, whatever its handler does and while it waits for news', async () => {
    await using server = await RedisServer.open();
    await using teller = await FeedTeller.open(server.url);
    await using idle = new ToldReader(server.url);
    await using deaf = new ToldReader(server.url, {
      group: 'monitor',
      handle: async () => new Promise(() => undefined),
    });
    await teller.tell(eventsOf(1));
    await Promise.all([idle.untilGot(1), deaf.untilGot(1)]);
    const fromMs = performance.now();
    idle.stop();
    deaf.stop();
    await Promise.all([idle.reader.ended, deaf.reader.ended]);
    expect(performance.now() - fromMs).toBeLessThan(1_000);
    expect([idle.reader.status.kind, deaf.reader.status.kind]).toEqual(['stopped', 'stopped']);
    expect(idle.statuses.map(({ kind }) => kind)).not.toContain('away');
  });

  it('passes over what it handled before a restart, also where Redis lost that it was acknowledged', async () => {
    using seen = new SeenFolder();
    await using server = await RedisServer.open();
    await using teller = await FeedTeller.open(server.url);
    const events = eventsOf(20);
    await teller.tell(events);
    {
      await using first = new ToldReader(server.url, { seenFile: seen.file });
      await first.untilHandled(20);
    }
    await server.admin.flushall();
    const more = eventsOf(3, 'more');
    await teller.tell([...events, ...more]); // as sessions and reconcile bring theirs again
    await using second = new ToldReader(server.url, { seenFile: seen.file, consumer: 'two' });
    await second.untilHandled(3);
    await untilAcknowledged(server);
    expect(second.ids).toEqual(idsOf(more));
    expect(second.reader.counts).toMatchObject({ repeatedCount: 20, handledCount: 3 });
  });

  it('shares the entries of a group with another one, each to one of them', async () => {
    await using server = await RedisServer.open();
    await using teller = await FeedTeller.open(server.url);
    const slow = { group: 'worker', handle: async () => new Promise<void>((resolve) => setTimeout(resolve, 1)) };
    await using one = new ToldReader(server.url, slow);
    await using two = new ToldReader(server.url, { ...slow, consumer: 'two' });
    const events = eventsOf(300);
    for (let at = 0; at < 300; at += 10) await teller.tell(events.slice(at, at + 10));
    await until('all were given', () => one.got.length + two.got.length >= 300);
    expect([...one.ids, ...two.ids].toSorted()).toEqual(idsOf(events).toSorted());
    expect(Math.min(one.got.length, two.got.length)).toBeGreaterThan(0);
  });

  it('keeps what a slow handler holds, and takes over what a consumer that is gone had taken', async () => {
    await using server = await RedisServer.open();
    await using teller = await FeedTeller.open(server.url);
    await teller.tell(eventsOf(3, 'lost'));
    await server.admin.xgroup('CREATE', feed, 'cg:worker', '0');
    await server.admin.xreadgroup('GROUP', 'cg:worker', 'gone', 'COUNT', 3, 'STREAMS', feed, '>');
    const slow = Promise.withResolvers<void>();
    await using one = new ToldReader(server.url, { group: 'worker', minIdleMs: 600, handle: async () => slow.promise });
    await one.untilGot(1); // the first of those of the one that is gone
    await using two = new ToldReader(server.url, { group: 'worker', minIdleMs: 600, consumer: 'two' });
    const fresh = eventOf('fresh');
    await teller.tell([fresh]);
    await two.untilGot(1);
    await new Promise((resolve) => setTimeout(resolve, 1_500)); // more than twice what is waited for
    expect(two.ids).toEqual([fresh.id]);
    slow.resolve();
    await one.untilHandled(3);
    expect(one.reader.counts.takenOverCount).toBe(3);
    expect(two.reader.counts).toMatchObject({ handledCount: 1, takenOverCount: 0 });
  });

  it('puts what keeps failing to nika:feed:dead with its error, once, and goes on', async () => {
    await using server = await RedisServer.open();
    await using teller = await FeedTeller.open(server.url);
    const events = eventsOf(3);
    await teller.tell(events);
    const dead: string[] = [];
    await using reader = new ToldReader(server.url, {
      deliveries: 3,
      handle: async ({ entity }) => {
        if (entity === 'JOB-e1') throw new Error('cannot be had');
      },
      onDead: ({ id }) => dead.push(id),
    });
    await reader.untilHandled(2);
    await untilAcknowledged(server);
    expect(reader.got.map(({ entity }) => entity)).toEqual(['JOB-e0', 'JOB-e1', 'JOB-e1', 'JOB-e1', 'JOB-e2']);
    const [entry, ...others] = await server.admin.xrange(keys.deadFeed.name, '-', '+');
    expect(others).toEqual([]);
    expect(entry?.[1]).toEqual(
      expect.arrayContaining(['cg:orchestrator', 'one', '3', 'cannot be had', 'JOB-e1', events[1]?.id]),
    );
    expect(dead).toEqual([events[1]?.id]);
    await server.mustHaveTtls(); // G5
  });

  it('does not hand on once more what was given too often to readers that ended over it; the rest of their batch it does', async () => {
    await using server = await RedisServer.open();
    await using teller = await FeedTeller.open(server.url);
    await teller.tell(eventsOf(3));
    for (let nth = 0; nth < 3; nth += 1) {
      await using killed = new ToldReader(server.url, {
        deliveries: 3,
        handle: async () => new Promise(() => undefined),
      });
      await killed.untilGot(1);
      expect(killed.got.map(({ entity }) => entity)).toEqual(['JOB-e0']);
    }
    await using reader = new ToldReader(server.url, { deliveries: 3 });
    await reader.untilHandled(2);
    expect(reader.got.map(({ entity }) => entity)).toEqual(['JOB-e1', 'JOB-e2']);
    expect(reader.reader.counts.deadCount).toBe(1);
    expect(await server.admin.xlen(keys.deadFeed.name)).toBe(1);
  }, 15_000);

  it('passes over what is gone from the feed before it was handled, and what is no change', async () => {
    await using server = await RedisServer.open();
    await using teller = await FeedTeller.open(server.url);
    await teller.tell(eventsOf(5));
    await server.admin.xgroup('CREATE', feed, 'cg:orchestrator', '0');
    await server.admin.xreadgroup('GROUP', 'cg:orchestrator', 'one', 'COUNT', 3, 'STREAMS', feed, '>');
    await server.admin.xtrim(feed, 'MAXLEN', '=', 3); // two of the three
    await server.admin.xadd(feed, '*', 'hello', 'world');
    await using reader = new ToldReader(server.url);
    await reader.untilHandled(3);
    await untilAcknowledged(server);
    expect(reader.got.map(({ entity }) => entity)).toEqual(['JOB-e2', 'JOB-e3', 'JOB-e4']);
    await until('what is no change was read', () => reader.reader.counts.unreadableCount === 1);
    expect(reader.reader.counts).toMatchObject({ trimmedCount: 2 });
  });

  it('holds what its handler wants held until it is acknowledged, and goes on meanwhile', async () => {
    await using server = await RedisServer.open();
    await using teller = await FeedTeller.open(server.url);
    const events = eventsOf(3);
    await teller.tell(events);
    {
      await using first = new ToldReader(server.url, { minIdleMs: 400, handle: async () => 'held' });
      await first.untilGot(3);
      first.reader.acknowledge(events[1]?.id ?? '');
      await until('one is acknowledged', async () => (await pendingCount(server)) === 2);
      await using other = new ToldReader(server.url, { minIdleMs: 400, consumer: 'two' });
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect([first.got.length, other.got.length]).toEqual([3, 0]);
    }
    await using second = new ToldReader(server.url);
    await second.untilHandled(2);
    expect(second.ids).toEqual([events[0]?.id, events[2]?.id]);
  });

  it('gives only what is significant where that is asked', async () => {
    await using server = await RedisServer.open();
    await using teller = await FeedTeller.open(server.url);
    await teller.tell([
      eventOf('a', 'created'),
      eventOf('a', 'started'),
      eventOf('a', 'pod_waiting'),
      eventOf('a', 'failed'),
    ]);
    await using reader = new ToldReader(server.url, { only: 'significant' });
    await reader.untilHandled(2);
    await untilAcknowledged(server);
    expect(reader.got.map(({ event }) => event)).toEqual(['created', 'failed']);
  });

  it('needs no right but those of config/redis/nika.acl, and says which one it lacks', async () => {
    await using server = await RedisServer.open();
    const [, name = '', ...rules] = aclLine().split(' ');
    await server.admin.call('ACL', 'SETUSER', name, ...rules, '>secret');
    await using teller = await FeedTeller.open(server.url);
    await teller.tell(eventsOf(2));
    const url = server.url.replace('redis://', `redis://${name}:secret@`);
    const handle = async ({ entity }: FeedChange): Promise<void> => {
      if (entity === 'JOB-e0') throw new Error('dead');
    };
    await using reader = new ToldReader(url, { deliveries: 1, handle });
    await reader.untilHandled(1);
    await until('the other one is dead', () => reader.reader.counts.deadCount === 1);
    await server.admin.call('ACL', 'SETUSER', name, '-xgroup|create');
    await using lacking = new ToldReader(url, { group: 'other' });
    await lacking.untilStatus('away');
    expect(lacking.reader.status).toMatchObject({ why: expect.stringMatching(/XGROUP\|CREATE|permission/i) });
  });

  it('reads from a Cluster too', async () => {
    await using cluster = await RedisCluster.open();
    const more = { cluster: true, nodes: cluster.nodes.map(({ port }) => `127.0.0.1:${port}`) };
    const target = targetOf(cluster.nodes[0]?.url ?? '', more);
    const events = eventsOf(3);
    await using link = await openWriter(target);
    await link.untilReady(10_000);
    const told = await runScript(link, publish({ key: keys.feed, events, afterId: undefined, isAgain: false }));
    expect(told.kind).toBe('done');
    await using reader = new ToldReader('redis://ignored:1', { target });
    await reader.untilHandled(3);
    expect(reader.ids).toEqual(idsOf(events));
    const stopped = performance.now();
    reader.stop();
    await reader.reader.ended;
    expect(performance.now() - stopped).toBeLessThan(1_000);
  });
});

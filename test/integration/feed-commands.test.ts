import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventOf, eventsOf, FeedTeller, idsOf, keys, ToldReader } from '../fixtures/fed-feed.ts';
import { writeMissed } from '../fixtures/missed-transitions.ts';
import { TestHome } from '../nika.ts';
import { until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';

const homeWith = (url?: string): TestHome => {
  const home = new TestHome();
  if (url !== undefined) writeFileSync(join(home.dir, 'config/nika.yaml'), `redis:\n  url: ${url}\n`);
  return home;
};

interface Shown {
  readonly id: string;
  readonly local_only: boolean;
}

const shown = (stdout: string): readonly Shown[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Shown);

describe.concurrent('nika feed tail', () => {
  it('shows the newest changes, those since a time, and of those what is asked; takes nothing from any group', async () => {
    await using server = await RedisServer.open();
    using home = homeWith(server.url);
    await using teller = await FeedTeller.open(server.url);
    const events = [...eventsOf(30), eventOf('root', 'created'), eventOf('root', 'failed')];
    await teller.tell(events);
    const [newest, since, significant, ofEntity, failed] = await Promise.all([
      home.nika('feed', 'tail', '-n', '5', '--json'),
      home.nika('feed', 'tail', '--since', '10m', '--json'),
      home.nika('feed', 'tail', '--only', 'significant', '--json'),
      home.nika('feed', 'tail', '--entity', 'JOB-e7', '--json'),
      home.nika('feed', 'tail', '--event', 'failed'),
    ]);
    expect(idsOf(shown(newest.stdout))).toEqual(idsOf(events.slice(-5)));
    expect(idsOf(shown(since.stdout))).toEqual(idsOf(events));
    expect(idsOf(shown(significant.stdout))).toEqual(idsOf(events.slice(-2)));
    expect(idsOf(shown(ofEntity.stdout))).toEqual([events[7]?.id]);
    expect(failed.stdout).toMatch(/JOB root +failed +fed/);
    expect(shown(newest.stdout)[0]?.local_only).toBe(false);
    expect((await server.admin.xinfo('GROUPS', keys.feed.name)) as unknown[]).toEqual([]);
  });

  it('G1: tells what the bus of its home tells where no Redis is configured, and says so once', async () => {
    using home = homeWith();
    const ids = writeMissed({ home: home.dir, count: 30 });
    const { stdout, stderr, code } = await home.nika('feed', 'tail', '-n', '10', '--json');
    expect(code).toBe(0);
    expect(shown(stdout).map(({ id, local_only: isLocal }) => [id, isLocal])).toEqual(
      ids.slice(-10).map((id) => [id, true]),
    );
    expect(stderr.match(/local only: no Redis is configured/g)).toHaveLength(1);
  });

  it('G4: goes on with the bus while Redis is away, and with the feed when it is back, without a gap or a repeat', async () => {
    await using server = await RedisServer.open();
    using home = homeWith(server.url);
    await using teller = await FeedTeller.open(server.url);
    const before = eventsOf(3, 'before');
    await teller.tell(before);
    const tail = home.start(['feed', 'tail', '-f', '--json']);
    await tail.printed(before[2]?.id ?? '');
    const live = eventsOf(2, 'live');
    await teller.tell(live);
    await tail.printed(live[1]?.id ?? '');
    await server.kill();
    await tail.printed('local only');
    const missed = writeMissed({ home: home.dir, count: 10, fromAtMs: Date.now() });
    await tail.printed(missed[9] ?? '');
    await server.start();
    const after = eventsOf(3, 'after');
    const again = missed.map((id) => ({ ...eventOf('missed-0'), id })); // as reconcile brings them
    await teller.tell([...before, ...live, ...again, ...after]);
    await tail.printed(after[2]?.id ?? '');
    tail.child.kill('SIGINT');
    const { code, stdout, stderr } = await tail.ended;
    expect(code).toBe(130);
    expect(idsOf(shown(stdout))).toEqual([...idsOf(before), ...idsOf(live), ...missed, ...idsOf(after)]);
    expect(shown(stdout).filter(({ local_only: isLocal }) => isLocal)).toHaveLength(10);
    expect(stderr.match(/local only/g)).toHaveLength(1);
    expect(stderr.match(/Redis is back/g)).toHaveLength(1);
  });
});

describe.concurrent('nika feed lag', () => {
  it('tells who reads, what is pending and how far a group is behind; unknown where Redis cannot say', async () => {
    await using server = await RedisServer.open();
    using home = homeWith(server.url);
    await using teller = await FeedTeller.open(server.url);
    await teller.tell(eventsOf(5));
    await server.admin.xgroup('CREATE', keys.feed.name, 'cg:worker', '0');
    await server.admin.xreadgroup('GROUP', 'cg:worker', 'one', 'COUNT', 2, 'STREAMS', keys.feed.name, '>');
    const { stdout } = await home.nika('feed', 'lag', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      entries: 5,
      groups: [
        {
          group: 'cg:worker',
          lag: 3,
          pending: 2,
          oldest_pending_ms: expect.any(Number),
          consumers: [{ name: 'one', pending: 2, idle_ms: expect.any(Number) }],
        },
      ],
    });
    const [[fourth] = ['']] = await server.admin.xrevrange(keys.feed.name, '+', '-', 'COUNT', 2);
    await server.admin.xdel(keys.feed.name, fourth);
    const text = await home.nika('feed', 'lag');
    expect(text.stdout).toMatch(/cg:worker +unknown +2/);
    expect(text.stderr).toContain('Redis cannot say');
  });

  it('says that it needs Redis where there is none', async () => {
    using home = homeWith();
    const { code, stderr } = await home.nika('feed', 'lag');
    expect([code, stderr]).toEqual([1, expect.stringContaining('NIKA_FEED_AWAY')]);
  });
});

describe.concurrent('nika feed dead', () => {
  it('lists what could not be handled, gives it to its group again, and throws away', async () => {
    await using server = await RedisServer.open();
    using home = homeWith(server.url);
    await using teller = await FeedTeller.open(server.url);
    const events = eventsOf(3);
    await teller.tell(events);
    await using other = new ToldReader(server.url, { group: 'monitor' });
    const ill = { isIll: true };
    await using reader = new ToldReader(server.url, {
      deliveries: 1,
      minIdleMs: 1_000,
      handle: async () => {
        if (ill.isIll) throw new Error('the disk is full');
      },
    });
    await until('all are dead', () => reader.reader.counts.deadCount === 3);
    await other.untilHandled(3);
    const list = await home.nika('feed', 'dead', 'list', '--json');
    const dead = JSON.parse(list.stdout) as readonly { readonly id: string }[];
    expect(dead).toMatchObject([
      {
        group: 'cg:orchestrator',
        consumer: 'one',
        error: 'the disk is full',
        entity_id: 'JOB-e0',
        event_id: events[0]?.id,
      },
      { entity_id: 'JOB-e1' },
      { entity_id: 'JOB-e2' },
    ]);
    const [first = { id: '' }, second = { id: '' }] = dead;
    ill.isIll = false;
    const retried = await home.nika('feed', 'dead', 'retry', first.id);
    expect(retried.stdout).toContain('given to its group again');
    await reader.untilHandled(1);
    expect(reader.got.at(-1)?.id).toBe(events[0]?.id);
    expect(other.got).toHaveLength(3);
    const dropped = await home.nika('feed', 'dead', 'drop', second.id, '--json');
    expect(JSON.parse(dropped.stdout)).toEqual({ dropped: 1 });
    await server.admin.xtrim(keys.feed.name, 'MAXLEN', '=', 0);
    const published = await home.nika('feed', 'dead', 'retry', '--all', '--json');
    expect(JSON.parse(published.stdout)).toMatchObject([{ outcome: 'published' }]);
    await reader.untilHandled(2);
    expect(reader.got.at(-1)?.id).toBe(events[2]?.id);
    await until('the other one passed it over', () => other.reader.counts.repeatedCount === 1);
    expect(await server.admin.xlen(keys.deadFeed.name)).toBe(0);
    await server.mustHaveTtls(); // G5
  });
});

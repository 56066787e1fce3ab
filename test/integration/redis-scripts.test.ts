import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseEntityId, type SessionId } from '../../src/model/id.ts';
import { createKeys, type Key } from '../../src/redis/keys.ts';
import { type Link, openWriter } from '../../src/redis/link.ts';
import { addCounters, isSessionField } from '../../src/redis/scripts/add-counters.lua.ts';
import { addEvents, createEntry, idOf, type StreamEntry } from '../../src/redis/scripts/add-events.lua.ts';
import { addSignals, type SignalEntry } from '../../src/redis/scripts/add-signals.lua.ts';
import { type FeedEvent, publish } from '../../src/redis/scripts/publish.lua.ts';
import { runScript, runScripts, type ScriptCall } from '../../src/redis/scripts/script.ts';
import { setFleetField } from '../../src/redis/scripts/set-fleet-field.lua.ts';
import { setState } from '../../src/redis/scripts/set-state.lua.ts';
import { isOnPath, RedisServer } from '../servers/redis.ts';
import { targetOf } from '../servers/target.ts';

const keys = createKeys('');
const TODAY = new Date('2026-11-20T12:00:00Z');
const DAY_MS = 86_400_000;

const entry = (nth: number): StreamEntry => createEntry(`1000-${nth}`, ['Bash', String(nth)]);
const entries = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => entry(from + at));
const event = (nth: number): FeedEvent => ({
  id: `event-${nth}`,
  fields: { event: 'created', data: `{"nth":${nth}}` },
});
const events = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => event(from + at));

const JOB = parseEntityId('JOB-scripts');
const signals = (from: number, to: number): readonly SignalEntry[] =>
  Array.from({ length: to - from + 1 }, (_, at) => {
    const id = `signal-${from + at}`;
    return { id, fields: ['id', id, 'kind', 'signal', 'body', '1'] };
  });

describe.each(['redis-server', 'valkey-server'].filter(isOnPath))('scripts on a real %s', (program) => {
  let server: RedisServer;
  let link: Link;
  let session: SessionId;

  const done = async <T>(call: ScriptCall<T>): Promise<T> => {
    const outcome = await runScript(link, call);
    if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome));
    return outcome.value;
  };
  const feedIds = async (): Promise<readonly string[]> =>
    (await server.admin.xrange(keys.feed.name, '-', '+')).map(([, fields]) => fields[fields.indexOf('id') + 1] ?? '');

  beforeAll(async () => {
    server = await RedisServer.open({ program });
    link = await openWriter(targetOf(server.url));
    await link.untilReady(5000);
  });
  beforeEach(async () => {
    session = randomUUID() as SessionId;
    await server.admin.flushall();
  });
  afterEach(async () => {
    await server.mustHaveTtls(); // G5
  });
  afterAll(async () => {
    await link.close();
    await server[Symbol.asyncDispose]();
  });

  /** One call of each script. */
  const everyCall = () =>
    [
      addEvents({ key: keys.events(session), believedLastId: '0-0', fields: ['tool', 'nth'], entries: entries(1, 3) }),
      addCounters({ key: keys.metrics(TODAY), session, totals: { 'Bash.calls': 3, 'Bash.ms': 120 } }),
      setState({ key: keys.state(session), rev: 1, fields: { status: 'running', calls: 3 } }),
      setFleetField({ key: keys.fleet, session, value: { status: 'running' } }),
      publish({ key: keys.feed, events: events(1, 2), afterId: undefined, isAgain: true }),
      addSignals({ key: keys.signals(JOB), entries: signals(1, 2), isAgain: true }),
    ] as const;

  /** All that stands in Redis, times of its clock taken out. */
  const everything = async (): Promise<Record<string, unknown>> => {
    const { admin } = server;
    const found: Record<string, unknown> = {};
    for (const name of (await admin.keys('*')).sort()) {
      const value =
        (await admin.type(name)) === 'stream' ? await admin.xrange(name, '-', '+') : await admin.hgetall(name);
      found[name] = JSON.parse(JSON.stringify(value).replaceAll(/(seenAtMs\\":)\d+/g, '$10'));
    }
    return found;
  };

  it('G4: sent twice, because the first answer was lost, change nothing the second time', async () => {
    await runScripts(link, everyCall());
    const once = await everything();
    expect(Object.keys(once)).toHaveLength(6);
    const outcomes = await runScripts(link, everyCall());
    expect(outcomes.map(({ kind }) => kind)).toEqual(['done', 'done', 'done', 'done', 'done', 'done']);
    expect(await everything()).toEqual(once);
  });

  it('G5: set the time to live of each key in the same step, as the key says', async () => {
    await runScripts(link, everyCall());
    const wanted: readonly Key[] = [
      keys.events(session),
      keys.metrics(TODAY),
      keys.state(session),
      keys.fleet,
      keys.feed,
      keys.signals(JOB),
    ];
    for (const { name, ttlS, type } of wanted) {
      expect(await server.admin.ttl(name)).toBeGreaterThan(ttlS - 3);
      expect(await server.admin.ttl(name)).toBeLessThanOrEqual(ttlS);
      expect(await server.admin.type(name)).toBe(type);
    }
  });

  it('go on after the server has forgotten them: SCRIPT FLUSH, also of some only', async () => {
    await runScripts(link, everyCall());
    await server.admin.script('FLUSH');
    const [first] = everyCall();
    await server.admin.script('LOAD', first.script.text);
    expect((await runScripts(link, everyCall())).map(({ kind }) => kind)).toEqual([
      'done',
      'done',
      'done',
      'done',
      'done',
      'done',
    ]);
  });

  it('tell a key of another type as a value, and neither change it nor give it a time to live', async () => {
    for (const { key } of everyCall()) {
      await server.admin.set(key.name, 'somebody else’s');
    }
    const outcomes = await runScripts(link, everyCall());
    for (const [at, { key }] of everyCall().entries()) {
      expect(outcomes[at]).toMatchObject({ kind: 'refused', code: 'WRONGTYPE' });
      expect(await server.admin.get(key.name)).toBe('somebody else’s');
      expect(await server.admin.ttl(key.name)).toBe(-1);
    }
    await server.admin.flushall();
  });

  it.each(['expire', 'xadd', 'hset', 'hincrby', 'xtrim', 'xrevrange', 'hget', 'hlen', 'time', 'evalsha'])(
    'G5: leave no key without a time to live and count nothing twice where a user may not %s',
    async (command) => {
      await server.admin.acl('SETUSER', 'less', 'reset', 'on', 'nopass', '~*', '+@all', `-${command}`);
      await using other = await openWriter({ ...targetOf(server.url), user: 'less' });
      expect(await other.untilReady(5000)).toBe(true);
      const outcomes = await runScripts(other, everyCall());
      const refused = outcomes.filter(({ kind }) => kind !== 'done');
      expect(refused.length).toBeGreaterThan(0);

      for (const outcome of refused) expect(outcome).toMatchObject({ kind: 'refused', code: 'NOPERM' });
      expect(await server.keysWithoutTtl()).toEqual([]);
      await runScripts(link, everyCall());
      expect(await server.admin.hget(keys.metrics(TODAY).name, 'Bash.calls')).toBe('3');
    },
  );

  it('G5: leave no key without a time to live when memory is full', async () => {
    await server.configSet('maxmemory', '1');
    const outcomes = await runScripts(link, everyCall());
    await server.configSet('maxmemory', '0');
    for (const outcome of outcomes) expect(outcome).toMatchObject({ kind: 'refused', code: 'OOM' });
    expect(await server.admin.keys('*')).toEqual([]);
  });

  describe('addEvents', () => {
    const add = (believedLastId: string, list: readonly StreamEntry[]) =>
      done(addEvents({ key: keys.events(session), believedLastId, fields: ['tool', 'nth'], entries: list }));
    const there = async () => (await server.admin.xrange(keys.events(session).name, '-', '+')).map(([id]) => id);

    it('skips what is there and adds the rest', async () => {
      expect(await add('0-0', entries(1, 3))).toEqual({ kind: 'added', lastId: '1000-3', addedCount: 3 });
      expect(await add('0-0', entries(2, 5))).toEqual({ kind: 'added', lastId: '1000-5', addedCount: 2 });
      expect(await there()).toEqual(entries(1, 5).map(idOf));
      expect(await add('1000-5', [])).toEqual({ kind: 'added', lastId: '1000-5', addedCount: 0 });
    });

    it('compares ids as numbers, not as text', async () => {
      await add('0-0', [createEntry('999-9', ['1', ''])]);
      await add('999-9', [createEntry('999-10', ['2', ''])]);
      expect(await add('999-10', [createEntry('1795602494015-0', ['3', ''])])).toMatchObject({ addedCount: 1 });
      expect(await there()).toEqual(['999-9', '999-10', '1795602494015-0']);
    });

    it('keeps each value with its name, also where some are empty', async () => {
      await add('0-0', [createEntry('1-1', ['', 'a']), createEntry('1-2', ['b', '']), createEntry('1-3', ['漢', 'd'])]);
      expect(await server.admin.xrange(keys.events(session).name, '-', '+')).toEqual([
        ['1-1', ['nth', 'a']],
        ['1-2', ['tool', 'b']],
        ['1-3', ['tool', '漢', 'nth', 'd']],
      ]);
    });

    it('G4: writes nothing and says so when the stream lies behind what its writer knows was there', async () => {
      await add('0-0', entries(1, 5));
      await server.admin.flushall();
      expect(await add('1000-5', entries(6, 7))).toEqual({ kind: 'behind', lastId: '0-0' });
      await add('0-0', entries(1, 3)); // as a failover to a replica leaves it
      expect(await add('1000-5', entries(6, 7))).toEqual({ kind: 'behind', lastId: '1000-3' });
      expect(await add('1000-3', entries(4, 7))).toEqual({ kind: 'added', lastId: '1000-7', addedCount: 4 });
      expect(await there()).toEqual(entries(1, 7).map(idOf));
    });

    it('G6: keeps exactly the newest 5,000', async () => {
      for (let from = 1; from <= 5200; from += 200) await add('0-0', entries(from, from + 199));
      expect(await server.admin.xlen(keys.events(session).name)).toBe(5000);
      expect((await there()).at(0)).toBe('1000-201');
    });

    it.each([
      ['all', [1, 2, 3, 4, 5], '0-0'],
      ['the newest', [5], '1000-4'],
    ] as const)('G4: goes on where somebody took %s away: Redis takes those ids no more', async (_, gone, last) => {
      await add('0-0', entries(1, 5));
      await server.admin.xdel(keys.events(session).name, ...gone.map((nth) => `1000-${nth}`));
      expect(await add('1000-5', entries(6, 6))).toEqual({ kind: 'behind', lastId: last });
      expect(await add(last, entries(1, 5))).toEqual({ kind: 'added', lastId: last, addedCount: 0 });
      expect(await add(last, entries(1, 7))).toEqual({ kind: 'added', lastId: '1000-7', addedCount: 2 });
      expect((await there()).slice(-2)).toEqual(['1000-6', '1000-7']);
    });

    it('leaves a time to live behind also where an entry of the batch cannot be written', async () => {
      const outcome = await runScript(
        link,
        addEvents({
          key: keys.events(session),
          believedLastId: '0-0',
          fields: ['tool', 'nth'],
          entries: [entry(1), createEntry('x-1' as '1-1', ['a', 'b'])],
        }),
      );
      expect(outcome.kind).toBe('refused');
      expect(await server.admin.ttl(keys.events(session).name)).toBeGreaterThan(0);
    });
  });

  describe('addCounters', () => {
    const count = (calls: number, who = session) =>
      done(
        addCounters({ key: keys.metrics(TODAY), session: who, totals: { 'Bash.calls': calls, 'Bash.ms': calls * 40 } }),
      );
    const calls = async () => Number(await server.admin.hget(keys.metrics(TODAY).name, 'Bash.calls'));

    it('adds what is new of each session, once', async () => {
      const other = randomUUID() as SessionId;
      await count(3);
      await count(5, other);
      await count(10);
      await count(10);
      expect(await calls()).toBe(15);
      expect(await count(10)).toEqual({ changedCount: 0 });
    });

    it('does not go back for an old batch that a hung server runs late', async () => {
      await count(10);
      await count(7);
      expect(await calls()).toBe(10);
    });

    it('G4: gives a hash that was emptied, or set back by a failover, what it lacks', async () => {
      await count(10);
      await server.admin.flushall();
      await count(12);
      expect(await calls()).toBe(12);
      const { name, ttlS } = keys.metrics(TODAY);
      const before = await server.admin.dumpBuffer(name);
      await count(20);
      await server.admin.restore(name, ttlS * 1000, before ?? Buffer.alloc(0), 'REPLACE');
      await count(25);
      expect(await calls()).toBe(25);
    });

    it('counts exactly beyond what a float of 32 bits or a text of 14 digits would hold', async () => {
      const key = keys.metrics(TODAY);
      await done(addCounters({ key, session, totals: { ms: 99_999_999_999_998 } }));
      await done(addCounters({ key, session, totals: { ms: 99_999_999_999_999 } }));
      expect(await server.admin.hget(key.name, 'ms')).toBe('99999999999999');
      expect(Object.keys(await server.admin.hgetall(key.name)).filter(isSessionField)).toEqual([`session:${session}`]);
    });
  });

  it('setState keeps the newest version, whichever comes last', async () => {
    const set = (rev: number, status: string) => done(setState({ key: keys.state(session), rev, fields: { status } }));
    expect(await set(9, 'running')).toEqual({ isNewest: true });
    expect(await set(10, 'ended')).toEqual({ isNewest: true });
    expect(await set(9, 'running')).toEqual({ isNewest: false });
    expect(await server.admin.hgetall(keys.state(session).name)).toEqual({ rev: '10', status: 'ended' });
  });

  describe('setFleetField', () => {
    const set = (who: string, value: Record<string, unknown> | undefined, cap = 10_000) =>
      done(setFleetField({ key: { ...keys.fleet, cap: { maxCount: cap } }, session: who as SessionId, value }));
    const fleet = () => server.admin.hgetall(keys.fleet.name);

    it("holds each session's own words and when Redis heard them, until it ends", async () => {
      await set('a', { status: 'running' });
      await set('b', {});
      const [seconds] = await server.admin.time();
      const a = JSON.parse((await fleet())['a'] ?? '') as Record<string, unknown>;
      expect(a).toEqual({ status: 'running', seenAtMs: expect.any(Number) });
      expect(Math.abs(Number(a['seenAtMs']) - Number(seconds) * 1000)).toBeLessThan(2000);
      expect(Object.keys(JSON.parse((await fleet())['b'] ?? '') as object)).toEqual(['seenAtMs']);
      await set('a', undefined);
      expect(Object.keys(await fleet())).toEqual(['b']);
      await set('b', undefined);
      expect(await server.admin.exists(keys.fleet.name)).toBe(0);
    });

    it('G6: over its cap lets go of those that were silent longest', async () => {
      await server.admin.hset(keys.fleet.name, 'dead', '{"seenAtMs":1,"status":"running"}', 'odd', 'not JSON');
      for (const who of ['a', 'b', 'c', 'd']) await set(who, { who }, 3);
      expect(Object.keys(await fleet()).sort()).toEqual(['b', 'c', 'd']);
    });
  });

  describe('publish', () => {
    const send = (
      list: readonly FeedEvent[],
      { afterId, isAgain = false }: { afterId?: string; isAgain?: boolean } = {},
    ) => done(publish({ key: keys.feed, events: list, afterId, isAgain }));

    it('writes the fields in order, the id first, and tells the id of the last', async () => {
      const answer = await send(events(1, 2));
      const [, second] = await server.admin.xrange(keys.feed.name, '-', '+');
      expect(answer).toEqual({ kind: 'published', lastId: second?.[0], addedCount: 2 });
      expect(second?.[1]).toEqual(['id', 'event-2', 'event', 'created', 'data', '{"nth":2}']);
    });

    it('G4: finds what was written without an answer among much that others wrote, and adds the rest in order', async () => {
      const first = await send([event(0)]);
      const afterId = first.kind === 'published' ? first.lastId : '';
      await send(events(1, 3)); // the answer to this one is lost
      await send(events(1000, 3500));
      expect(await send(events(1, 5), { afterId, isAgain: true })).toMatchObject({ kind: 'published', addedCount: 2 });
      const ids = await feedIds();
      expect(ids.filter((id) => /^event-\d$/.test(id))).toEqual([0, 1, 2, 3, 4, 5].map((nth) => `event-${nth}`));
      expect(new Set(ids).size).toBe(ids.length);
    });

    it('G4: says that the feed lost its data, and writes nothing until the writer begins anew', async () => {
      const first = await send(events(1, 3));
      const afterId = first.kind === 'published' ? first.lastId : '';
      await server.admin.flushall();
      expect(await send([event(4)], { afterId })).toEqual({ kind: 'lost' });
      await send(events(100, 101)); // others go on
      expect(await send([event(4)], { afterId })).toEqual({ kind: 'lost' });
      expect(await send(events(1, 4), { isAgain: true })).toMatchObject({ addedCount: 4 });
    });

    it("G6: keeps a day by Redis's own clock, and trims a backlog of 60,000 for real", async () => {
      const now = Date.now();
      const fill = `for nth = 0, 59999 do redis.call('XADD', KEYS[1], string.format('%.0f-0', ARGV[1] + nth), 'id', 'old') end`;
      await server.admin.eval(fill, 1, keys.feed.name, now - DAY_MS - 100_000);
      await server.admin.xadd(keys.feed.name, `${now - DAY_MS + 60_000}-0`, 'id', 'young');
      const answer = await send([event(1)], { afterId: `${now - DAY_MS - 100_000}-0` }); // trimmed, not lost
      expect(answer.kind).toBe('published');
      expect(await feedIds()).toEqual(['young', 'event-1']);
    });

    it('G6: keeps no more than its cap, exactly', async () => {
      const key = { ...keys.feed, cap: { ...keys.feed.cap, maxCount: 250 } };
      await done(publish({ key, events: events(1, 600), afterId: undefined, isAgain: false }));
      expect(await server.admin.xlen(keys.feed.name)).toBe(250);
      const gone = (await server.admin.xrange(keys.feed.name, '-', '+'))[0]?.[0] ?? '';
      await done(publish({ key, events: events(601, 700), afterId: gone, isAgain: false }));
      expect(await done(publish({ key, events: [event(701)], afterId: gone, isAgain: false }))).toMatchObject({
        kind: 'published',
      });
    });
  });

  describe('addSignals', () => {
    const idsOf = async (): Promise<readonly string[]> =>
      (await server.admin.xrange(keys.signals(JOB).name, '-', '+')).map(([, fields]) => fields[1] ?? '');

    it('G4: finds what was sent without an answer among much that others sent, and adds the rest in order', async () => {
      const send = (list: readonly SignalEntry[], isAgain = false) =>
        done(addSignals({ key: keys.signals(JOB), entries: list, isAgain }));
      await send(signals(1, 3)); // the answer to this one is lost
      await send(signals(1000, 1500));
      expect(await send(signals(1, 5), true)).toMatchObject({ addedCount: 2 });
      const ids = await idsOf();
      expect(ids.filter((id) => /^signal-\d$/.test(id))).toEqual([1, 2, 3, 4, 5].map((nth) => `signal-${nth}`));
      expect(new Set(ids).size).toBe(ids.length);
    });

    it('G6: keeps exactly the newest 10,000', async () => {
      await done(addSignals({ key: keys.signals(JOB), entries: signals(1, 10_050), isAgain: false }));
      const ids = await idsOf();
      expect([ids.length, ids[0], ids.at(-1)]).toEqual([10_000, 'signal-51', 'signal-10050']);
    });
  });
});

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Link, type LinkStatus, openReader, openWriter } from '../../src/redis/link.ts';
import { READ_BLOCK_MS } from '../../src/redis/link-options.ts';
import { Proxy } from '../servers/proxy.ts';
import { freePort, RedisServer } from '../servers/redis.ts';
import { targetOf } from '../servers/target.ts';

const PING = { name: 'ping', args: [] };
/** More than a busy machine takes, less than any timeout of the link. */
const SOON_MS = 250;

const timed = async <T>(work: () => Promise<T>): Promise<readonly [T, number]> => {
  const from = performance.now();
  return [await work(), performance.now() - from];
};
const until = async (link: Link, kind: LinkStatus['kind'], withinMs = 8000): Promise<LinkStatus> => {
  const end = performance.now() + withinMs;
  while (link.status.kind !== kind && performance.now() < end) await delay(5);
  expect(link.status.kind).toBe(kind);
  return link.status;
};
const whyDown = async (link: Link): Promise<string> => {
  const status = await until(link, 'down');
  return status.kind === 'down' ? status.why : '';
};

describe.concurrent('a link to Redis', () => {
  it('comes to be ready and gives what came of a call as a value', async () => {
    await using server = await RedisServer.open();
    await using link = await openWriter(targetOf(`${server.url}/3`));
    expect(link.status.kind).toBe('connecting');
    expect(await link.call(PING)).toEqual({ kind: 'unsent', why: 'not connected yet' }); // L1
    expect(await link.untilReady(5000)).toBe(true);
    const bytes = Buffer.from([0, 255, 10, 13]);
    const outcomes = await link.callAll([
      { name: 'set', args: ['a', bytes, 'EX', 60] },
      { name: 'get', args: ['a'], isBinary: true },
      { name: 'xlen', args: ['a'] },
      { name: 'get', args: ['nothing'] },
    ]);
    expect(outcomes).toEqual([
      { kind: 'done', value: 'OK' },
      { kind: 'done', value: bytes },
      { kind: 'refused', code: 'WRONGTYPE', why: expect.stringContaining('WRONGTYPE Operation against a key') },
      { kind: 'done', value: null },
    ]);
    expect(await server.admin.keys('*')).toEqual([]); // they stand in database 3
  });

  it('G1: sends nothing and keeps nothing while no Redis is there, and comes by itself when one is', async () => {
    const port = await freePort();
    await using link = await openWriter(targetOf(`redis://127.0.0.1:${port}`));
    const seen: LinkStatus['kind'][] = [];
    link.onStatus(({ kind }) => seen.push(kind));
    expect(await whyDown(link)).toBe(`connect ECONNREFUSED 127.0.0.1:${port}`);
    const [outcome, ms] = await timed(() => link.call(PING));
    expect(outcome).toEqual({ kind: 'unsent', why: `connect ECONNREFUSED 127.0.0.1:${port}` });
    expect(ms).toBeLessThan(SOON_MS);
    await delay(1000);
    expect(seen).toEqual(['down']); // told once, not at each try
    expect(await timed(() => link.untilReady(200))).toEqual([false, expect.closeTo(200, -2)]);
  });

  it('L5: is ready again after a kill and a restart, within two seconds', async () => {
    await using server = await RedisServer.open({ isPersistent: true });
    await using link = await openWriter(targetOf(server.url));
    await link.untilReady(5000);
    await link.call({ name: 'set', args: ['a', 1, 'EX', 60] });
    const underWay = link.call({ name: 'blpop', args: ['nothing', 30] });
    await server.kill();
    expect(await underWay).toEqual({ kind: 'unknown', why: 'the connection was lost before the answer came' });
    await until(link, 'down');
    await server.start();
    const [isReady, ms] = await timed(() => link.untilReady(5000));
    expect(isReady).toBe(true);
    expect(ms).toBeLessThan(2000);
    expect(await link.call({ name: 'get', args: ['a'] })).toEqual({ kind: 'done', value: '1' });
  });

  it('L2: a call returns at its deadline while Redis hangs; the link goes down, and comes back with the server', async () => {
    await using server = await RedisServer.open();
    await using link = await openWriter(targetOf(server.url));
    await link.untilReady(5000);
    server.stop();
    const [outcome, ms] = await timed(() => link.call(PING, { withinMs: 200 }));
    expect(outcome).toEqual({ kind: 'unknown', why: 'no answer within 200 ms' });
    expect(ms).toBeLessThan(200 + SOON_MS);
    expect(await whyDown(link)).toBe('no answer for 2000 ms');
    expect((await timed(() => link.call(PING)))[1]).toBeLessThan(SOON_MS);
    server.cont();
    expect(await link.untilReady(5000)).toBe(true);
  });

  it('L2: a connection that is accepted and never answers is given up, again and again, and no call waits for it', async () => {
    await using server = await RedisServer.open();
    await using proxy = await Proxy.open(server.port);
    proxy.set({ kind: 'silent' });
    await using link = await openWriter(targetOf(proxy.url));
    const seen: LinkStatus['kind'][] = [];
    link.onStatus(({ kind }) => seen.push(kind));
    expect((await link.call(PING)).kind).toBe('unsent');
    const whys = new Set<string>();
    while (proxy.acceptedCount < 2) {
      const outcome = await link.call(PING);
      if (outcome.kind === 'unsent') whys.add(outcome.why);
      await delay(20);
    }
    expect([...whys]).toEqual([
      'not connected yet',
      expect.stringMatching(/does not answer$/),
      'no answer for 2000 ms',
    ]);
    expect(seen).toEqual(['down']);
    proxy.set({ kind: 'none' });
    expect(await link.untilReady(6000)).toBe(true);
  });

  it('gets over an answer that is cut in the middle, by a reset and by silence', async () => {
    await using server = await RedisServer.open();
    await using proxy = await Proxy.open(server.port);
    await using link = await openWriter(targetOf(proxy.url));
    await link.untilReady(5000);
    const text = 'x'.repeat(10_000);
    for (const kind of ['reset-after', 'silent-after'] as const) {
      proxy.set({ kind, bytes: 100 });
      expect((await link.call({ name: 'echo', args: [text] })).kind).toBe('unknown');
      proxy.set({ kind: 'none' });
      expect(await link.untilReady(5000)).toBe(true);
      expect(await link.call({ name: 'echo', args: [text] })).toEqual({ kind: 'done', value: text });
    }
  });

  it('a call can be given up from outside, before and while it is under way', async () => {
    await using server = await RedisServer.open();
    await using link = await openWriter(targetOf(server.url));
    await link.untilReady(5000);
    expect(await link.call(PING, {}, AbortSignal.abort())).toEqual({ kind: 'unsent', why: 'the call was given up' });
    const outcome = await link.call({ name: 'blpop', args: ['nothing', 30] }, {}, AbortSignal.timeout(50));
    expect(outcome).toEqual({ kind: 'unknown', why: 'the call was given up' });
  });

  it('a read-only replica refuses, and the link looks again until it may write', async () => {
    await using server = await RedisServer.open();
    await using link = await openWriter(targetOf(server.url));
    await link.untilReady(5000);
    await server.admin.replicaof('127.0.0.1', 1);
    const set = { name: 'set', args: ['a', '1', 'EX', 60] };
    expect(await link.call(set)).toMatchObject({ kind: 'refused', code: 'READONLY' });
    await until(link, 'down'); // it reconnects, since behind the address may stand another by now
    await server.admin.replicaof('NO', 'ONE');
    expect(await link.untilReady(5000)).toBe(true);
    expect((await link.call(set)).kind).toBe('done');
  });

  it('waits for a server that is loading its data, and says so', async () => {
    await using server = await RedisServer.open({ isPersistent: true, config: ['key-load-delay 3000'] });
    const pipeline = server.admin.pipeline();
    for (let nth = 0; nth < 800; nth += 1) pipeline.set(`k${nth}`, 'x'.repeat(2000), 'EX', 600);
    await pipeline.exec();
    await server.admin.bgrewriteaof();
    while ((await server.admin.info('persistence')).includes('aof_rewrite_in_progress:1')) await delay(10);
    await server.kill();
    const started = server.start();
    await using link = await openWriter(targetOf(server.url));
    const whys = new Set<string>();
    while (link.status.kind !== 'ready') {
      const outcome = await link.call(PING);
      if (outcome.kind === 'unsent') whys.add(outcome.why);
      await delay(10);
    }
    await started;
    expect([...whys].join('\n')).toContain('it is loading its data');
    expect(await link.call({ name: 'dbsize', args: [] })).toEqual({ kind: 'done', value: 800 });
  });

  it('L7: never writes to database 0 because the one it was told of is not there', async () => {
    await using server = await RedisServer.open({ config: ['databases 2'] });
    await using link = await openWriter(targetOf(`${server.url}/7`));
    expect(await whyDown(link)).toContain('DB index is out of range');
    for (let nth = 0; nth < 50; nth += 1) {
      expect((await link.call({ name: 'set', args: ['a', '1', 'EX', 60] })).kind).toBe('unsent');
      await delay(10);
    }
    expect(await server.admin.keys('*')).toEqual([]);
  });

  it('tells a server that is no Redis', async () => {
    const server = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    await using link = await openWriter(
      targetOf(`redis://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`),
    );
    expect(await whyDown(link)).toBe('what answers there is no Redis');
    expect((await link.call(PING)).kind).toBe('unsent');
    server.closeAllConnections();
    server.close();
  });

  it('goes over a Unix socket', async () => {
    await using server = await RedisServer.open();
    await using link = await openWriter(targetOf(`unix://${server.socket}?db=1`));
    expect(await link.untilReady(5000)).toBe(true);
    expect(await link.call(PING)).toEqual({ kind: 'done', value: 'PONG' });
  });

  it('a reader may block for as long as is documented', async () => {
    await using server = await RedisServer.open();
    await using link = await openReader(targetOf(server.url));
    await link.untilReady(5000);
    const read = { name: 'xread', args: ['BLOCK', READ_BLOCK_MS, 'STREAMS', 's', '$'] };
    expect(await link.call(read)).toEqual({ kind: 'done', value: null });
    expect(link.status.kind).toBe('ready');
    const waiting = link.call(read);
    await delay(100);
    await server.admin.xadd('s', '1-1', 'a', 'b');
    expect(await waiting).toEqual({ kind: 'done', value: [['s', [['1-1', ['a', 'b']]]]] });
  });

  describe('L6: a password', () => {
    const password = `s3cr3t-${randomUUID()}`;
    const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
      ['that is wrong', ['requirepass other'], /^WRONGPASS\b/],
      [
        'that a server without HELLO repeats',
        [`requirepass other`, 'rename-command HELLO ""'],
        /WRONGPASS|unknown command/,
      ],
      [
        'that a server without HELLO and AUTH repeats',
        ['rename-command HELLO ""', 'rename-command AUTH ""'],
        /unknown command/,
      ],
    ];
    it.each(cases)('%s is not shown', async (_, config, wanted) => {
      await using server = await RedisServer.open({ config, password: 'other' });
      await using link = await openWriter(targetOf(`redis://:${password}@127.0.0.1:${server.port}`));
      const seen: unknown[] = [];
      link.onStatus((status) => seen.push(status));
      expect(await whyDown(link)).toMatch(wanted);
      seen.push(await link.call(PING), link.status);
      const shown = JSON.stringify(seen) + inspect(seen, { depth: 9 }) + inspect(link, { depth: 9, showHidden: false });
      expect(shown).not.toContain('s3cr3t');
    });

    it('that is missing is told as such', async () => {
      await using server = await RedisServer.open({ config: ['requirepass other'], password: 'other' });
      await using link = await openWriter(targetOf(server.url));
      expect(await whyDown(link)).toMatch(/^NOAUTH\b/);
    });

    it('of a user who may not run INFO opens the link without a word to the terminal', async () => {
      const warned = vi.spyOn(console, 'warn');
      await using server = await RedisServer.open();
      await server.admin.acl('SETUSER', 'nika', 'on', `>${password}`, '~*', '+@all', '-info');
      await using link = await openWriter(targetOf(`redis://nika:${password}@127.0.0.1:${server.port}`));
      expect(await link.untilReady(5000)).toBe(true);
      expect(warned.mock.calls.filter(([text]) => String(text).includes('INFO'))).toEqual([]);
      warned.mockRestore();
    });
  });
});

describe('L4: close', () => {
  let server: RedisServer;
  let proxy: Proxy;
  beforeAll(async () => {
    server = await RedisServer.open();
    proxy = await Proxy.open(server.port);
  });
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  it.each(['none', 'silent', 'half-open', 'refusing'] as const)(
    'is over in 100 ms and settles all calls, whatever the server does: %s',
    async (kind) => {
      proxy.set({ kind: 'none' });
      const [used, fresh] = [await openWriter(targetOf(proxy.url)), await openWriter(targetOf(proxy.url))];
      await used.untilReady(5000);
      proxy.set({ kind });
      const late = await openWriter(targetOf(proxy.url));
      const calls = [used, fresh, late].map((link) => link.call({ name: 'blpop', args: ['nothing', 30] }));
      await delay(kind === 'refusing' ? 300 : 30);
      const [, ms] = await timed(() => Promise.all([used, fresh, late].map((link) => link.close())));
      expect(ms).toBeLessThan(150);
      const [outcomes, moreMs] = await timed(() => Promise.all(calls));
      expect(moreMs).toBeLessThan(20);
      for (const { kind: outcome } of outcomes) expect(['unsent', 'unknown']).toContain(outcome);
      expect(await used.call(PING)).toEqual({ kind: 'unsent', why: 'the link is closed' });
      expect([used.status.kind, await used.untilReady(1000)]).toEqual(['closed', false]);
      await used.close();
    },
  );
});

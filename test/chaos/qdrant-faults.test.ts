import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { QdrantTarget } from '../../src/config/memory/qdrant-settings.ts';
import { openStore } from '../../src/memory/qdrant/open-store.ts';
import { openQdrantSource } from '../../src/memory/qdrant/qdrant-source.ts';
import type { MemorySource } from '../../src/memory/memory-source.ts';
import type { PointStore, StoreFailure } from '../../src/memory/point-store.ts';
import { Secret } from '../../src/model/secret.ts';
import { rememberedPoint } from '../fixtures/memory-points.ts';
import { Proxy } from '../servers/proxy.ts';
import { hasQdrant, QdrantServer } from '../servers/qdrant.ts';
import { freePort } from '../servers/redis.ts';

const signal = new AbortController().signal;
const done = { kind: 'done', value: undefined };
const WITHIN_MS = 300;
const SLACK_MS = 1_000; // this machine may be busy

interface Both extends AsyncDisposable {
  readonly store: PointStore;
  readonly source: MemorySource;
}

const bothOf = async (target: QdrantTarget, writeWithinMs = WITHIN_MS): Promise<Both> => {
  const store = await openStore({ target, writeWithinMs, askWithinMs: WITHIN_MS });
  const source = await openQdrantSource({ target, withinMs: WITHIN_MS });
  const close = async (): Promise<void> => {
    await store[Symbol.asyncDispose]();
    await source[Symbol.asyncDispose]();
  };
  return { store, source, [Symbol.asyncDispose]: close };
};

/** All that may be asked for, at once; each must fail so, as a value, and in time. */
const allFail = async ({ store, source }: Both, failure: StoreFailure['kind'], why: string): Promise<void> => {
  const expected = { kind: failure, why: expect.stringContaining(why) };
  const startMs = performance.now();
  const points = [rememberedPoint()];
  const asked = [
    store.write(points, signal),
    store.writeFresh(points, true, signal),
    store.present(['0195f0a0-0000-7000-8000-000000000001'], signal),
    store.remove(['0195f0a0-0000-7000-8000-000000000001'], signal),
    store.removeBefore('job', Date.now(), signal),
  ];
  expect(await Promise.all(asked)).toEqual(asked.map(() => expected));
  const filter = {};
  const answers = await Promise.allSettled([
    source.count({ filter, by: 'domain' }, signal),
    source.search({ words: 'flaky', filter, limit: 5 }, signal),
    source.similar('JOB-a', { filter, limit: 5 }, signal),
  ]);
  const rejected = { status: 'rejected', reason: { name: 'SourceAway', failure: expected } };
  expect(answers).toMatchObject(answers.map(() => rejected));
  expect(performance.now() - startMs).toBeLessThan(4 * WITHIN_MS + SLACK_MS);
};

const answering = async (listener: RequestListener) => {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const target: QdrantTarget = {
    kind: 'on',
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    apiKey: new Secret('key-of-the-test'),
    collection: 'nika_memory',
  };
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { target, [Symbol.asyncDispose]: close };
};

describe('memory while what is at its address', () => {
  it('is nobody: each call fails at once, as a value (G1)', async () => {
    const port = await freePort();
    await using both = await bothOf({ kind: 'on', url: `http://127.0.0.1:${port}`, collection: 'nika_memory' });
    expect(await both.store.prepare(signal)).toMatchObject({ kind: 'away' });
    await allFail(both, 'away', 'ECONNREFUSED');
  });

  const json = { 'content-type': 'application/json' };
  const html = { 'content-type': 'text/html' };
  const noQdrant = 'what answers there is no Qdrant';
  interface Strange {
    readonly what: string;
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly kind?: StoreFailure['kind'];
    readonly why?: string;
  }
  it.each<Strange>([
    { what: 'an error of its own', status: 500, body: '{"status":{"error":"boom"}}', why: 'an error (500: boom)' },
    { what: 'a gateway that is busy', status: 503, headers: html, body: '<html>busy</html>', why: 'an error (503)' },
    { what: 'too many questions', status: 429, body: '{"status":{"error":"slow"}}', why: 'asked too much (429: slow)' },
    {
      what: 'too many, with a time',
      status: 429,
      headers: { ...json, 'retry-after': '7' },
      body: '{}',
      why: 'asked too much (429)',
    },
    {
      what: 'a refusal that repeats the key',
      status: 403,
      body: '{"status":{"error":"bad key-of-the-test"}}',
      kind: 'refused',
      why: 'bad [secret]',
    },
    { what: 'half of an answer', status: 200, body: '{"result":{"count"' },
    { what: 'an answer without a result', status: 200, body: '{"status":"ok"}' },
    { what: 'an answer of another kind', status: 200, body: '{"result":"yes"}' },
    { what: 'a web page', status: 200, headers: html, body: '<html>hello</html>' },
    { what: 'a web page that is not there', status: 404, headers: html, body: '<html>no</html>' },
    { what: 'nothing', status: 204 },
  ])('gives $what: that is said', async ({ status, headers = json, body = '', kind = 'away', why = noQdrant }) => {
    await using stranger = await answering((request, response) => {
      request.resume().once('end', () => response.writeHead(status, headers).end(body));
    });
    await using both = await bothOf(stranger.target);
    expect(await both.store.prepare(signal)).toMatchObject({ kind });
    await allFail(both, kind, why);
  });
});

describe.skipIf(!hasQdrant)('memory while Qdrant', () => {
  it('hangs: every call ends in time, and what was written after all is written once (G1, G4)', async () => {
    await using server = await QdrantServer.open();
    await using both = await bothOf(server.target());
    await both.store.prepare(signal);
    await both.store.write([rememberedPoint({ entity: 'JOB-b' })], signal);
    const point = rememberedPoint();
    server.stop();
    await allFail(both, 'away', `no answer within ${WITHIN_MS} ms`);
    expect(await both.store.write([point], signal)).toMatchObject({ kind: 'away' });
    server.cont();
    expect(await both.store.remove([], signal)).toEqual(done);
    expect(await both.store.write([point], signal)).toEqual(done);
    expect(await both.store.present([point.id], signal)).toEqual({ kind: 'done', value: new Set([point.id]) });
    expect(
      await server.count({ must: [{ key: 'entity_id', match: { value: 'JOB-a' } }, { has_id: [point.id] }] }),
    ).toBe(1);
  });

  it('is killed and comes back with its data, or with none: the collection is then made anew, and that is told', async () => {
    await using server = await QdrantServer.open();
    await using both = await bothOf(server.target(), 5_000);
    await both.store.prepare(signal);
    const points = Array.from({ length: 500 }, (_, n) => rememberedPoint({ entity: `JOB-${n}` }));
    expect(await both.store.writeFresh(points, false, signal)).toEqual(done);
    await server.kill(); // at once: what it took is in its log
    await allFail(both, 'away', '');
    await server.start();
    expect(await both.store.prepare(signal)).toEqual({ kind: 'done', value: 'there' });
    expect(await both.source.count({ filter: {} }, signal)).toEqual({ count: 500 });
    await server.restartEmpty();
    expect(await both.store.write(points, signal)).toMatchObject({
      kind: 'away',
      why: expect.stringContaining("doesn't exist"),
    });
    expect(await both.store.prepare(signal)).toEqual({ kind: 'done', value: 'made' });
    expect(await both.store.write(points, signal)).toEqual(done);
    expect(await server.count()).toBe(500);
  });

  it('has another key: it says so, and shows none', async () => {
    await using server = await QdrantServer.open();
    const target = { ...server.target(), apiKey: new Secret('key-that-is-wrong') };
    await using both = await bothOf(target);
    await allFail(both, 'refused', 'it refuses the key (401');
    expect(JSON.stringify(await both.store.prepare(signal))).not.toContain('key-that-is-wrong');
  });

  it('is behind a line that swallows, stops in the middle of an answer, or is reset', async () => {
    await using server = await QdrantServer.open();
    await using proxy = await Proxy.open(server.port);
    await using both = await bothOf(server.target({ port: proxy.port }));
    await both.store.prepare(signal);
    for (const [fault, why] of [
      [{ kind: 'silent' }, 'no answer'],
      [{ kind: 'silent-after', bytes: 60 }, 'no answer'],
      [{ kind: 'reset-after', bytes: 60 }, ''],
      [{ kind: 'refusing' }, ''],
    ] as const) {
      proxy.set(fault);
      await allFail(both, 'away', why);
    }
    proxy.set({ kind: 'none' });
    const point = rememberedPoint({ entity: 'JOB-b' });
    for (let time = 0; time < 2; time += 1) expect(await both.store.write([point], signal)).toEqual(done);
    expect(await both.source.count({ filter: { entity: ['JOB-b'] } }, signal)).toEqual({ count: 1 });
  });

  const mayMount = (() => {
    try {
      const userNamespace = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
      execFileSync('unshare', [...userNamespace, '--mount', 'true'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  })();

  it.skipIf(!mayMount)(
    'has a full disk: it says so, answers all the same, and takes points again once there is room',
    async () => {
      await using server = await QdrantServer.open({ diskMb: 120 });
      await using both = await bothOf(server.target(), 5_000);
      const write = (n: number) =>
        both.store.write([rememberedPoint({ entity: `JOB-${n}`, data: { result: 'x'.repeat(2000) } })], signal);
      await both.store.prepare(signal);
      expect(await write(0)).toEqual(done);
      server.fillDisk();
      const outcomes = [];
      for (let n = 1; n <= 2_000 && outcomes.at(-1)?.kind !== 'away'; n += 1) outcomes.push(await write(n));
      expect(outcomes.at(-1)).toEqual({ kind: 'away', why: expect.stringContaining('its disk is full (500: ') });
      expect(await both.source.count({ filter: {} }, signal)).toEqual({ count: outcomes.length });
      server.freeDisk();
      expect(await write(outcomes.length)).toEqual(done);
      expect(await both.source.count({ filter: {} }, signal)).toEqual({ count: outcomes.length + 1 });
    },
  );
});

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tryLock } from '../../src/bus/segments.ts';
import { resolveHome } from '../../src/config/home.ts';
import { NEXT_RECONCILE, startReconcile } from '../../src/pod/reconcile/start-reconcile.ts';
import { writeMissed } from '../fixtures/missed-transitions.ts';
import { TestHome } from '../nika.ts';
import { running, until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';

const FEED = 'nika:feed:entities';

let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.open();
});
afterAll(async () => server[Symbol.asyncDispose]());

it('G6: of a fleet that finds Redis back at once one waits for the reconcile that runs, and brings what came later', async () => {
  using home = new TestHome();
  mkdirSync(join(home.dir, 'run'), { recursive: true });
  const env = { ...process.env, NIKA_REDIS_URL: server.url };
  const at = resolveHome({ flag: home.dir, env, cwd: '/' });
  writeMissed({ home: home.dir, count: 10 });
  const busy = await tryLock(at.busDir, 'reconcile');
  await Promise.all(Array.from({ length: 5 }, async () => startReconcile(at, env)));
  await until('one of them to wait', async () => {
    const place = await tryLock(at.busDir, NEXT_RECONCILE);
    await place?.[Symbol.asyncDispose]();
    return place === undefined && running(home.dir).length === 1;
  });
  await startReconcile(at, env);
  expect(running(home.dir)).toHaveLength(1);
  expect(await server.admin.exists(FEED)).toBe(0);
  await busy?.[Symbol.asyncDispose]();
  await until('the feed to be whole', async () => (await server.admin.xlen(FEED)) === 10);
  await until('the last to be gone', () => running(home.dir).length === 0);
});

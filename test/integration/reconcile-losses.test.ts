import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { reconcile, type Reconciled, type ReconcileOptions } from '../../src/recorder/reconcile/reconcile.ts';
import { writeMissed } from '../fixtures/missed-transitions.ts';
import { TestHome } from '../nika.ts';
import { RedisServer } from '../servers/redis.ts';
import { targetOf } from '../servers/target.ts';

const FEED = 'nika:feed:entities';
const HOUR_MS = 3_600_000;

let server: RedisServer;
let home: TestHome;

beforeAll(async () => {
  server = await RedisServer.open();
});
afterAll(async () => server[Symbol.asyncDispose]());
beforeEach(async () => {
  await server.admin.flushall();
  home = new TestHome();
  mkdirSync(join(home.dir, 'run'), { recursive: true });
});
afterEach(() => home[Symbol.dispose]());

const run = async (options: Partial<ReconcileOptions> = {}): Promise<Reconciled> =>
  reconcile({
    target: targetOf(server.url),
    busDir: join(home.dir, '_bus'),
    runDir: join(home.dir, 'run'),
    isLiving: () => false,
    ended: [],
    isFull: false,
    signal: AbortSignal.timeout(30_000),
    ...options,
  });

const idsOnFeed = async (): Promise<readonly string[]> =>
  (await server.admin.xrange(FEED, '-', '+')).map(([, fields]) => fields[fields.indexOf('id') + 1] ?? '');

/** Between two steps of a reconcile, which waits for it: commands sent by another process. */
const meanwhile = (...commands: readonly string[]): void => {
  const text = JSON.stringify([...commands, 'QUIT', ''].join('\r\n'));
  const program = `require('net').connect(${server.port}).resume().end(${text})`;
  expect(spawnSync(process.execPath, ['-e', program]).status).toBe(0);
};

/** As a session put it there when it happened. */
const putOnFeed = async (ids: readonly string[], fromAtMs: number): Promise<void> => {
  const pipeline = server.admin.pipeline();
  for (const [nth, id] of ids.entries()) pipeline.xadd(FEED, `${fromAtMs + nth}-0`, 'id', id, 'event', 'started');
  await pipeline.exec();
};

describe('a reconcile during which Redis loses its data', () => {
  it('G4: begins anew where it notices at its next batch, and brings everything', async () => {
    const ids = writeMissed({ home: home.dir, count: 5_000 });
    let isEmptied = false;
    const onProgress: ReconcileOptions['onProgress'] = ({ publishedCount }) => {
      if (isEmptied || publishedCount < 1_000) return;
      isEmptied = true;
      meanwhile('FLUSHALL', `XADD ${FEED} * id of-another-pod`);
    };
    expect(await run({ onProgress })).toMatchObject({ kind: 'done', isFull: true, publishedCount: 5_000 });
    expect(await idsOnFeed()).toEqual(['of-another-pod', ...ids]);
  });

  it.each([0, 20])('G4: notices it also before its first batch, or without one: %i were missing', async (count) => {
    const told = writeMissed({ home: home.dir, count: 50 });
    await run();
    const ids = [...told, ...writeMissed({ home: home.dir, count })];
    let isEmptied = false;
    const onProgress = (): void => {
      if (isEmptied) return;
      isEmptied = true;
      meanwhile('FLUSHALL', `XADD ${FEED} * id of-another-pod`);
    };
    expect(await run({ isFull: true, onProgress })).toMatchObject({ kind: 'done', publishedCount: ids.length });
    expect(await idsOnFeed()).toEqual(['of-another-pod', ...ids]);
  });
});

describe('a cursor that waits for a session that lives', () => {
  it('G4: does not make it publish again what stands before its place and was told long ago', async () => {
    const longAgoMs = Date.now() - 2 * HOUR_MS;
    const told = writeMissed({ home: home.dir, count: 20, fromAtMs: longAgoMs });
    await putOnFeed(told, longAgoMs);
    const others = Array.from({ length: 6_000 }, (_, nth) => `of-another-home-${nth}`); // more than a script looks back
    await putOnFeed(others, Date.now() - HOUR_MS);
    let living = '';
    const isLiving = (session: string): boolean => session === living;
    writeMissed({ home: home.dir, count: 2 });
    living = String(home.alpha.at(-1)?.meta['session_id']);
    expect(await run({ isLiving })).toMatchObject({ publishedCount: 0, leftToLiveCount: 2 });
    expect(await run({ isLiving })).toMatchObject({ isFull: false, publishedCount: 0, leftToLiveCount: 2 });
    expect(await server.admin.xlen(FEED)).toBe(6_020);
  });
});

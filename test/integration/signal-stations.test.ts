import { existsSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseEntityId } from '../../src/model/id.ts';
import { SessionLink } from '../../src/pod/session-link.ts';
import type { HeardQueue } from '../../src/pod/signals/heard-queue.ts';
import { SignalStation } from '../../src/pod/signals/signal-station.ts';
import { tidySignals } from '../../src/pod/signals/tidy-signals.ts';
import { RedisServer } from '../servers/redis.ts';
import { targetOf } from '../servers/target.ts';

let server: RedisServer;
let runDir: string;
const opened: (() => Promise<void>)[] = [];
const NEVER = new AbortController().signal;

beforeAll(async () => {
  server = await RedisServer.open();
});
afterAll(async () => server[Symbol.asyncDispose]());
beforeEach(async () => {
  await server.admin.flushall();
  runDir = mkdtempSync(join(tmpdir(), 'nika-signals-'));
});
afterEach(async () => {
  await server.mustHaveTtls(); // G5
  for (const close of opened.splice(0)) await close();
  rmSync(runDir, { recursive: true, force: true });
});

/** The signals of one attempt of a pod. */
const openStation = (job: string, isOff = false): SignalStation => {
  const redis = isOff ? ({ kind: 'off', why: 'none' } as const) : targetOf(server.url);
  const link = new SessionLink({ redis });
  const self = parseEntityId(job);
  const record = (): void => undefined;
  const station = new SignalStation({ redis, link, runDir, busDir: runDir, self, meta: undefined, record });
  opened.push(async () => {
    await station.close(true);
    await link[Symbol.asyncDispose]();
  });
  return station;
};

const sendMany = async (from: SignalStation, count: number, bodyOf: (at: number) => unknown): Promise<void> => {
  for (let sent = 0; sent < count; sent += 50) {
    const wishes = Array.from({ length: Math.min(50, count - sent) }, (_, at) => bodyOf(sent + at));
    await Promise.all(wishes.map((body) => from.send({ to: 'JOB-b', name: 'count', body }, 'signal')));
  }
};

/** So many more, each a moment after the other: more wait meanwhile. */
const hear = async (station: SignalStation, listener: HeardQueue, count: number): Promise<readonly unknown[]> => {
  const heard: unknown[] = [];
  const late = AbortSignal.timeout(5_000);
  while (heard.length < count && !late.aborted) {
    const signals = await station.hearing.next(listener, late, Math.min(32, count - heard.length));
    heard.push(...signals.map(({ body }) => body));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return heard;
};

describe('a pod that hears signals', () => {
  it('G3: loses none of the longest, however slowly it takes them', async () => {
    const [a, b] = [openStation('JOB-a'), openStation('JOB-b')];
    await sendMany(a, 300, (at) => [at, 'x'.repeat(32_700)]);
    const heard = await hear(b, b.hearing.listen(undefined), 300);
    expect(heard.map((body) => (body as readonly unknown[])[0])).toEqual(Array.from({ length: 300 }, (_, at) => at));
    expect(b.dropped()).toMatchObject({ signals_dropped: 0, signals_gaps: 0 });
  });

  it('is answered what it asks although more than it holds wait to be heard', async () => {
    const [a, b, c] = [openStation('JOB-a'), openStation('JOB-b'), openStation('JOB-c')];
    const asked = c.hearing.listen(['request']);
    const answering = c.hearing.next(asked, NEVER).then(([one]) => c.reply(one?.id ?? '', { ok: true, body: 'here' }));
    await sendMany(a, 1_200, (at) => at);
    const listener = b.hearing.listen(undefined);
    await hear(b, listener, 1);
    expect(await b.request({ to: 'JOB-c', name: 'where?' }, 4_000)).toBe('here');
    await answering;
    expect(await hear(b, listener, 1_199)).toEqual(Array.from({ length: 1_199 }, (_, at) => at + 1));
  });

  it('hears in a further attempt what no earlier one has, also where more always waited than it took', async () => {
    const [a, b] = [openStation('JOB-a'), openStation('JOB-b')];
    await sendMany(a, 4_000, (at) => at);
    const first = await hear(b, b.hearing.listen(undefined), 3_010);
    await b.close(false);
    const next = openStation('JOB-b');
    const second = await hear(next, next.hearing.listen(undefined), 990);
    expect([...first, ...second]).toEqual(Array.from({ length: 4_000 }, (_, at) => at));
  });

  it('leaves to its next attempt what came straight and was heard by nobody, without Redis', async () => {
    const [a, b] = [openStation('JOB-a', true), openStation('JOB-b', true)];
    const to = parseEntityId('JOB-b');
    for (const id of ['one', 'two']) {
      await b.deliver({ id, kind: 'signal', name: 'x', body: id, to, ts: new Date().toISOString() }, false, NEVER);
    }
    expect(await hear(b, b.hearing.listen(undefined), 1)).toEqual(['one']);
    await b.close(false);
    const next = openStation('JOB-b', true);
    expect(await hear(next, next.hearing.listen(undefined), 1)).toEqual(['two']);
    await next.close(false);
    const last = openStation('JOB-b', true);
    const nothing = await last.hearing.next(last.hearing.listen(undefined), AbortSignal.timeout(50));
    expect(nothing).toEqual([]);
    await expect(a.send({ to: 'JOB-b', name: 'x' }, 'signal')).rejects.toMatchObject({ code: 'NIKA_SIGNAL_NO_JOB' });
  });
});

it('keeps nothing in the home of pods that died a week ago (G6)', async () => {
  const [a, b] = [openStation('JOB-a'), openStation('JOB-b')];
  await sendMany(a, 1, (at) => at);
  await hear(b, b.hearing.listen(undefined), 1);
  await b.close(false); // as a kill -9 leaves it
  const file = join(runDir, 'signals/JOB-b.json');
  await tidySignals(runDir);
  expect(existsSync(file)).toBe(true);
  const weekAgo = new Date(Date.now() - 8 * 24 * 3_600_000);
  utimesSync(file, weekAgo, weekAgo);
  await tidySignals(runDir);
  expect(existsSync(file)).toBe(false);
});

describe('a pod that sends signals', () => {
  it.each([
    ['of 257 characters', 'x'.repeat(257)],
    ['of none', ''],
    ['that is a number', 7],
  ])('is refused a name %s, which no reader would take', async (_what, name) => {
    const a = openStation('JOB-a');
    const wish = { to: 'JOB-b', name: name as string };
    await expect(a.send(wish, 'signal')).rejects.toMatchObject({ code: 'NIKA_SIGNAL_NAME' });
    await expect(a.request(wish)).rejects.toMatchObject({ code: 'NIKA_SIGNAL_NAME' });
    expect(await server.admin.exists('nika:ipc:JOB-b')).toBe(0);
  });

  it('answers a request that somebody wrote by hand, without a name, and counts what is no signal (G3)', async () => {
    const b = openStation('JOB-b');
    const heard = b.hearing.next(b.hearing.listen(undefined), NEVER);
    await server.admin.xadd('nika:ipc:JOB-b', '*', 'kind', 'strange');
    await server.admin.xadd('nika:ipc:JOB-b', '*', 'kind', 'request', 'body', '1', 'from', 'JOB-a');
    await server.admin.expire('nika:ipc:JOB-b', 60);
    const [one] = await heard;
    await b.reply(one?.id ?? '', { ok: true, body: 2 });
    expect(await server.admin.xlen('nika:ipc:JOB-a')).toBe(1);
    expect(b.dropped()).toMatchObject({ signals_unreadable: 1 });
  });
});

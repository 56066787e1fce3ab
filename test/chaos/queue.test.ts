import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { resolveHome } from '../../src/config/home.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { openWorkQueue } from '../../src/swarm/queue/open-work-queue.ts';
import type { WorkQueue } from '../../src/swarm/queue/work-queue.ts';
import { queuedJob, rowOf, taken } from '../fixtures/queued-job.ts';
import { follow, type Running, TestHome } from '../nika.ts';
import { until } from '../pods.ts';
import { Proxy } from '../servers/proxy.ts';
import { freePort, RedisServer } from '../servers/redis.ts';

const program = join(import.meta.dirname, '../programs/queue-taker.ts');
const TIMES = { lockMs: 1_000, stalledEveryMs: 250 };

let home: TestHome;
let url: string | undefined;
const started: Running[] = [];

const open = (): Promise<WorkQueue> => {
  const at = resolveHome({ flag: home.dir, env: {}, cwd: home.dir });
  const env = url === undefined ? {} : { NIKA_REDIS_URL: url };
  return openWorkQueue({ home: at, settings: loadSettings(at, env), times: TIMES });
};

/** A worker's process, ready to take. */
const taker = async (name: string, how: 'hold' | 'done'): Promise<Running> => {
  const env = { PATH: process.env['PATH'], ...(url === undefined ? {} : { NIKA_REDIS_URL: url }) };
  const child = spawn(process.execPath, [program, home.dir, name, how], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const running = follow(child);
  started.push(running);
  await running.printed('ready\n');
  return running;
};

const kill = async ({ child }: Running): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
};

const timed = async <T>(work: () => Promise<T>): Promise<readonly [T, number]> => {
  const startMs = performance.now();
  return [await work(), performance.now() - startMs];
};

beforeEach(() => {
  home = new TestHome();
});
afterEach(async () => {
  for (const running of started.splice(0)) await kill(running);
  home[Symbol.dispose]();
});

const COUNT = 60;

describe.each(['redis', 'files'] as const)('workers of a queue in %s', (kind) => {
  let server: RedisServer | undefined;
  beforeAll(async () => {
    if (kind === 'redis') server = await RedisServer.open();
    url = server?.url;
  });
  afterAll(async () => {
    url = undefined;
    await server?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await server?.admin.flushall();
  });

  it('that are killed lose no job: what one held is given to another', async () => {
    await using queue = await open();
    await queue.untilKnown(2_000);
    await queue.add(queuedJob('a'));
    const first = await taker('first', 'hold');
    await first.printed('JOB-a');
    expect(await rowOf(queue, 'a')).toMatchObject({ state: 'active', worker: 'first' });
    await delay(TIMES.lockMs * 1.5);
    expect(await rowOf(queue, 'a')).toMatchObject({ state: 'active', worker: 'first' }); // renewed while it lives
    await kill(first);
    const [claim, ms] = await timed(() => taken(queue));
    expect(claim.job.entity).toBe('JOB-a');
    expect(ms).toBeLessThan(TIMES.lockMs + 2 * TIMES.stalledEveryMs + 2_500);
    expect(await claim.done('fine')).toBe('ok');
  });

  it('never get the same job, however many ask at once', async () => {
    await using queue = await open();
    await queue.untilKnown(2_000);
    for (let nth = 0; nth < COUNT; nth += 1) await queue.add(queuedJob(`n${nth}`));
    const workers = await Promise.all(['w1', 'w2', 'w3'].map((name) => taker(name, 'done')));
    await until('all are done', async () => {
      const rows = await queue.list({ states: ['completed'] });
      return !('kind' in rows) && rows.length === COUNT ? rows : undefined;
    });
    await Promise.all(workers.map(kill));
    const outputs = await Promise.all(workers.map(({ ended }) => ended));
    const got = outputs.flatMap(({ stdout }) => stdout.match(/JOB-\S+/g) ?? []);
    expect(got.length).toBe(new Set(got).size);
    expect(got.length).toBeGreaterThanOrEqual(COUNT - workers.length); // one may be ended and not yet printed
  });
});

describe('a Redis that is away', () => {
  it('G1: costs who adds 250 ms at the most, absent, hung or killed; the queue heals by itself', async () => {
    const port = await freePort();
    url = `redis://127.0.0.1:${port}`;
    await using absent = await open();
    expect((await timed(() => absent.add(queuedJob('a'))))[1]).toBeLessThan(300);
    expect(await absent.add(queuedJob('a'))).toMatchObject({
      kind: 'away',
      why: expect.stringContaining('ECONNREFUSED'),
    });

    await using server = await RedisServer.open();
    ({ url } = server);
    await using queue = await open();
    await queue.untilKnown(2_000);
    expect(await queue.add(queuedJob('b'))).toEqual({ kind: 'queued' });
    server.stop();
    const [hung, hungMs] = await timed(() => queue.add(queuedJob('c')));
    expect(hung).toMatchObject({ kind: 'away' });
    expect(hungMs).toBeLessThan(300);
    await using late = await open();
    const [silent, silentMs] = await timed(() => late.add(queuedJob('c')));
    expect(silent).toMatchObject({ kind: 'away' });
    expect(silentMs).toBeLessThan(300);
    server.cont();
    await until('it heals', async () => ((await queue.add(queuedJob('c'))).kind === 'away' ? undefined : true));
    await server.kill();
    const [killed, killedMs] = await timed(() => queue.add(queuedJob('d')));
    expect(killed).toMatchObject({ kind: 'away' });
    expect(killedMs).toBeLessThan(300);
    await server.start();
    await until('it is back', async () => ((await queue.add(queuedJob('d'))).kind === 'queued' ? true : undefined));
    expect((await taken(queue)).job.entity).toBe('JOB-d'); // it was not persistent: b and c are gone
    url = undefined;
  });

  it('keeps who takes waiting, and serves it when it is back; a claim that was held outlives it', async () => {
    await using server = await RedisServer.open({ isPersistent: true });
    ({ url } = server);
    await using queue = await open();
    await queue.untilKnown(2_000);
    await queue.add(queuedJob('a'));
    const claim = await taken(queue);
    const waiting = taken(queue, ['default'], 20_000);
    await server.kill();
    const [said, ms] = await timed(() => claim.update({ state: 'in_progress', rev: 2, attempt: 1 }));
    expect(said).toMatchObject({ kind: 'away' });
    expect(ms).toBeLessThan(300);
    const given = new AbortController();
    const [, endMs] = await timed(async () => {
      const other = queue.take(['other'], 'w', given.signal);
      given.abort();
      return other;
    });
    expect(endMs).toBeLessThan(300);
    await server.start();
    await using other = await open();
    await other.untilKnown(2_000);
    await other.add(queuedJob('b'));
    expect((await waiting).job.entity).toMatch(/^JOB-[ab]$/); // a: its lock ran out meanwhile
    await until('it is told', async () => ((await claim.done('fine')) === 'ok' ? true : undefined));
    url = undefined;
  });

  it('for a moment, when a claim is given back, does not keep the job from others', async () => {
    await using server = await RedisServer.open();
    await using proxy = await Proxy.open(server.port);
    ({ url } = proxy);
    await using queue = await open();
    await queue.untilKnown(2_000);
    await queue.add(queuedJob('a'));
    const claim = await taken(queue);
    proxy.set({ kind: 'refusing' });
    expect(await claim.putBack(0, 'no room')).toMatchObject({ kind: 'away' });
    proxy.set({ kind: 'none' });
    expect((await taken(queue)).job.entity).toBe('JOB-a');
    url = undefined;
  });

  it('that was emptied has forgotten its jobs, and says so to who holds one: nothing is left to do', async () => {
    await using server = await RedisServer.open();
    ({ url } = server);
    await using queue = await open();
    await queue.untilKnown(2_000);
    await queue.add(queuedJob('a'));
    const claim = await taken(queue);
    await server.admin.flushall();
    expect(await claim.done('fine')).toBe('ok');
    expect(await queue.list()).toEqual([]);
    expect(await queue.add(queuedJob('a'))).toEqual({ kind: 'queued' });
    expect((await taken(queue)).job.entity).toBe('JOB-a');
    url = undefined;
  });
});

describe('a home that cannot be written', () => {
  it('for a moment, when a claim is given back, does not keep the job from others', async () => {
    await using queue = await open();
    await queue.add(queuedJob('a'));
    const claim = await taken(queue);
    const folder = join(home.dir, 'run/queue/new');
    rmSync(folder, { recursive: true });
    writeFileSync(folder, ''); // no file can be made in it
    expect(await claim.putBack(0, 'no room')).toMatchObject({ kind: 'away' });
    rmSync(folder);
    expect((await taken(queue)).job.entity).toBe('JOB-a');
  });
});

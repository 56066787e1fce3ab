import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { resolveHome } from '../../src/config/home.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { openWorkQueue } from '../../src/swarm/queue/open-work-queue.ts';
import type { WorkQueue } from '../../src/swarm/queue/work-queue.ts';
import { queuedJob, rowOf, statesOf, taken } from '../fixtures/queued-job.ts';
import { TestHome } from '../nika.ts';
import { RedisServer } from '../servers/redis.ts';

const TIMES = { lockMs: 2_000, stalledEveryMs: 500 };
const soon = (ms: number): string => new Date(Date.now() + ms).toISOString();

describe.each(['redis', 'files'] as const)('the queue in %s', (kind) => {
  let server: RedisServer | undefined;
  let home: TestHome;
  let queue: WorkQueue;

  const open = (): Promise<WorkQueue> => {
    const at = resolveHome({ flag: home.dir, env: {}, cwd: home.dir });
    const env = server === undefined ? {} : { NIKA_REDIS_URL: server.url };
    return openWorkQueue({ home: at, settings: loadSettings(at, env), times: TIMES });
  };

  beforeAll(async () => {
    if (kind === 'redis') server = await RedisServer.open();
  });
  afterAll(async () => server?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    await server?.admin.flushall();
    home = new TestHome();
    queue = await open();
    await queue.untilKnown(2_000);
  });
  afterEach(async () => {
    await queue[Symbol.asyncDispose]();
    home[Symbol.dispose]();
  });

  it('gives by priority, 9 first, and then by age', async () => {
    for (const [name, priority] of [
      ['a', 0],
      ['b', 9],
      ['c', 5],
      ['d', 9],
      ['e', 0],
    ] as const) {
      expect(await queue.add(queuedJob(name, { priority }))).toEqual({ kind: 'queued' });
    }
    expect(await statesOf(queue)).toEqual(['b', 'd', 'c', 'a', 'e'].map((name) => `JOB-${name} waiting`));
    expect(await queue.depths()).toEqual({ default: 5 });
    const order: string[] = [];
    while (order.length < 5) {
      const claim = await taken(queue);
      order.push(claim.job.entity);
      expect(claim.job.inputs).toEqual({ name: claim.job.entity.slice(4) });
      expect(await claim.done('fine')).toBe('ok');
    }
    expect(order).toEqual(['JOB-b', 'JOB-d', 'JOB-c', 'JOB-a', 'JOB-e']);
    expect((await statesOf(queue)).every((text) => text.endsWith('completed'))).toBe(true);
  });

  it('is the one that the settings say', () => {
    expect(queue.kind).toBe(kind);
  });

  it('takes a job once, however often it is added, also when it is over', async () => {
    expect(await queue.add(queuedJob('a'))).toEqual({ kind: 'queued' });
    expect(await queue.add(queuedJob('a'))).toEqual({ kind: 'there' });
    const claim = await taken(queue);
    expect(await queue.add(queuedJob('a'))).toEqual({ kind: 'there' });
    await claim.update({ state: 'in_progress', rev: 2, attempt: 1 });
    expect((await rowOf(queue, 'a'))?.job.standing).toEqual({ state: 'in_progress', rev: 2, attempt: 1 });
    await claim.done('fine');
    expect(await queue.add(queuedJob('a'))).toEqual({ kind: 'there' });
    // A further round, as after a review, is another thing.
    const standing = { state: 'in_progress', rev: 4, attempt: 1 } as const;
    expect(await queue.add(queuedJob('a', { standing }))).toEqual({ kind: 'queued' });
    expect((await taken(queue)).job.standing).toEqual(standing);
  });

  it('knows of a claim what was told of it, and ends the waiting for one when it is closed', async () => {
    await queue.add(queuedJob('a'));
    const claim = await taken(queue);
    const standing = { state: 'in_progress', rev: 4, attempt: 2, before: 1 } as const;
    await claim.update(standing);
    expect(claim.job.standing).toEqual(standing);
    const waiting = queue.take(['default'], 'w', new AbortController().signal);
    await queue[Symbol.asyncDispose]();
    expect(await waiting).toBeUndefined();
  });

  it('gives a job that is delayed when its time has come, and not before', async () => {
    const dueMs = Date.now() + 700;
    await queue.add(queuedJob('a', { not_before: soon(700) }));
    expect(await rowOf(queue, 'a')).toMatchObject({ state: 'delayed' });
    expect(await queue.depths()).toEqual({ default: 0 });
    const claim = await taken(queue);
    expect(Date.now()).toBeGreaterThanOrEqual(dueMs);
    expect(Date.now() - dueMs).toBeLessThan(1_000);
    await claim.putBack(400, 'no room');
    expect(await rowOf(queue, 'a')).toMatchObject({ state: 'delayed', error: 'no room', worker: undefined });
    const again = await taken(queue);
    await again.putBack(0, 'not here');
    expect(await rowOf(queue, 'a')).toMatchObject({ state: 'waiting', error: 'not here' });
  });

  it('tells who has a job, and why one failed; retry lets it wait again', async () => {
    await queue.add(queuedJob('a'));
    const claim = await taken(queue);
    expect(await rowOf(queue, 'a')).toMatchObject({ state: 'active', worker: 'test-worker' });
    expect(await queue.retry('JOB-a')).toBe('active');
    expect(await queue.cancel('JOB-a')).toBe('active');
    await claim.fail('no job "hello" here');
    expect(await rowOf(queue, 'a')).toMatchObject({ state: 'failed', error: 'no job "hello" here' });
    expect(await queue.cancel('JOB-a')).toBe('unknown');
    expect(await queue.retry('JOB-a')).toBe('retried');
    expect((await taken(queue)).job.entity).toBe('JOB-a');
    await queue.add(queuedJob('b', { not_before: soon(60_000) }));
    expect(await queue.retry('JOB-b')).toBe('retried');
    expect((await taken(queue)).job.entity).toBe('JOB-b');
    expect(await queue.retry('JOB-none')).toBe('unknown');
  });

  it('gives up what is cancelled before a worker has it', async () => {
    await queue.add(queuedJob('a'));
    await queue.add(queuedJob('b', { not_before: soon(60_000) }));
    expect(await queue.cancel('JOB-a')).toBe('cancelled');
    expect(await queue.cancel('JOB-b')).toBe('cancelled');
    expect(await queue.cancel('JOB-a')).toBe('unknown');
    expect(await statesOf(queue)).toEqual([]);
    expect(await queue.take(['default'], 'w', AbortSignal.timeout(400))).toBeUndefined();
  });

  it('gives each worker what it can do, and wakes one that waits', async () => {
    await queue.add(queuedJob('a', { capability: 'gpu' }));
    expect(await queue.take(['default'], 'w', AbortSignal.timeout(400))).toBeUndefined();
    expect((await taken(queue, ['default', 'gpu'])).job.entity).toBe('JOB-a');
    const waiting = taken(queue, ['default', 'gpu']);
    await using other = await open();
    await other.untilKnown(2_000);
    await other.add(queuedJob('b'));
    const startMs = performance.now();
    expect((await waiting).job.entity).toBe('JOB-b');
    expect(performance.now() - startMs).toBeLessThan(1_000);
    const rows = await queue.list({ capability: 'gpu', states: ['active'] });
    expect(rows).toMatchObject([{ job: { entity: 'JOB-a' } }]);
  });

  it('G5, G6: leaves no key without a bound', async () => {
    await queue.add(queuedJob('a'));
    await (await taken(queue)).done('fine');
    const names = (await server?.keysWithoutTtl()) ?? [];
    expect(names.filter((name) => !name.startsWith('nika:queue:default:'))).toEqual([]);
  });
});

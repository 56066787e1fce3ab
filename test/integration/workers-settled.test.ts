import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveHome } from '../../src/config/home.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { openWorkQueue } from '../../src/swarm/queue/open-work-queue.ts';
import { giveJobs } from '../fixtures/given-job.ts';
import { TestHome } from '../nika.ts';
import { until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';
import { linesOf, SHORT_LEASE, startWorker, untilLine, workersOf } from '../workers.ts';

let home: TestHome;
let server: RedisServer;
let env: Readonly<Record<string, string>>;

beforeEach(async () => {
  home = new TestHome();
  server = await RedisServer.open();
  env = { NIKA_REDIS_URL: server.url, ...SHORT_LEASE };
  const text = 'name: quick\ndescription: x\ndomain: test\nintent: prove\ncommand: echo done\n';
  writeFileSync(join(home.dir, 'config/jobs/quick.yaml'), text);
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  home[Symbol.dispose]();
});

/** A job whose pod, on another host, has settled the lease: it was about to say how the job ended. */
const settledElsewhere = async (): Promise<string> => {
  const [id = ''] = await giveJobs(home, 'quick', { env });
  const [seconds = '0'] = await server.admin.time();
  await server.admin.set(`nika:lease:${id}`, `${seconds}000000 settled far-away/${crypto.randomUUID()}`, 'EX', 86_400);
  return id;
};

const rowOf = async (id: string) => {
  const place = resolveHome({ flag: home.dir, env: {}, cwd: home.cwd });
  await using queue = await openWorkQueue({ home: place, settings: loadSettings(place, env) });
  await queue.untilKnown(2_000);
  const row = await queue.show(id);
  return row !== undefined && 'kind' in row ? undefined : row;
};

describe('a job that a pod of another host has settled', () => {
  it('and never told the end of fails with the reason, once that was waited for: it is not taken for done', async () => {
    const id = await settledElsewhere();
    await using _worker = await startWorker(home, { env });
    const seen = () => workersOf(home)[0]?.jobs[0]?.what.includes('has not told how');
    await until('the worker to wait for word of it', seen);
    expect(linesOf(home, id, 'job_failed')).toEqual([]);
    const { data } = await untilLine(home, id, 'job_failed');
    expect(data['error']).toMatch(/^far-away\/\S+ ended it, and never told how/);
    await until('the queue to know', async () => (await rowOf(id))?.state === 'failed');
    expect(linesOf(home, id, 'session_start')).toEqual([]);
  });

  it('is taken off the queue as what the feed tells of it', async () => {
    const id = await settledElsewhere();
    await using _worker = await startWorker(home, { env });
    await until('the worker to have it', () => workersOf(home)[0]?.jobs[0]?.entity === id);
    const told = { id: crypto.randomUUID(), ts: new Date().toISOString(), event: 'completed', entity_id: id };
    const fields = { ...told, entity_type: 'JOB', meta: '{}', data: '{}' };
    await server.admin.xadd('nika:feed:entities', '*', ...Object.entries(fields).flat());
    await until('the queue to know', async () => (await rowOf(id))?.state === 'completed');
    expect(linesOf(home, id, 'job_failed')).toEqual([]);
  });
});

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { giveJobs } from '../fixtures/given-job.ts';
import { runChaos } from '../fixtures/worker-chaos.ts';
import { TestHome } from '../nika.ts';
import { endPods, until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';
import { linesOf, SHORT_LEASE, untilLine, workersOf } from '../workers.ts';

/** `NIKA_CHAOS_JOBS=500`: as the design's number has it. */
const JOBS = Number(process.env['NIKA_CHAOS_JOBS'] ?? 24);

let home: TestHome;
let server: RedisServer;

beforeEach(async () => {
  home = new TestHome();
  server = await RedisServer.open();
});
afterEach(async () => {
  await endPods(home);
  await server[Symbol.asyncDispose]();
  home[Symbol.dispose]();
});

const job = (dir: string, command: string): void =>
  writeFileSync(
    join(dir, 'config/jobs/short.yaml'),
    `name: short\ndescription: Of a test.\ndomain: test\nintent: prove\ncommand: ${command}\n`,
  );

/** All of `nika:feed:entities` that tells of an event: entity ids, as often as it is told. */
const toldOnFeed = async (event: string): Promise<readonly string[]> => {
  const entries = await server.admin.xrange('nika:feed:entities', '-', '+');
  return entries.flatMap(([, fields]) => {
    const at = (name: string): string | undefined => fields[fields.indexOf(name) + 1];
    return at('event') === event ? [at('entity_id') ?? ''] : [];
  });
};

it(
  'jobs over 4 workers, one of which is killed every 2 s: each completes once, on the bus and on the feed',
  { timeout: 30_000 + JOBS * 5_000 },
  async () => {
    job(home.dir, 'sleep 0.5');
    const env = { NIKA_REDIS_URL: server.url, NIKA_SWARM_LEASE: '4s' };
    const ids = await giveJobs(home, 'short', { count: JOBS, env, attempts: 3 });
    const { completed, killed } = await runChaos(home, {
      ids,
      env,
      workers: 4,
      concurrency: 2,
      killEveryMs: 2_000,
      withinMs: 25_000 + JOBS * 4_000,
    });
    expect(killed).toBeGreaterThan(0);
    expect(completed).toEqual({ 1: JOBS });
    const told = await until('the feed to tell of all', async () => {
      const all = await toldOnFeed('completed');
      return all.length >= JOBS && all;
    });
    expect(told.toSorted()).toEqual(ids.toSorted());
  },
);

const mayUnshare = (): boolean => {
  try {
    execFileSync('unshare', ['--pid', '--fork', '--mount-proc', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // not root, or a container that may not
  }
};

it.skipIf(!mayUnshare())(
  'two hosts, as homes in PID namespaces of their own: one dies with all it runs, and the other finishes its job, once',
  { timeout: 60_000 },
  async () => {
    using other = new TestHome();
    const env = { NIKA_REDIS_URL: server.url, ...SHORT_LEASE };
    const way = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];
    job(home.dir, 'sleep 60');
    job(other.dir, 'echo finished');
    const [id = ''] = await giveJobs(home, 'short', { env, attempts: 2 });
    const first = home.start(['worker', 'start'], env, way);
    await untilLine(home, id, 'entity_started');
    const second = other.start(['worker', 'start'], env, way);
    await until('the second host', () => workersOf(other)[0]);
    first.child.kill('SIGKILL'); // its namespace goes with it: worker, supervisor, tool
    const { data, meta } = await untilLine(other, id, 'job_completed');
    expect(data['result']).toBe('finished');
    expect(meta['attempt']).toBe(2);
    expect(linesOf(home, id, 'job_completed')).toEqual([]);
    const told = await until('the feed', async () => {
      const all = await toldOnFeed('completed');
      return all.length > 0 && all;
    });
    expect(told).toEqual([id]);
    second.child.kill('SIGKILL');
    await second.ended;
  },
);

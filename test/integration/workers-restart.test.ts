import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { giveJobs } from '../fixtures/given-job.ts';
import { TestHome } from '../nika.ts';
import { endPods, recordOf, until, untilTool } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';
import { linesOf, SHORT_LEASE, startWorker, untilLine } from '../workers.ts';

let home: TestHome;
let server: RedisServer;
let env: Readonly<Record<string, string>>;

beforeEach(async () => {
  home = new TestHome();
  server = await RedisServer.open();
  env = { NIKA_REDIS_URL: server.url, ...SHORT_LEASE };
  const text = 'name: nap\ndescription: x\ndomain: test\nintent: prove\ncommand: sleep 4\n';
  writeFileSync(join(home.dir, 'config/jobs/nap.yaml'), text);
});
afterEach(async () => {
  await endPods(home);
  await server[Symbol.asyncDispose]();
  home[Symbol.dispose]();
});

it('"pod restart" of a dispatched job has a lease of its own, and a worker that comes lets its pod work', async () => {
  const [id = ''] = await giveJobs(home, 'nap', { env, attempts: 3 });
  const worker = await startWorker(home, { env });
  const first = await untilTool(home, id);
  await worker.kill();
  expect(await home.start(['pod', 'restart', id], env).ended).toMatchObject({ code: 0 });
  const again = await until('the next pod', () => {
    const record = recordOf(home, id);
    return record?.session !== first.session && record;
  });
  expect(again.lease?.holder).toMatch(new RegExp(`/${again.session}$`));
  expect(again.lease?.token).toBeGreaterThan(first.lease?.token ?? Infinity);
  await using _next = await startWorker(home, { env });
  await untilLine(home, id, 'job_completed');
  expect(linesOf(home, id, 'session_start')).toHaveLength(2);
});

it('"pod restart" takes nothing from who holds the job, and says who that is', async () => {
  const [id = ''] = await giveJobs(home, 'nap', { env, attempts: 3 });
  const worker = await startWorker(home, { env });
  const first = await untilTool(home, id);
  await worker.kill();
  process.kill(first.process.pid, 'SIGKILL');
  const token = (first.lease?.token ?? 0) + 1;
  await server.admin.set(`nika:lease:${id}`, `${token} held elsewhere/x`, 'EX', 30);
  const refused = await home.start(['pod', 'restart', id], env).ended;
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(`${id} is run by elsewhere/x now`) });
  expect(linesOf(home, id, 'session_start')).toHaveLength(1);
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ServiceHome } from '../service-home.ts';
import { until } from '../pods.ts';
import { startWorker, workersOf } from '../workers.ts';

const JOB = 'name: quick\ndescription: Of a test.\ndomain: test\nintent: prove\ncommand: echo done\n';
/** Of a lease: so long a Redis that was started a moment ago is not trusted, if others may hold one. */
const LEASE_MS = 30_000;

it('a worker claims at once where the Redis is the one that "nika up" just started in its home', async () => {
  await using services = new ServiceHome();
  const { home } = services;
  writeFileSync(join(home.dir, 'config/jobs/quick.yaml'), JOB);
  expect(await home.nika('up', '--redis')).toMatchObject({ code: 0 });
  await using _worker = await startWorker(home);
  const beganAtMs = performance.now();
  const done = await home.nika('dispatch', 'quick', '--wait');
  expect(done).toMatchObject({ code: 0 });
  expect(done.stderr + done.stdout).toContain('completed');
  expect(performance.now() - beganAtMs).toBeLessThan(LEASE_MS / 2);
});

it('and at once, too, when that one was away for a while and no pod of the home works by a lease', async () => {
  await using services = new ServiceHome();
  const { home } = services;
  writeFileSync(join(home.dir, 'config/jobs/quick.yaml'), JOB);
  expect(await home.nika('up', '--redis')).toMatchObject({ code: 0 });
  await using _worker = await startWorker(home);
  expect(await home.nika('dispatch', 'quick', '--wait')).toMatchObject({ code: 0 });
  const { pid } = services.state('redis').process;
  process.kill(pid, 'SIGSTOP');
  await until('the worker to notice', () => workersOf(home).some(({ why }) => why?.includes('Redis') === true));
  process.kill(pid, 'SIGCONT');
  const beganAtMs = performance.now();
  expect(await home.nika('dispatch', 'quick', '--wait')).toMatchObject({ code: 0 });
  expect(performance.now() - beganAtMs).toBeLessThan(LEASE_MS / 2);
});

it('"worker ls" says that a worker waits for the Redis that "nika down" ended, and what takes jobs now', async () => {
  await using services = new ServiceHome();
  const { home } = services;
  expect(await home.nika('up', '--redis')).toMatchObject({ code: 0 });
  await using _worker = await startWorker(home);
  expect((await home.nika('worker', 'ls')).stdout).toMatch(/^WORKER +STATE +JOBS .*\n[0-9a-f]{8} +\w+.* 0 of 4 /);
  expect(await home.nika('down')).toMatchObject({ code: 0 });
  await until('the worker to notice', () => workersOf(home).some(({ why }) => why?.includes('Redis') === true));
  expect((await home.nika('worker', 'ls')).stderr).toContain('Redis was ended (nika down)');
});

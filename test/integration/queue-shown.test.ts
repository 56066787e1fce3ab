import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestHome } from '../nika.ts';
import { endPods, recordOf, until, untilTool } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';
import { SHORT_LEASE, startWorker, untilLine } from '../workers.ts';

let home: TestHome;
const job = (name: string, more: string): void =>
  writeFileSync(
    join(home.dir, `config/jobs/${name}.yaml`),
    `name: ${name}\ndescription: x\ndomain: test\nintent: prove\n${more}\n`,
  );

beforeEach(() => {
  home = new TestHome();
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

describe.each(['files', 'redis'])('nika queue ls (%s)', (kind) => {
  it('says that a job awaits review; forgets what failed when it is told to; says that nobody offers what is wanted', async () => {
    await using server = kind === 'redis' ? await RedisServer.open() : undefined;
    const env: Readonly<Record<string, string>> =
      server === undefined ? {} : { NIKA_REDIS_URL: server.url, ...SHORT_LEASE };
    const nika = (...args: readonly string[]) => home.start(args, env).ended;
    job('judged', 'review: required\ncommand: echo done');
    job('broken', 'command: exit 3');
    await using _worker = await startWorker(home, { env });
    const id = (await nika('dispatch', 'judged', '-q')).stdout.trim();
    const bad = (await nika('dispatch', 'broken', '-q')).stdout.trim();
    await untilLine(home, bad, 'job_failed');
    const shown = await until('both to be over in the queue', async () => {
      const { stdout } = await nika('queue', 'ls');
      return /failed/.test(stdout) && /awaiting review/.test(stdout) && stdout;
    });
    expect(shown).toMatch(new RegExp(`${id} +awaiting review .*nika review show ${id}`));
    expect((await nika('queue', 'clear')).stdout).toBe('1 forgotten\n');
    await nika('dispatch', 'broken', '-q', '--capability', 'gpu');
    const listed = await nika('queue', 'ls');
    expect(listed.stdout).not.toContain(bad);
    expect(listed.stderr).toContain('jobs for gpu wait: no worker offers gpu now');
    expect((await nika('review', 'accept', id)).code).toBe(0);
    expect((await nika('queue', 'ls', '-q')).stdout).not.toContain(id);
  });
});

it('nika queue ls tells at once of a worker that was killed: its pod works on, or the job is stalled', async () => {
  await using server = await RedisServer.open();
  const env = { NIKA_REDIS_URL: server.url };
  const nika = (...args: readonly string[]) => home.start(args, env).ended;
  job('nap', 'command: sleep 60');
  const id = (await nika('dispatch', 'nap', '-q')).stdout.trim();
  const worker = await startWorker(home, { env: { ...env, ...SHORT_LEASE } });
  const pod = await untilTool(home, id);
  expect((await nika('queue', 'ls')).stdout).toMatch(/ active .* with /);
  await worker.kill();
  expect((await nika('queue', 'ls')).stdout).toMatch(/ active .* its worker is gone; its pod works on/);
  process.kill(pod.process.pid, 'SIGKILL');
  await until('the pod to be gone', async () => {
    await nika('pod', 'ls');
    return recordOf(home, id)?.end !== null;
  });
  expect((await nika('queue', 'ls')).stdout).toMatch(/ stalled .* its worker is gone; the next one is given it/);
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { openWorkQueue } from '../../src/swarm/queue/open-work-queue.ts';
import { resolveHome } from '../../src/config/home.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { giveJobs } from '../fixtures/given-job.ts';
import { TestHome } from '../nika.ts';
import { endPods, recordOf, recordsOf, running, until, untilTool } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';
import { linesOf, SHORT_LEASE, startWorker, untilLine, workersOf } from '../workers.ts';

let home: TestHome;
let marks = 0;

beforeEach(() => {
  home = new TestHome();
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

/** A job whose program runs until it is ended, and can be found. */
const longJob = (name: string, more = ''): string => {
  const marker = `98${process.pid}.${(marks += 1)}`;
  commandJob(name, `sleep ${marker}`, more);
  return `sleep ${marker}`;
};

const commandJob = (name: string, command: string, more = ''): void => {
  const head = `name: ${name}\ndescription: Of a test.\ndomain: test\nintent: prove\n`;
  writeFileSync(join(home.dir, 'config/jobs', `${name}.yaml`), `${head}command: ${JSON.stringify(command)}\n${more}`);
};

const queueRow = async (entity: string, env: Readonly<Record<string, string>>) => {
  const place = resolveHome({ flag: home.dir, env: {}, cwd: home.cwd });
  await using queue = await openWorkQueue({ home: place, settings: loadSettings(place, env) });
  return await until('an answer of the queue', async () => {
    const row = await queue.show(entity);
    return (row === undefined || !('kind' in row)) && { row };
  });
};

describe('a home without Redis', () => {
  it('runs what waits, as pods, each once; two workers share the work', async () => {
    commandJob('quick', 'echo done');
    const ids = await giveJobs(home, 'quick', { count: 6 });
    await using _one = await startWorker(home);
    await using _two = await startWorker(home);
    for (const id of ids) await untilLine(home, id, 'job_completed');
    expect(ids.map((id) => linesOf(home, id, 'job_completed').length)).toEqual(ids.map(() => 1));
    expect(recordsOf(home)).toHaveLength(6);
    const listed = await home.nika('worker', 'ls', '--json');
    expect(listed.stdout.trim().split('\n')).toHaveLength(2);
  });

  it('fails a job that cannot be started with the reason, and puts one back that is not known here, a few times', async () => {
    commandJob('asks', 'echo ${{ inputs.name }}', 'inputs:\n  name:\n    required: true\n');
    const [wrong = ''] = await giveJobs(home, 'asks');
    const [unknown = ''] = await giveJobs(home, 'nowhere');
    await using _worker = await startWorker(home);
    expect((await untilLine(home, wrong, 'job_failed')).data['error']).toContain('name: is missing');
    expect((await untilLine(home, unknown, 'job_failed')).data['error']).toContain('no job "nowhere"');
    expect(recordsOf(home)).toEqual([]);
  });

  it('a drained worker waits for its pods, takes nothing more, and ends with 0', async () => {
    commandJob('nap', 'sleep 1');
    const [first = ''] = await giveJobs(home, 'nap');
    const worker = await startWorker(home, { args: ['--concurrency', '1'] });
    await untilTool(home, first);
    const [second = ''] = await giveJobs(home, 'nap');
    const drained = await home.nika('worker', 'drain', '--wait');
    expect(drained.stdout.trim()).toBe(worker.record.session);
    expect((await worker.running.ended).code).toBe(0);
    expect(linesOf(home, first, 'job_completed')).toHaveLength(1);
    expect(linesOf(home, second, 'session_start')).toEqual([]);
    expect(workersOf(home)).toEqual([]);
  });

  it('a stopped worker leaves its pod running, and the next one takes it over', async () => {
    const program = longJob('long');
    const [id = ''] = await giveJobs(home, 'long');
    const worker = await startWorker(home);
    await untilTool(home, id);
    await home.nika('worker', 'stop', '--now');
    expect((await worker.running.ended).code).toBe(0);
    expect(running(program)).not.toEqual([]);
    await using _next = await startWorker(home);
    await until('the next worker to see to it', () => workersOf(home)[0]?.jobs[0]?.entity === id);
    await home.nika('pod', 'stop', id);
    await untilLine(home, id, 'job_cancelled');
    await until('the job to leave the worker', () => workersOf(home)[0]?.jobs.length === 0);
    expect(linesOf(home, id, 'session_start')).toHaveLength(1);
  });
});

describe('workers with one Redis', () => {
  let server: RedisServer;
  let env: Readonly<Record<string, string>>;

  beforeEach(async () => {
    server = await RedisServer.open();
    env = { NIKA_REDIS_URL: server.url, ...SHORT_LEASE };
  });
  afterEach(async () => {
    await endPods(home);
    await server[Symbol.asyncDispose]();
  });

  it('kill -9 of a worker: its pod works on, and another worker takes the job off the queue when it has ended', async () => {
    commandJob('nap', 'sleep 3');
    const [id = ''] = await giveJobs(home, 'nap', { env });
    const first = await startWorker(home, { env });
    await untilTool(home, id);
    await first.kill();
    await using _second = await startWorker(home, { env });
    await untilLine(home, id, 'job_completed');
    await until('the queue to know', async () => (await queueRow(id, env)).row?.state === 'completed');
    expect(linesOf(home, id, 'session_start')).toHaveLength(1);
    expect(linesOf(home, id, 'job_completed')).toHaveLength(1);
    expect(await server.keysWithoutTtl()).toEqual(expect.not.arrayContaining([expect.stringContaining('lease')])); // G5
  });

  it('worker and pod killed: the next attempt begins; the death of the last one fails the job', async () => {
    const program = longJob('long');
    const [id = ''] = await giveJobs(home, 'long', { env, attempts: 2 });
    const first = await startWorker(home, { env });
    const dead = await untilTool(home, id);
    await first.kill();
    process.kill(dead.process.pid, 'SIGKILL');
    await using _second = await startWorker(home, { env });
    const next = await until('attempt 2', () => {
      const record = recordOf(home, id);
      return record?.attempt === 2 && record.beat.last_tool !== null && record;
    });
    expect(linesOf(home, id, 'attempt_failed')).toHaveLength(1);
    expect(linesOf(home, id, 'job_failed')).toEqual([]);
    process.kill(next.process.pid, 'SIGKILL');
    const { data } = await untilLine(home, id, 'job_failed');
    expect(data['error']).toContain('attempt 2 of 2');
    expect(linesOf(home, id, 'entity_started')).toHaveLength(1);
    await until('nothing to be left', () => running(program).length === 0);
    await until('the queue to know', async () => (await queueRow(id, env)).row?.state === 'failed');
  });

  it('a pod that ends while Redis is away waits for it with its last word, and completes once', async () => {
    commandJob('nap', 'sleep 2.5'); // its record may be a second late
    const [id = ''] = await giveJobs(home, 'nap', { env });
    await using _worker = await startWorker(home, { env });
    await untilTool(home, id);
    server.stop();
    const waits = await until('the pod to wait', () => {
      const record = recordOf(home, id);
      return record?.beat.reason === 'lease' && record;
    });
    expect(waits.beat.why).toContain('Redis must say whether that counts');
    expect(linesOf(home, id, 'job_completed')).toEqual([]);
    server.cont();
    await untilLine(home, id, 'job_completed');
    expect(linesOf(home, id, 'attempt_failed')).toEqual([]);
  });

  it('a pod that waits for Redis ends when it is told to; the job is cancelled once Redis is back', async () => {
    commandJob('nap', 'sleep 2.5'); // its record may be a second late
    const [id = ''] = await giveJobs(home, 'nap', { env });
    await using _worker = await startWorker(home, { env });
    await untilTool(home, id);
    server.stop();
    await until('the pod to wait', () => recordOf(home, id)?.beat.reason === 'lease');
    await home.nika('pod', 'stop', id);
    expect(recordOf(home, id)?.end).toMatchObject({ status: 'cancelled', outcome: 'cancelled' });
    expect(linesOf(home, id, 'job_cancelled')).toEqual([]);
    server.cont();
    await untilLine(home, id, 'job_cancelled');
    expect(linesOf(home, id, 'job_completed')).toEqual([]);
  });

  it('Redis emptied and started again in the middle: pods that run go on, and nothing is started twice', async () => {
    commandJob('nap', 'sleep 6');
    const ids = await giveJobs(home, 'nap', { env, count: 2 });
    await using _worker = await startWorker(home, { env });
    for (const id of ids) await untilTool(home, id);
    await server.admin.flushall();
    for (const id of ids) await giveAgain(id);
    await server.restart();
    for (const id of ids) await giveAgain(id);
    for (const id of ids) await untilLine(home, id, 'job_completed');
    expect(ids.map((id) => linesOf(home, id, 'session_start').length)).toEqual([1, 1]);
  });

  const giveAgain = async (id: string): Promise<void> => {
    const place = resolveHome({ flag: home.dir, env: {}, cwd: home.cwd });
    await using queue = await openWorkQueue({ home: place, settings: loadSettings(place, env) });
    const { queuedJob } = await import('../fixtures/given-job.ts');
    const { parseEntityId } = await import('../../src/model/id.ts');
    await until('the queue to take it', async () => {
      const added = await queue.add(queuedJob('nap', parseEntityId(id)));
      return added.kind !== 'away';
    });
  };

  it('a pod that was stopped past its lease is superseded: its tool ends within 1 s, and nothing of it completes', async () => {
    using other = new TestHome();
    const program = longJob('long');
    const { renameSync } = await import('node:fs');
    const [id = ''] = await giveJobs(home, 'long', { env, attempts: 3 });
    const first = await startWorker(home, { env });
    const paused = await untilTool(home, id);
    await until('its program', () => running(program).length > 0);
    await first.kill();
    process.kill(paused.process.pid, 'SIGSTOP');
    renameSync(join(home.dir, 'config/jobs/long.yaml'), join(other.dir, 'config/jobs/long.yaml'));
    writeFileSync(
      join(other.dir, 'config/jobs/long.yaml'),
      'name: long\ndescription: x\ndomain: test\nintent: prove\ncommand: sleep 3; echo mine\n',
    );
    await using _second = await startWorker(other, { env });
    await untilTool(other, id);
    process.kill(paused.process.pid, 'SIGCONT');
    const continuedAtMs = performance.now();
    await until('its program to be ended', () => running(program).length === 0);
    expect(performance.now() - continuedAtMs).toBeLessThan(1_000);
    const ended = await until('its end', () => recordOf(home, id)?.end ?? undefined);
    expect(ended).toMatchObject({ status: 'failed', outcome: 'superseded', exit_code: 5 });
    expect(linesOf(home, id, 'attempt_failed')).toHaveLength(1);
    expect(linesOf(home, id, 'job_completed')).toEqual([]);
    await untilLine(other, id, 'job_completed');
    const started = linesOf(other, id, 'session_start')[0];
    expect(started?.meta['attempt']).toBe(2);
    await endPods(other);
  });

  it('a job that the feed tells of, given by any program that can XADD, is run', async () => {
    commandJob('quick', 'echo done');
    const id = 'JOB-given-by-hand';
    const now = new Date().toISOString();
    await using _worker = await startWorker(home, { env });
    const fields = ['id', crypto.randomUUID(), 'ts', now, 'event', 'created', 'entity_id', id, 'entity_type', 'JOB'];
    const dispatch = { job: 'quick', inputs: {} };
    await server.admin.xadd('nika:feed:entities', '*', ...fields, 'meta', '{}', 'data', JSON.stringify({ dispatch }));
    await untilLine(home, id, 'job_completed');
    expect(linesOf(home, id, 'entity_started').map(({ data }) => data['rev'])).toEqual([2]);
  });

  it('what a result names in next_capabilities is dispatched once, below it, to who offers that', async () => {
    writeFileSync(join(home.dir, 'config/nika.yaml'), 'swarm:\n  capabilities:\n    reporting:\n      job: report\n');
    commandJob('analyse', `echo '{"next_capabilities":["reporting"],"found":3}'`);
    commandJob(
      'report',
      'echo about ${{ inputs.from }}; sleep 2',
      'inputs:\n  from:\n    required: true\ncapabilities: [pages]\n',
    );
    const [id = ''] = await giveJobs(home, 'analyse', { env });
    await using _first = await startWorker(home, { env });
    await using _second = await startWorker(home, { env, args: ['--capability', 'reporting'] });
    const next = await until('the next job', () => recordsOf(home).find(({ job }) => job === 'report'));
    expect(next).toMatchObject({ parent: id, root: id });
    const offered = await until('what its pod offers', async () => {
      const { stdout } = await home.start(['registry', 'ls', '--json'], env).ended;
      return stdout.includes('"pages"') && stdout;
    });
    expect(offered).toContain('"capability":"reporting","kind":"worker"');
    await untilLine(home, next.entity, 'job_completed');
    expect(recordsOf(home)).toHaveLength(2);
    await until('the pod to take it back', async () => {
      const { code } = await home.start(['registry', 'discover', 'pages'], env).ended;
      return code === 1;
    });
  });
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Ended, TestHome } from '../nika.ts';
import { endPods, recordsOf, until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';
import { linesOf, SHORT_LEASE, startWorker, untilLine } from '../workers.ts';

const dying = join(import.meta.dirname, '../programs/die-at.ts');

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
  home.job('quick', '  - { tool: shell, input: { command: "echo done" } }');
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

/** A command that is killed at a call of node:fs. */
const killedAt = (at: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  home.start(args, { ...env, DIE_AT: at, NODE_OPTIONS: `--import=${dying}` }).ended;

describe('a dispatcher that is killed', () => {
  it.each([
    ['once its order is in the outbox', 'after linkSync outbox/JOB-x.json'],
    ['once it has made the channel', 'after openSync channels/JOB-x.jsonl'],
    ['before the queue has the job', 'before linkSync jobs/JOB-x.json'],
    ['before it knows that the queue has it', 'after linkSync jobs/JOB-x.json'],
  ])('%s leaves a job that whoever comes next runs, once', async (_, at) => {
    expect(await killedAt(at, ['dispatch', 'quick', '--id', 'JOB-x'])).toMatchObject({ signal: 'SIGKILL' });
    await using _worker = await startWorker(home);
    await untilLine(home, 'JOB-x', 'job_completed');
    expect(linesOf(home, 'JOB-x', 'entity_created')).toHaveLength(1);
    expect(linesOf(home, 'JOB-x', 'session_start')).toHaveLength(1);
    const again = await home.nika('dispatch', 'quick', '--id', 'JOB-x');
    expect(again.stderr).toContain('NIKA_ENTITY_EXISTS');
  });

  it('is finished by a dispatch of the same id, too, and the feed tells of the job', async () => {
    await using server = await RedisServer.open();
    const env = { NIKA_REDIS_URL: server.url, ...SHORT_LEASE };
    const args = ['dispatch', 'quick', '--id', 'JOB-x'];
    await killedAt('after openSync channels/JOB-x.jsonl', args, env);
    expect((await home.start(args, env).ended).stderr).toContain('NIKA_ENTITY_EXISTS');
    expect((await home.start(['queue', 'ls', '-q'], env).ended).stdout).toBe('JOB-x\n');
    const entries = await server.admin.xrange('nika:feed:entities', '-', '+');
    expect(entries.filter(([, flat]) => flat.includes('created') && flat.includes('JOB-x'))).toHaveLength(1);
    expect((await home.nika('bus', 'verify')).code).toBe(0);
  });

  it('before it saw that the id is taken leaves what has it alone', async () => {
    expect((await home.nika('pod', 'start', 'quick', '--id', 'JOB-x')).code).toBe(0);
    await killedAt('after linkSync outbox/JOB-x.json', ['dispatch', 'quick', '--id', 'JOB-x']);
    expect((await home.nika('dispatch', 'quick', '--id', 'JOB-y')).code).toBe(0);
    expect((await home.nika('queue', 'ls', '-q')).stdout).toBe('JOB-y\n');
  });
});

describe('what a result names in next_capabilities', () => {
  const NEXT = /JOB-next-1-\w+/;
  const REPORTING = { args: ['--capability', 'default', '--capability', 'reporting'] };

  beforeEach(() => {
    writeFileSync(join(home.dir, 'config/nika.yaml'), 'swarm: { capabilities: { reporting: { job: quick } } }\n');
    for (const [name, more] of [
      ['analyse', ''],
      ['reviewed', 'review: required\n'],
    ] as const)
      writeFileSync(
        join(home.dir, `config/jobs/${name}.yaml`),
        `name: ${name}\ndescription: x\ndomain: test\nintent: prove\n${more}command: [echo, '{"next_capabilities":["reporting"]}']\n`,
      );
  });

  const nextOnce = async (): Promise<void> => {
    const id = await until(
      'the next job',
      () =>
        NEXT.exec(
          recordsOf(home)
            .map(({ entity }) => entity)
            .join(' '),
        )?.[0],
    );
    await untilLine(home, id, 'job_completed');
    expect(linesOf(home, id, 'entity_created')).toHaveLength(1);
    expect(linesOf(home, id, 'session_start')).toHaveLength(1);
  };

  it('is dispatched by the next worker where who accepted the job was killed', async () => {
    const { id } = await awaitingReview();
    await killedAt('before linkSync outbox/JOB-next', ['review', 'accept', id]);
    expect(linesOf(home, id, 'job_completed')).toHaveLength(1);
    await using _worker = await startWorker(home, REPORTING);
    await nextOnce();
  });

  const awaitingReview = async () => {
    await using _worker = await startWorker(home);
    const id = (await home.nika('dispatch', 'reviewed')).stdout.trim();
    await untilLine(home, id, 'review_request');
    await until(
      'the queue to know',
      async () => (await home.nika('queue', 'ls', '-q', '--state', 'active')).stdout === '',
    );
    return { id };
  };

  it('is dispatched by the next worker where Redis and the worker went with it', async () => {
    await using server = await RedisServer.open();
    const env = { NIKA_REDIS_URL: server.url, ...SHORT_LEASE };
    const at = { ...env, DIE_AT: 'before linkSync outbox/JOB-next', NODE_OPTIONS: `--import=${dying}` };
    const id = (await home.start(['dispatch', 'analyse'], env).ended).stdout.trim();
    expect(await home.start(['worker', 'start'], at).ended).toMatchObject({ signal: 'SIGKILL' });
    expect(linesOf(home, id, 'job_completed')).toHaveLength(1);
    await server.admin.flushall();
    await using _worker = await startWorker(home, { env, ...REPORTING });
    await nextOnce();
  });

  it('is dispatched by Alpha, too, where no worker runs', async () => {
    const { id } = await awaitingReview();
    await killedAt('before linkSync outbox/JOB-next', ['review', 'accept', id]);
    const alpha = home.start(['alpha', 'start']);
    const listed = async () => NEXT.exec((await home.nika('queue', 'ls', '-q')).stdout)?.[0];
    const next = await until('the queue to have it', listed);
    expect(linesOf(home, next, 'entity_created')).toHaveLength(1);
    alpha.child.kill('SIGTERM');
    await alpha.ended;
  });
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestHome } from '../nika.ts';
import { endPods, recordOf, until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';
import { linesOf, SHORT_LEASE, startWorker, untilLine } from '../workers.ts';

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
  writeFileSync(
    join(home.dir, 'config/jobs/fix.yaml'),
    `name: fix
description: A job of a test.
domain: test
intent: prove
review: required
inputs: { review_reason: { type: string, default: none } }
steps:
  - tool: shell
    input: { argv: [echo, '\${{ inputs.review_reason }}'] }
`,
  );
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

const asks = (id: string, attempt: number) =>
  until(`${id} to ask for review`, () => {
    const record = recordOf(home, id);
    return record?.attempt === attempt && record.end?.status === 'awaiting_review' && record;
  });

describe('a dispatched job with review', () => {
  it.for(['files', 'redis'])('goes back to the queue with the reason when it is rejected (%s)', async (kind) => {
    await using server = kind === 'redis' ? await RedisServer.open() : undefined;
    const env: Readonly<Record<string, string>> =
      server === undefined ? {} : { NIKA_REDIS_URL: server.url, ...SHORT_LEASE };
    const nika = (...args: readonly string[]) => home.start(args, env).ended;
    await using _worker = await startWorker(home, { env });
    const id = (await nika('dispatch', 'fix')).stdout.trim();
    await asks(id, 1);
    const rejected = await nika('review', 'reject', id, '--reason', 'say more');
    expect(rejected.stdout).toMatch(new RegExp(`${id} was rejected in round 1, and is done again: attempt 2, when `));
    expect((await asks(id, 2)).end?.result).toBe('say more');
    expect((await nika('review', 'accept', id)).code).toBe(0);
    await untilLine(home, id, 'job_completed');
    expect(linesOf(home, id, 'session_start')).toHaveLength(2);
    expect(linesOf(home, id, 'job_completed')).toHaveLength(1);
  });

  it('is told of at once while it waits for a worker that does it again', async () => {
    let id = '';
    {
      await using _worker = await startWorker(home);
      id = (await home.start(['dispatch', 'fix']).ended).stdout.trim();
      await asks(id, 1);
    }
    expect((await home.start(['review', 'reject', id, '--reason', 'say more']).ended).code).toBe(0);
    const startMs = performance.now();
    expect((await home.start(['review', 'ls']).ended).code).toBe(0);
    expect(performance.now() - startMs).toBeLessThan(4_000); // else 5 s for each such job
  });

  it('has what its result names next dispatched once it is accepted', async () => {
    writeFileSync(join(home.dir, 'config/nika.yaml'), 'swarm: { capabilities: { reporting: { job: report } } }\n');
    const job = (name: string, more: string): void =>
      writeFileSync(
        join(home.dir, `config/jobs/${name}.yaml`),
        `name: ${name}\ndescription: A job of a test.\ndomain: test\nintent: prove\n${more}`,
      );
    job('analyse', `review: required\ncommand: [echo, '{"next_capabilities":["reporting"]}']\n`);
    job('report', 'command: [echo, told]\n');
    await using _worker = await startWorker(home);
    const id = (await home.start(['dispatch', 'analyse']).ended).stdout.trim();
    await asks(id, 1);
    expect((await home.start(['review', 'accept', id]).ended).code).toBe(0);
    expect((await home.start(['queue', 'ls', '-q']).ended).stdout).toMatch(/^JOB-next-1-\w+\n$/);
  });
});

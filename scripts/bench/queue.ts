/**
 * What the queue costs: a job added, and taken and ended, by nika and by BullMQ alone on the same server, by turns; from
 * added to in the hands of a worker that waits; and the same in files.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { resolveHome } from '../../src/config/home.ts';
import { openWorkQueue } from '../../src/swarm/queue/open-work-queue.ts';
import type { WorkQueue } from '../../src/swarm/queue/work-queue.ts';
import { queuedJob } from '../../test/fixtures/queued-job.ts';
import { RedisServer } from '../../test/servers/redis.ts';
import { targetOf } from '../../test/servers/target.ts';
import { fixed, machine, row } from './figures.ts';

const COUNT = Number(process.env['NIKA_BENCH_JOBS'] ?? 1_000);
const WOKEN = 200;

const at = (sorted: readonly number[], part: number): number => sorted[Math.floor(sorted.length * part)] ?? 0;

const timed = async (count: number, work: (nth: number) => Promise<unknown>): Promise<readonly number[]> => {
  const tookMs: number[] = [];
  for (let nth = 0; nth < count; nth += 1) {
    const startMs = performance.now();
    await work(nth);
    tookMs.push(performance.now() - startMs);
  }
  return tookMs.toSorted((a, b) => a - b);
};

const tell = (name: string, sorted: readonly number[]): void =>
  row(name, [fixed(at(sorted, 0.5), 2), fixed(at(sorted, 0.99), 2)]);

const signal = new AbortController().signal;

const ofNika = async (name: string, queue: WorkQueue): Promise<void> => {
  await queue.untilKnown(2_000);
  const mark = crypto.randomUUID().slice(0, 8);
  tell(`${name}: add`, await timed(COUNT, (nth) => queue.add(queuedJob(`${mark}-${nth}`))));
  const end = async (): Promise<void> => {
    const claim = await queue.take(['default'], 'bench', signal);
    await claim?.done('fine');
  };
  tell(`${name}: take and done`, await timed(COUNT, end));
  const wake = async (nth: number): Promise<void> => {
    const waiting = queue.take(['default'], 'bench', signal);
    await new Promise((resolve) => setTimeout(resolve, 20));
    wokenAtMs = performance.now();
    await queue.add(queuedJob(`${mark}-w${nth}`));
    await (await waiting)?.done('fine');
  };
  let wokenAtMs = 0;
  const tookMs: number[] = [];
  for (let nth = 0; nth < WOKEN; nth += 1) {
    await wake(nth);
    tookMs.push(performance.now() - wokenAtMs);
  }
  tell(
    `${name}: added → taken by one that waits → done`,
    tookMs.toSorted((a, b) => a - b),
  );
};

const ofBullAlone = async (server: RedisServer): Promise<void> => {
  const connection = new Redis(server.port, '127.0.0.1', { maxRetriesPerRequest: null });
  const queue = new Queue('bare', { connection });
  const worker = new Worker('bare', null, { connection });
  tell(
    'BullMQ alone: add',
    await timed(COUNT, (nth) => queue.add('hello', queuedJob(`b-${nth}`), { jobId: `b-${nth}`, priority: 5 })),
  );
  const end = async (): Promise<void> => {
    const job = await worker.getNextJob('token');
    await job?.moveToCompleted('fine', 'token', false);
  };
  tell('BullMQ alone: take and done', await timed(COUNT, end));
  await worker.close();
  await queue.close();
  connection.disconnect();
};

console.log(machine());
console.log(`\n${COUNT} jobs one after the other, milliseconds\n`);
row('', ['p50', 'p99']);
row('---', ['---:', '---:']);
await using server = await RedisServer.open();
const dir = mkdtempSync(join(tmpdir(), 'nika-bench-'));
const home = resolveHome({ flag: dir, env: {}, cwd: dir });
for (let round = 0; round < 2; round += 1) {
  await ofBullAlone(server);
  await using redis = await openWorkQueue({ home, settings: { redis: targetOf(server.url) } });
  await ofNika('Redis', redis);
  await server.admin.flushall();
}
await using files = await openWorkQueue({ home, settings: { redis: { kind: 'off' } } });
await ofNika('files', files);
rmSync(dir, { recursive: true, force: true });

/**
 * Measures workers that die: JOBS dispatched jobs (default 500) over 4 workers, one of which is killed every 2 s, with a
 * real Redis. Prints how often each job completed: once, or it is a bug.
 *
 *   node scripts/build.ts --no-types && node scripts/bench/workers.ts [JOBS]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { giveJobs } from '../../test/fixtures/given-job.ts';
import { runChaos } from '../../test/fixtures/worker-chaos.ts';
import { TestHome } from '../../test/nika.ts';
import { RedisServer } from '../../test/servers/redis.ts';

const WORKERS = 4;
const CONCURRENCY = 2;
const KILL_EVERY_MS = 2_000;
const MS_PER_JOB = 10_000;

const jobs = Number(process.argv[2] ?? 500);
using home = new TestHome();
await using server = await RedisServer.open();
const env = { NIKA_REDIS_URL: server.url, NIKA_SWARM_LEASE: '4s' };
const file = join(home.dir, 'config/jobs/short.yaml');
writeFileSync(file, 'name: short\ndescription: A nap.\ndomain: bench\nintent: measure\ncommand: sleep 0.5\n');
const givenAtMs = performance.now();
const ids = await giveJobs(home, 'short', { count: jobs, env, attempts: 3 });
console.log(`${jobs} jobs given in ${Math.round(performance.now() - givenAtMs)} ms`);
const counts = await runChaos(home, {
  ids,
  env,
  workers: WORKERS,
  concurrency: CONCURRENCY,
  killEveryMs: KILL_EVERY_MS,
  withinMs: jobs * MS_PER_JOB,
});
console.log(JSON.stringify({ jobs, workers: WORKERS, concurrency: CONCURRENCY, ...counts }));

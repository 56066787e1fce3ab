/** Takes jobs of the queue of a home, prints each, and holds it until it is killed; `done`: ends it at once and goes on. */
import { resolveHome } from '../../src/config/home.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { openWorkQueue } from '../../src/swarm/queue/open-work-queue.ts';

const [dir = '', name = 'worker', how = 'hold'] = process.argv.slice(2);
const home = resolveHome({ flag: dir, env: process.env, cwd: dir });
const settings = loadSettings(home, process.env);
const queue = await openWorkQueue({ home, settings, times: { lockMs: 1_000, stalledEveryMs: 250 } });
const never = new AbortController();
setInterval(() => undefined, 60_000); // what waits for Redis holds no process
console.log('ready');
for (;;) {
  const claim = await queue.take(['default'], name, never.signal);
  if (claim === undefined) break;
  if (how === 'done') await claim.done('fine');
  console.log(claim.job.entity);
}

/**
 * Random faults of Redis every few seconds, over ten pods at a time that are killed and started anew, for half an hour;
 * then everything is compared with the bus. `npm run soak -- --minutes 5 --seed 7 --pods 10`. Exits 1 if anything failed.
 */
import { parseArgs } from 'node:util';
import { running } from '../test/pods.ts';
import { TestHome } from '../test/nika.ts';
import { Proxy } from '../test/servers/proxy.ts';
import { RedisServer } from '../test/servers/redis.ts';
import { machine, row } from './bench/figures.ts';
import { check } from './soak/checks.ts';
import { Faults } from './soak/faults.ts';
import { Fleet, steps } from './soak/fleet.ts';
import { createChance } from './soak/random.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string' },
    pods: { type: 'string', default: '10' },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e6));
const END_WITHIN_MS = 180_000;

const soak = async (home: TestHome): Promise<boolean> => {
  await using server = await RedisServer.open({ isPersistent: true });
  await using proxy = await Proxy.open(server.port);
  const faults = new Faults(server, proxy, createChance(seed));
  const fleet = new Fleet(home, proxy.url, createChance(seed + 1));
  home.job('soak', steps());
  const untilMs = Date.now() + minutes * 60_000;
  await Promise.all([faults.run(untilMs), fleet.run(untilMs, Number(values.pods))]);
  const isOver = await fleet.end(END_WITHIN_MS);
  const findings = await check({ home, server, fleet, faults });

  const times = Object.entries(Object.groupBy(faults.windows, ({ kind }) => kind));
  console.log(`${faults.windows.length} faults: ${times.map(([kind, all]) => `${all?.length} × ${kind}`).join(', ')}`);
  console.log(`${fleet.sessions.size} pods, ${fleet.mostAtOnce} at once at most, ${fleet.killed.size} killed\n`);
  row('', ['', 'found']);
  row('---', ['---', '---']);
  for (const { what, isWell, detail } of findings) row(what, [isWell ? 'yes' : 'NO', detail.replaceAll(/\s+/g, ' ')]);
  return isOver && findings.every(({ isWell }) => isWell);
};

console.log(`${machine()}; ${minutes} minutes, seed ${seed}`);
const home = new TestHome();
try {
  const isWell = await soak(home);
  process.exitCode = isWell ? 0 : 1;
  console.log(isWell ? '\nAll is well.' : `\nNot all is well. The home is kept: ${home.dir}`);
} finally {
  for (const pid of running(home.dir)) process.kill(pid, 'SIGKILL');
  if (process.exitCode === 0) home[Symbol.dispose]();
}

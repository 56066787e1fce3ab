/** Runs the collector of a home: `node collector-worker.js <home>`. A second one leaves at once. */
import { tryLock } from '../../bus/segments.ts';
import { ensureHome, resolveHome } from '../../config/home.ts';
import { loadSettings } from '../../config/settings.ts';
import { Collector } from './collector.ts';

const IDLE_MS = 10 * 60_000;

const main = async (): Promise<void> => {
  const [, , dir] = process.argv;
  const home = resolveHome({ flag: dir, env: process.env, cwd: process.cwd() });
  ensureHome(home);
  await using lock = await tryLock(home.busDir, 'collector'); // B1
  if (lock === undefined) return;
  const ended = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => ended.abort());
  const idleMs = Number(process.env['NIKA_COLLECTOR_IDLE_MS'] ?? IDLE_MS);
  await new Collector({ home, settings: loadSettings(home, process.env), idleMs }).run(ended.signal);
};

await main();
process.exit();

/** A process that brings to Qdrant what the bus of a home has for memory, and ends when nothing comes any more. */
import { rmSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { endOf } from '../../bus/query/read-types.ts';
import { resolveHome } from '../../config/home.ts';
import { loadSettings } from '../../config/settings.ts';
import { bestEffort, bestEffortSync } from '../../failopen/best-effort.ts';
import { Log } from '../../log/log.ts';
import { createBodyEncoder } from '../../recorder/body.ts';
import { leaveParentTree } from '../tree/cgroup.ts';
import { openHomeMemory } from './home-memory.ts';
import { startingPath, tryMemoryLock, watchWanted } from './memory-lock.ts';

const LOG_BUDGET_MS = 500;
const LINGER_MS = 10_000;
const AWAY_LINGER_MS = 120_000;

bestEffortSync('memory.tree', leaveParentTree);
bestEffortSync('memory.priority', () => setPriority(constants.priority.PRIORITY_BELOW_NORMAL));
const home = resolveHome({ flag: process.argv[2], env: process.env, cwd: '/' });
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => stop.abort());

const sizeOfBus = async (): Promise<string> => JSON.stringify(await endOf(home.busDir, stop.signal));

/** Until nothing comes; whether more came when the lock was free again: who found it taken relied on this one. */
const workAlone = async (): Promise<boolean> => {
  const settings = loadSettings(home);
  if (settings.qdrant.kind === 'off') return false;
  const encoder = createBodyEncoder({
    maxBodyBytes: settings.recorder.maxBodyBytes,
    patterns: settings.recorder.redact,
  });
  const clean = (text: string): string => encoder.encodeText(text).text;
  using log = new Log({ logsDir: home.logsDir, name: 'memory', ...settings.logs, fields: { pid: process.pid }, clean });
  const lock = await tryMemoryLock(home);
  bestEffortSync('memory.starting', () => rmSync(startingPath(home.runDir), { force: true }));
  if (lock === undefined) return false;
  using _wanted = watchWanted(home.runDir, () => stop.abort());
  let before = '';
  {
    await using memory = await openHomeMemory({
      home,
      settings,
      target: settings.qdrant,
      clean,
      log,
      signal: stop.signal,
    });
    const writer = memory.writer({ lingerMs: LINGER_MS, awayLingerMs: AWAY_LINGER_MS });
    await writer.run(stop.signal);
    before = writer.broughtEnd ?? (await sizeOfBus());
  }
  await bestEffort('log.flush', { withinMs: LOG_BUDGET_MS }, () => log.flush());
  await lock[Symbol.asyncDispose]();
  return !stop.signal.aborted && before !== (await sizeOfBus());
};

while (await workAlone());
process.exit(0); // connections that are kept open are of no use

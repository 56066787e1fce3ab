/** A process that sends what waits in `run/notify/` of a home, and ends when nothing does. */
import { constants, setPriority } from 'node:os';
import { resolveHome } from '../../config/home.ts';
import { loadSettings, type Settings } from '../../config/settings.ts';
import { bestEffort, bestEffortSync } from '../../failopen/best-effort.ts';
import { Log } from '../../log/log.ts';
import { Sender } from '../../notify/sender.ts';
import { spoolDir } from '../../notify/spool.ts';
import { trySend } from '../../notify/try-send.ts';
import { createBodyEncoder } from '../../recorder/body.ts';
import { leaveParentTree } from '../tree/cgroup.ts';
import { LINGER_MS, lockSender } from './start-sender.ts';

const LOG_BUDGET_MS = 500;

bestEffortSync('notify.tree', leaveParentTree);
bestEffortSync('notify.priority', () => setPriority(constants.priority.PRIORITY_BELOW_NORMAL));
const home = resolveHome({ flag: process.argv[2], env: process.env, cwd: '/' });
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => stop.abort());

/** What servers and programs say may hold a secret (G7). */
const createClean = ({ recorder }: Settings): ((text: string) => string) => {
  const encoder = createBodyEncoder({ maxBodyBytes: recorder.maxBodyBytes, patterns: recorder.redact });
  return (text) => encoder.encodeText(text).text;
};

const openLog = ({ logs }: Settings, clean: (text: string) => string): Log =>
  new Log({ logsDir: home.logsDir, name: 'notify', ...logs, fields: { pid: process.pid }, clean });

/** Until nothing waits; whether more came when the lock was free again: who found it taken relied on this one. */
const workAlone = async (settings: Settings): Promise<boolean> => {
  const clean = createClean(settings);
  const place = { env: process.env, dir: home.dir };
  using log = openLog(settings, clean);
  const lock = await lockSender(home.runDir);
  if (lock === undefined) return false;
  using sender = new Sender({
    dir: spoolDir(home.runDir),
    loadWays: () => loadSettings(home).notify,
    send: async (way, call, signal) => {
      const outcome = await trySend(way, call, place, signal);
      return outcome.kind === 'sent' ? outcome : { ...outcome, why: clean(outcome.why) };
    },
    log: (level, message, fields) => log.write(level, message, fields),
    lingerMs: LINGER_MS,
  });
  await sender.run(stop.signal);
  await bestEffort('log.flush', { withinMs: LOG_BUDGET_MS }, () => log.flush());
  await lock[Symbol.asyncDispose]();
  return !stop.signal.aborted && sender.isAnythingLeft;
};

while (await workAlone(loadSettings(home)));
process.exit(0); // connections that are kept open are of no use

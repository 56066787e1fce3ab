/** Owns `nika worker start`, in the foreground and in the background. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NikaError } from '../../model/error.ts';
import type { WorkerRecord } from '../../swarm/worker/worker-record.ts';
import { durationOption } from '../pod/wait-command.ts';
import type { Terminal } from '../terminal.ts';

export interface StartFlags {
  readonly concurrency?: string;
  readonly capability?: readonly string[];
  readonly grace?: string;
  readonly detach?: true;
  readonly json?: true;
  readonly home?: string;
}

const START_WITHIN_MS = 15_000;
const LOOK_EVERY_MS = 50;
const LAST_LINES = 5;

const openPlace = async (flags: StartFlags, terminal: Terminal) => {
  const [{ ensureHome, resolveHome }, { loadSettings }, { capabilitySchema, DEFAULT_CAPABILITY }] = await Promise.all([
    import('../../config/home.ts'),
    import('../../config/settings.ts'),
    import('../../model/dispatch.ts'),
  ]);
  const home = resolveHome({ flag: flags.home, env: terminal.env, cwd: terminal.cwd });
  const settings = loadSettings(home, terminal.env);
  ensureHome(home);
  const capabilities = (flags.capability ?? [DEFAULT_CAPABILITY]).map((text) => {
    const parsed = capabilitySchema.safeParse(text);
    if (parsed.success) return parsed.data;
    const why = parsed.error.issues[0]?.message ?? 'is wrong';
    throw new NikaError('NIKA_CLI_USAGE', `--capability "${text}": ${why}`, { subject: text });
  });
  const { concurrency: usual, graceMs: usualGraceMs } = settings.swarm.worker;
  const concurrency = flags.concurrency === undefined ? usual : Number(flags.concurrency);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 1_000) {
    throw new NikaError('NIKA_CLI_USAGE', `--concurrency takes a number from 1 to 1000, not "${flags.concurrency}"`);
  }
  const graceMs = flags.grace === undefined ? usualGraceMs : await durationOption('--grace', flags.grace);
  return { home, settings, capabilities: [...new Set(capabilities)], concurrency, graceMs };
};
type Place = Awaited<ReturnType<typeof openPlace>>;

const argsOf = ({ home, capabilities, concurrency, graceMs }: Place): readonly string[] => [
  'worker',
  'start',
  '--home',
  home.dir,
  '--concurrency',
  String(concurrency),
  '--grace',
  `${graceMs}ms`,
  ...capabilities.flatMap((name) => ['--capability', name]),
];

const lastWords = (file: string): string => {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').slice(-LAST_LINES).join('\n');
  } catch {
    return '';
  }
};

/** In a session of its own: the terminal's end does not reach it. */
const startInBackground = async (flags: StartFlags, place: Place, terminal: Terminal): Promise<void> => {
  const { readWorkers } = await import('../../swarm/worker/worker-record.ts');
  const { logsDir, runDir } = place.home;
  const file = join(logsDir, `worker-${new Date().toISOString().replaceAll(/[:.]/g, '-')}-${process.pid}.out`);
  const fd = openSync(file, 'a', 0o600);
  const child = spawn(process.execPath, [process.argv[1] ?? '', ...argsOf(place)], {
    cwd: terminal.cwd,
    env: { ...terminal.env },
    detached: true,
    stdio: ['ignore', fd, fd],
  });
  closeSync(fd);
  child.unref();
  const untilMs = performance.now() + START_WITHIN_MS;
  for (;;) {
    const record = readWorkers(runDir).find(({ process: by }) => by.pid === child.pid);
    if (record !== undefined) return print(record, flags, terminal);
    const isOver = child.exitCode !== null || child.signalCode !== null;
    if (!isOver && performance.now() > untilMs) {
      const late = `the worker runs (pid ${child.pid}), but cannot be seen: it has written no record into ${runDir}`;
      throw new NikaError('NIKA_WORKER_NOT_STARTED', late, {
        subject: file,
        remedy: `See "nika doctor" for the disk. Once that has room the worker takes jobs; end it with: kill ${child.pid}`,
      });
    }
    if (isOver) {
      throw new NikaError('NIKA_WORKER_NOT_STARTED', `the worker did not start:\n${lastWords(file)}`, {
        subject: file,
      });
    }
    await delay(LOOK_EVERY_MS);
  }
};

const print = ({ session, process: by }: WorkerRecord, { json }: StartFlags, terminal: Terminal): void => {
  terminal.print(json === true ? `${JSON.stringify({ worker: session, pid: by.pid })}\n` : `${session}\n`);
};

export const startWorker = async (flags: StartFlags, terminal: Terminal): Promise<void> => {
  const place = await openPlace(flags, terminal);
  if (flags.detach === true) return startInBackground(flags, place, terminal);
  const { runWorker } = await import('../../swarm/worker/run-worker.ts');
  const say = (line: string): void => terminal.print(`${new Date().toISOString()} ${line}\n`);
  const { done, failed, handedOver } = await runWorker({ ...place, env: terminal.env, cwd: terminal.cwd, say });
  const left = handedOver === 0 ? '' : `, ${handedOver} left to others`;
  say(`ended: ${done} done, ${failed} failed${left}`);
};

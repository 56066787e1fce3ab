/** Owns `nika worker drain` and `nika worker stop`. */
import { setTimeout as delay } from 'node:timers/promises';
import { NikaError } from '../../model/error.ts';
import { podLiveness } from '../../pod/registry/pod-status.ts';
import type { WorkerRecord } from '../../swarm/worker/worker-record.ts';
import { interruption } from '../ending.ts';
import type { Terminal } from '../terminal.ts';

export interface EndFlags {
  readonly wait?: true;
  readonly now?: true;
  readonly all?: true;
  readonly home?: string;
}

const LOOK_EVERY_MS = 100;
const EXIT_FAILED = 1;
/** Between the first signal and the second, of `--now`. */
const TWICE_MS = 200;

/** @throws {NikaError} `NIKA_WORKER_UNKNOWN` */
const named = (names: readonly string[], workers: readonly WorkerRecord[]): readonly WorkerRecord[] =>
  names.map((name) => {
    const meant = workers.filter(({ session, process: by }) => session.startsWith(name) || String(by.pid) === name);
    const [only, second] = meant;
    if (only !== undefined && second === undefined) return only;
    const why =
      only === undefined ? `no worker "${name}" runs in this home` : `"${name}" may be any of ${meant.length}`;
    throw new NikaError('NIKA_WORKER_UNKNOWN', why, { subject: name });
  });

const trySignal = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended meanwhile
  }
};

const untilGone = async (workers: readonly WorkerRecord[], signal: AbortSignal): Promise<void> => {
  while (!signal.aborted && workers.some(({ process: by }) => podLiveness(by) === 'alive')) await delay(LOOK_EVERY_MS);
};

/** `drain`: without an end to the waiting. `stop`: as SIGTERM; pods live on. */
export const endWorkers = async (
  how: 'drain' | 'stop',
  names: readonly string[],
  flags: EndFlags,
  terminal: Terminal,
): Promise<void> => {
  const [{ resolveHome }, { readWorkers }, { DRAIN_SIGNAL }] = await Promise.all([
    import('../../config/home.ts'),
    import('../../swarm/worker/worker-record.ts'),
    import('../../swarm/worker/worker-signals.ts'),
  ]);
  const home = resolveHome({ flag: flags.home, env: terminal.env, cwd: terminal.cwd });
  const all = readWorkers(home.runDir);
  const workers = names.length === 0 ? all : named(names, all);
  const here = workers.filter(({ process: by }) => podLiveness(by) === 'alive');
  for (const { session, process: by } of workers) {
    if (here.some((one) => one.session === session)) continue;
    terminal.warn(`${session} runs on ${by.host}, or in another container: it can be told to end there only`);
    process.exitCode = EXIT_FAILED;
  }
  for (const { process: by } of here) trySignal(by.pid, how === 'drain' ? DRAIN_SIGNAL : 'SIGTERM');
  if (flags.now === true) {
    await delay(TWICE_MS);
    for (const { process: by } of here) if (podLiveness(by) === 'alive') trySignal(by.pid, 'SIGTERM');
  }
  if (how === 'stop' || flags.wait === true) await untilGone(here, interruption());
  for (const { session } of here) terminal.print(`${session}\n`);
};

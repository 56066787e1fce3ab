/**
 * Owns a child process in a session and process group of its own, and how all of that group is ended.
 * A process that left the group (its own `setsid`) is not caught here.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from '../model/error.ts';

export interface GroupOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** `closed`: reads end at once (`/dev/null`). */
  readonly stdin: 'closed' | 'pipe';
}

const GRACE_MS = 2_000;
const FIRST_LOOK_MS = 10;
const MAX_LOOK_MS = 200;

const living = new Set<number>();

/** Starts the program; `error` of the child tells where it cannot be started. @throws a system error such as E2BIG. */
export const spawnGroup = ({ file, args, cwd, env, stdin }: GroupOptions): ChildProcess => {
  const stdio = [stdin === 'pipe' ? 'pipe' : 'ignore', 'pipe', 'pipe'] as const;
  const child = spawn(file, [...args], { cwd, env, detached: true, stdio: [...stdio] });
  const { pid } = child;
  if (pid !== undefined) {
    living.add(pid);
    child.once('exit', () => living.delete(pid));
  }
  return child;
};

/** Sends a signal to all of the group. False: nobody is left in it. */
const signalGroup = (pgid: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    process.kill(-pgid, signal);
    return true;
  } catch (thrown) {
    return errnoOf(thrown) === 'EPERM'; // somebody is there, only not ours to signal (a setuid program)
  }
};

/** State and group of a process (fields 3 and 5 of its stat); `undefined`: it is gone. */
const statOf = (pid: string): { readonly state: string; readonly pgid: number } | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', , pgid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, pgid: Number(pgid) };
  } catch {
    return undefined; // it ended since the listing
  }
};

const tryListProcesses = (): readonly string[] | undefined => {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return undefined; // not Linux
  }
};

/** Dead ones that nobody collects (a container whose first process is no init) can be signalled, but run no more. */
const isRunning = (pgid: number): boolean => {
  if (!signalGroup(pgid, 0)) return false;
  const pids = tryListProcesses();
  if (pids === undefined) return true;
  return pids.some((pid) => {
    const stat = statOf(pid);
    return stat?.pgid === pgid && stat.state !== 'Z' && stat.state !== 'X';
  });
};

/** Ends the group: SIGTERM, and SIGKILL to what still runs of it after 2 s. Resolves once nothing runs, or was killed. */
export const endGroup = async (pgid: number): Promise<void> => {
  const killAtMs = performance.now() + GRACE_MS;
  signalGroup(pgid, 'SIGTERM');
  signalGroup(pgid, 'SIGCONT'); // a stopped process gets SIGTERM only once it goes on
  for (let waitMs = FIRST_LOOK_MS; isRunning(pgid); waitMs = Math.min(2 * waitMs, MAX_LOOK_MS)) {
    const leftMs = killAtMs - performance.now();
    if (leftMs <= 0) {
      signalGroup(pgid, 'SIGKILL');
      return;
    }
    await delay(Math.min(waitMs, leftMs));
  }
};

/** SIGKILL to every group whose leader still runs: for a process that has to end at once (a second Ctrl-C). */
export const killLivingGroups = (): void => {
  for (const pgid of living) signalGroup(pgid, 'SIGKILL');
};

/**
 * Owns a child process in a session and process group of its own, and how all of that group is ended.
 * A process that left the group (its own `setsid`) is not caught here.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from '../../model/error.ts';

export interface GroupOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** `closed`: reads end at once (`/dev/null`). */
  readonly stdin: 'closed' | 'pipe';
}

const GRACE_MS = 2_000;
const LOOK_EVERY_MS = 20;

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

/** Ends the group: SIGTERM, and SIGKILL to what is left of it after 2 s. Resolves once it is empty or was killed. */
export const endGroup = async (pgid: number): Promise<void> => {
  const killAtMs = performance.now() + GRACE_MS;
  let isThere = signalGroup(pgid, 'SIGTERM');
  signalGroup(pgid, 'SIGCONT'); // a stopped process gets SIGTERM only once it goes on
  while (isThere && performance.now() < killAtMs) {
    await delay(LOOK_EVERY_MS);
    isThere = signalGroup(pgid, 0);
  }
  if (isThere) signalGroup(pgid, 'SIGKILL');
};

/** SIGKILL to every group whose leader still runs: for a process that has to end at once (a second Ctrl-C). */
export const killLivingGroups = (): void => {
  for (const pgid of living) signalGroup(pgid, 'SIGKILL');
};

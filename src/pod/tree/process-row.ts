/** Owns the reading of one process from /proc, and the sending of a signal to that very process and no later one. */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';

export interface ProcessRow {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  /** Start time in clock ticks since boot: with the pid it names a process for ever. */
  readonly startTicks: number;
  /** Dead, and not yet collected by its parent. */
  readonly isZombie: boolean;
}

/** Longer than what /proc tells of most processes; of a longer one the rest is read too. */
const buffer = Buffer.allocUnsafe(32 * 1024);

/** Half the time of `readFileSync`, which asks for sizes that /proc does not know. @throws a system error */
const readText = (path: string): string => {
  const fd = openSync(path, 'r');
  try {
    let text = '';
    for (;;) {
      const count = readSync(fd, buffer);
      text += buffer.toString('latin1', 0, count);
      if (count < buffer.length) return text;
    }
  } finally {
    closeSync(fd);
  }
};

/** `undefined`: there is none of that pid. */
export const readProcess = (pid: number): ProcessRow | undefined => {
  let stat: string;
  try {
    stat = readText(`/proc/${pid}/stat`);
  } catch {
    return undefined; // it ended since it was listed
  }
  // The second field is the program's name in parentheses and may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  const state = fields[0] ?? '';
  // A dead first thread says Z also where other threads of the process go on.
  const isZombie = (state === 'Z' || state === 'X') && field(20) <= 1;
  return { pid, ppid: field(4), pgid: field(5), sid: field(6), startTicks: field(22), isZombie };
};

/** Empty where it may not be read, and of a zombie. */
export const readEnviron = (pid: number): string => {
  try {
    return readText(`/proc/${pid}/environ`);
  } catch {
    return ''; // another user's (a setuid program), or gone
  }
};

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

/** `undefined`: the system has no /proc. */
export const listPids = (): readonly number[] | undefined => {
  try {
    return readdirSync('/proc').flatMap((name) => (isDigit(name.charCodeAt(0)) ? Number(name) : []));
  } catch {
    return undefined;
  }
};

/** Signals the process if its pid is still its own: a pid is given to another process some time after its end. */
export const signalProcess = ({ pid, startTicks }: ProcessRow, signal: NodeJS.Signals): void => {
  if (readProcess(pid)?.startTicks !== startTicks) return;
  trySignal(pid, signal);
};

/** False: it is gone, or not ours to signal. A negative pid is a group. */
export const trySignal = (pid: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
};

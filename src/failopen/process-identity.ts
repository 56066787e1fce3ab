/** Owns what names one process for ever on a machine: host, boot, pid and start time (design, section 4). Linux. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  readonly host: string;
  /** A new one at each boot; empty where the system has none to tell. */
  readonly bootId: string;
  readonly pid: number;
  /** The namespace that the pid is of; empty where the system has none to tell. */
  readonly pidNamespace: string;
  /** Start time in clock ticks since boot (field 22 of /proc/<pid>/stat); empty where the system has no /proc. */
  readonly startTicks: string;
}

const tryReadText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // not Linux, or the process is gone
  }
};

/** Start ticks of a living process; empty: there is none of that pid, or only its remains that nobody has collected. */
export const startTicksOf = (pid: number): string => {
  const stat = tryReadText(`/proc/${pid}/stat`);
  // The second field is the program's name in parentheses and may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? '' : (fields[19] ?? '');
};

const readPidNamespace = (): string => {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return ''; // not Linux
  }
};

const readBootId = (): string => tryReadText('/proc/sys/kernel/random/boot_id').trim();

export const thisProcess = (): ProcessIdentity => ({
  host: hostname(),
  bootId: readBootId(),
  pid: process.pid,
  pidNamespace: readPidNamespace(),
  startTicks: startTicksOf(process.pid),
});

/** `gone` is certain; a process of another host or pid namespace is `elsewhere`: only its own may say. */
export const livenessOf = (identity: ProcessIdentity): 'alive' | 'gone' | 'elsewhere' => {
  if (identity.host !== hostname()) return 'elsewhere';
  if (identity.bootId !== readBootId()) return 'gone';
  if (identity.pidNamespace !== readPidNamespace()) return 'elsewhere'; // a container's pids are others
  if (identity.startTicks === '') {
    try {
      process.kill(identity.pid, 0);
      return 'alive';
    } catch {
      return 'gone';
    }
  }
  return startTicksOf(identity.pid) === identity.startTicks ? 'alive' : 'gone';
};

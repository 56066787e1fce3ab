/** Owns the look for a server that works on a service's data without a note of it: two of them would destroy the data. */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';

const isHolder = (pid: string, dataDir: string, programs: readonly string[]): boolean => {
  try {
    return (
      readlinkSync(`/proc/${pid}/cwd`) === dataDir &&
      programs.includes(readFileSync(`/proc/${pid}/comm`, 'utf8').trim())
    );
  } catch {
    return false; // gone meanwhile, or another user's
  }
};

/** Its pid; `undefined`: there is none, or the system has no /proc. */
export const findDataHolder = (dataDir: string, programs: readonly string[]): number | undefined => {
  try {
    const real = realpathSync(dataDir);
    const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && isHolder(name, real, programs));
    return pid === undefined ? undefined : Number(pid);
  } catch {
    return undefined;
  }
};

/** Owns how a folder is made: in bounded time, whatever the system answers (G1). */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const isFolder = (path: string): boolean => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    return false; // a folder on the way that may not be read
  }
};

/**
 * Makes a folder and those above it that are missing. Not by mkdir's own `recursive`, which never comes back where the
 * system says ENOENT for a folder that is there (seen under /proc).
 * @throws a system error
 */
export const makeFolder = (path: string, mode = 0o777): void => {
  if (dirname(path) !== path && !existsSync(dirname(path))) makeFolder(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (thrown) {
    if (!isFolder(path)) throw thrown;
  }
};

/** Owns how a folder is made: in bounded time, whatever the system answers (G1). */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
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

const mayBeFolder = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false; // not there, or not to be seen
  }
};

/** The same without blocking: for a disk that may hang. @throws a system error */
export const makeFolderSoon = async (path: string, mode = 0o777): Promise<void> => {
  if (await mayBeFolder(path)) return;
  if (dirname(path) !== path) await makeFolderSoon(dirname(path), mode);
  try {
    await mkdir(path, { mode });
  } catch (thrown) {
    if (!(await mayBeFolder(path))) throw thrown;
  }
};

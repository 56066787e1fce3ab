/** Owns what tells a checkout that is not the first of its repository, without asking git: its `.git` is a file. */
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const tryStat = (path: string) => {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // a folder that may not be read
  }
};

/** Whether the folder is in a worktree (or a submodule). */
export const isInLinkedCheckout = (dir: string): boolean => {
  const stat = tryStat(join(dir, '.git'));
  if (stat !== undefined) return stat.isFile();
  return dirname(dir) !== dir && isInLinkedCheckout(dirname(dir));
};

/** Owns the opening of files that people name: regular files only, so that a FIFO or a device never holds a tool. */
import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { errnoOf, errorMessage } from '../../model/error.ts';

export type Opened =
  | { readonly kind: 'open'; readonly handle: FileHandle }
  | { readonly kind: 'refused'; readonly error: string };

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EEXIST: 'cannot be reached: a part of its path is not a folder', // mkdir says it so
  ENOTDIR: 'cannot be reached: a part of its path is not a folder',
  EACCES: 'is not allowed to be opened (permission denied)',
  EPERM: 'is not allowed to be opened (operation not permitted)',
  EISDIR: 'is a folder',
  ELOOP: 'is a symbolic link that leads in a circle',
  EROFS: 'is on a file system that is read-only',
  ENOSPC: 'cannot be written: the disk is full',
  EDQUOT: 'cannot be written: the disk quota is used up',
  EAGAIN: 'has nothing to read now; it is not an ordinary file',
};

/** A system error as a sentence about a path. */
export const fileError = (path: string, thrown: unknown): string => {
  const errno = errnoOf(thrown);
  const reason = errno === undefined ? undefined : REASONS[errno];
  return reason === undefined ? `${path}: ${errorMessage(thrown)}` : `${path} ${reason}`;
};

/**
 * Opens a regular file. Looked at before it is opened (to open a device may do something) and after (it may have been
 * exchanged); opened without blocking, which a FIFO and files like /proc/kmsg would do otherwise.
 */
export const openRegular = async (path: string, flags: number, mode?: number): Promise<Opened> => {
  const notRegular = { kind: 'refused', error: `${path} is not a regular file` } as const;
  try {
    const before = await stat(path).catch((thrown: unknown) => {
      if (errnoOf(thrown) === 'ENOENT' && (flags & constants.O_CREAT) !== 0) return undefined;
      throw thrown;
    });
    if (before?.isDirectory() === true) return { kind: 'refused', error: `${path} is a folder` };
    if (before !== undefined && !before.isFile()) return notRegular;
    const handle = await open(path, flags | constants.O_NONBLOCK | constants.O_NOCTTY, mode);
    if ((await handle.stat()).isFile()) return { kind: 'open', handle };
    await handle.close();
    return notRegular;
  } catch (thrown) {
    return { kind: 'refused', error: fileError(path, thrown) };
  }
};

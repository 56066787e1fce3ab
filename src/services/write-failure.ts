/** Owns what is said where a file of a service cannot be written: what is wrong, and what helps. */
import { errnoOf, errorMessage } from '../model/error.ts';

export interface WriteFailure {
  readonly what: string;
  readonly remedy: string;
}

const remedyOf = (errno: string | undefined, runDir: string): string => {
  switch (errno) {
    case 'ENOSPC':
      return `The disk that holds ${runDir} is full: make room on it, and try again.`;
    case 'EDQUOT':
      return `Your quota on the disk that holds ${runDir} is used up: make room, and try again.`;
    case 'EROFS':
      return `The file system that holds ${runDir} is read-only: make it writable, or choose another home with --home.`;
    default:
      return `Make ${runDir} a folder that you may write to, or choose another home with --home.`;
  }
};

export const writeFailure = (thrown: unknown, runDir: string): WriteFailure => {
  const errno = errnoOf(thrown);
  const path = thrown instanceof Error && 'path' in thrown ? `${String(thrown.path)}: ` : '';
  return { what: `${path}${errno ?? errorMessage(thrown)}`, remedy: remedyOf(errno, runDir) };
};

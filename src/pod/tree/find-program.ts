/** Owns whether a program can be started at all, asked before it is started through something else. */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ProgramStart } from './pod-tree.ts';

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};

/** Of a script, the program that its first line names; the kernel reads at most 256 bytes of it. */
const interpreterOf = (path: string): string | undefined => {
  const head = Buffer.alloc(256);
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined; // a program that may be run but not read
  }
  try {
    const line = head.toString('latin1', 0, readSync(fd, head)).split('\n')[0] ?? '';
    return line.startsWith('#!') ? line.slice(2).trim().split(/\s/)[0] : undefined;
  } finally {
    closeSync(fd);
  }
};

/** The file that would be run, as execvp(3) finds it; `undefined`: its start would fail. */
export const findProgram = ({ file, cwd, env }: ProgramStart): string | undefined => {
  if (file === '' || file.includes('\0') || statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true)
    return undefined;
  const places = file.includes('/') ? [''] : (env['PATH'] ?? '/bin:/usr/bin').split(':');
  const found = places.map((place) => resolve(cwd, place, file)).find(isExecutable);
  if (found === undefined) return undefined;
  const interpreter = interpreterOf(found);
  return interpreter === undefined || isExecutable(resolve(cwd, interpreter)) ? found : undefined;
};

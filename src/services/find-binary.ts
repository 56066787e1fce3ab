/** Owns where the program of a service is: on the PATH, or in an npm package of the project or of nika. */
import { accessSync, constants, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { packageRoot } from '../config/package-root.ts';

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // not there, or not for us
  }
};

/** The first of the programs that is there. Folders of the PATH that are relative are left out: they change with the caller. */
export const findOnPath = (programs: readonly string[], path = ''): string | undefined => {
  const folders = path.split(delimiter).filter((folder) => isAbsolute(folder));
  return programs.flatMap((program) => folders.map((folder) => join(folder, program))).find(isExecutable);
};

/** Whether this user, or root, put it there: a package found above a folder like /tmp may be anybody's. */
const isTrusted = (path: string): boolean => {
  const me = process.getuid?.();
  return me === undefined || [me, 0].includes(statSync(path).uid);
};

const tryResolve = (from: string, name: string): string | undefined => {
  try {
    return dirname(createRequire(join(from, 'package.json')).resolve(`${name}/package.json`));
  } catch {
    return undefined; // not installed there, as for most people
  }
};

/** A program inside of an npm package, resolved from the project that one stands in, else from nika itself. */
export const findInPackage = (name: string, file: string, cwd: string): string | undefined =>
  [cwd, packageRoot()]
    .flatMap((from) => tryResolve(from, name) ?? [])
    .map((dir) => join(dir, file))
    .find((path) => isExecutable(path) && isTrusted(path));

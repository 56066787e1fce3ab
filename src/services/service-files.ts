/** Owns the files of a service below `run/services/`: folders 0700, files 0600, each replaced as a whole. */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  readServiceSecret,
  secretPath,
  type ServiceName,
  serviceDir,
  type ServiceState,
  servicesDir,
  statePath,
} from '../config/services/service-state.ts';
import { makeFolder } from '../failopen/make-folder.ts';
import { errnoOf } from '../model/error.ts';
import { Secret } from '../model/secret.ts';
import type { ServiceKind } from './service-kind.ts';

const DIR_MODE = 0o700;
const FILE_MODE = 0o600;
/** Above it a log turns over at the next start. */
const LOG_MAX_BYTES = 1024 ** 2;
const LOG_END_BYTES = 2048;
const LOG_END_LINES = 8;
const SECRET_BYTES = 24;

export const dataDirOf = (runDir: string, name: ServiceName): string => join(serviceDir(runDir, name), 'data');
export const logPathOf = (runDir: string, name: ServiceName): string => join(serviceDir(runDir, name), `${name}.log`);

/** @throws a system error */
export const makeServiceFolders = (runDir: string, name: ServiceName): void => {
  for (const dir of [servicesDir(runDir), serviceDir(runDir, name), dataDirOf(runDir, name)]) {
    makeFolder(dir, DIR_MODE);
    chmodSync(dir, DIR_MODE);
  }
};

const replace = (path: string, text: string): void => {
  writeFileSync(`${path}.new`, text, { mode: FILE_MODE });
  chmodSync(`${path}.new`, FILE_MODE); // one that a crash left keeps the mode it had
  renameSync(`${path}.new`, path);
};

const textOf = (state: ServiceState): string => `${JSON.stringify(state)}\n`;

/** @throws a system error */
export const writeServiceState = (runDir: string, state: ServiceState): void =>
  replace(statePath(runDir, state.service), textOf(state));

/**
 * Where the disk is full, over the note that is there: its block is the file's already. A crash in between would leave
 * half a note, which is none; its process is gone by then.
 * @throws a system error
 */
export const noteEnd = (runDir: string, state: ServiceState): void => {
  const path = statePath(runDir, state.service);
  try {
    writeServiceState(runDir, state);
  } catch (thrown) {
    if (errnoOf(thrown) !== 'ENOSPC' && errnoOf(thrown) !== 'EDQUOT') throw thrown;
    rmSync(`${path}.new`, { force: true });
    const fd = openSync(path, 'r+');
    try {
      if (writeSync(fd, textOf(state)) < Buffer.byteLength(textOf(state))) throw thrown;
    } finally {
      closeSync(fd);
    }
  }
};

/** @throws a system error */
export const writeServiceConfig = (runDir: string, { name, configFile }: ServiceKind, text: string): string => {
  const path = join(serviceDir(runDir, name), configFile);
  replace(path, text);
  return path;
};

/** A new secret, or the one there is: what was told of it goes on. @throws a system error */
export const settleSecret = (runDir: string, name: ServiceName, keep: boolean): Secret => {
  const known = keep ? readServiceSecret(runDir, name) : undefined;
  if (known !== undefined) return known;
  const text = randomBytes(SECRET_BYTES).toString('base64url');
  replace(secretPath(runDir, name), `${text}\n`);
  return new Secret(text);
};

/** A descriptor to append to. @throws a system error */
export const openServiceLog = (runDir: string, name: ServiceName): number => {
  const path = logPathOf(runDir, name);
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LOG_MAX_BYTES) renameSync(path, `${path}.old`);
  return openSync(path, 'a', FILE_MODE);
};

/** The last lines of a log, from `sinceBytes` on. Never throws. */
export const readLogEnd = (path: string, sinceBytes: number): string => {
  try {
    const fd = openSync(path, 'r');
    try {
      const from = Math.max(sinceBytes, statSync(path).size - LOG_END_BYTES);
      const bytes = Buffer.alloc(LOG_END_BYTES);
      const text = bytes.toString('utf8', 0, readSync(fd, bytes, 0, LOG_END_BYTES, from));
      return text.trimEnd().split('\n').slice(-LOG_END_LINES).join('\n');
    } finally {
      closeSync(fd);
    }
  } catch {
    return ''; // there is none
  }
};

/** Bytes of all files in the folder. What goes meanwhile does not count. */
export const sizeOfFolder = (dir: string): number => {
  const sizeOf = (path: string): number => {
    try {
      return statSync(path).blocks * 512; // what it takes of the disk: Qdrant's files are mostly holes
    } catch {
      return 0;
    }
  };
  try {
    return readdirSync(dir, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, { parentPath, name }) => sum + sizeOf(join(parentPath, name)), 0);
  } catch {
    return 0; // never started
  }
};

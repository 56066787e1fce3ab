/**
 * Owns what a home keeps of the jobs it dispatched, under `run/queue/`: `outbox/<entity>.json` is in no queue yet,
 * `dispatched/<entity>.json` was put into one and is not over. They hold inputs as they were given, for the user's eyes
 * alone (0600).
 */
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../../failopen/make-folder.ts';
import { type QueuedJob, queuedJobSchema } from '../queue/work-queue.ts';

export type DispatchFolder = 'outbox' | 'dispatched';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

const dirOf = (runDir: string, folder: DispatchFolder): string => join(runDir, 'queue', folder);
const pathOf = (runDir: string, folder: DispatchFolder, entity: string): string =>
  join(dirOf(runDir, folder), `${entity}.json`);

/** Whole, or not there. @throws a system error */
export const writeDispatched = (runDir: string, folder: DispatchFolder, job: QueuedJob): void => {
  makeFolder(dirOf(runDir, folder), FOLDER_MODE);
  const path = pathOf(runDir, folder, job.entity);
  const temp = `${path}.${crypto.randomUUID()}`;
  try {
    writeFileSync(temp, `${JSON.stringify(job)}\n`, { mode: FILE_MODE });
    renameSync(temp, path);
  } finally {
    rmSync(temp, { force: true });
  }
};

/** From the outbox to those that are queued. @throws a system error */
export const moveToDispatched = (runDir: string, entity: string): void => {
  makeFolder(dirOf(runDir, 'dispatched'), FOLDER_MODE);
  renameSync(pathOf(runDir, 'outbox', entity), pathOf(runDir, 'dispatched', entity));
};

export const removeDispatched = (runDir: string, entity: string): void => {
  for (const folder of ['outbox', 'dispatched'] as const) rmSync(pathOf(runDir, folder, entity), { force: true });
};

/** `undefined`: it is not there, or of a later version. */
export const readDispatched = (runDir: string, folder: DispatchFolder, entity: string): QueuedJob | undefined => {
  try {
    return queuedJobSchema.safeParse(JSON.parse(readFileSync(pathOf(runDir, folder, entity), 'utf8'))).data;
  } catch {
    return undefined;
  }
};

/** Their entities; none where the folder cannot be read. */
export const listDispatched = (runDir: string, folder: DispatchFolder): readonly string[] => {
  try {
    return readdirSync(dirOf(runDir, folder)).flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -5)] : []));
  } catch {
    return []; // nothing was dispatched from here
  }
};

/** How long ago it was written; `undefined`: it is not there. */
export const ageOfDispatched = (runDir: string, folder: DispatchFolder, entity: string): number | undefined => {
  const stat = statSync(pathOf(runDir, folder, entity), { throwIfNoEntry: false });
  return stat && Date.now() - stat.mtimeMs;
};

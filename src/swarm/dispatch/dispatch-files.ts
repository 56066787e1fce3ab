/**
 * Owns what a home keeps of the jobs it dispatched, under `run/queue/`: `outbox/<entity>.json` is in no queue yet,
 * `dispatched/<entity>.json` was put into one and is not over. They hold inputs as they were given, for the user's eyes
 * alone (0600).
 */
import { existsSync, linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { makeFolder } from '../../failopen/make-folder.ts';
import { errnoOf } from '../../model/error.ts';
import { type QueuedJob, queuedJobSchema } from '../queue/work-queue.ts';
import { type FirstLine, firstLineSchema } from './first-line.ts';

export type DispatchFolder = 'outbox' | 'dispatched';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const HALF = /\.json\.[0-9a-f-]{36}$/;
const HALF_AFTER_MS = 60 * 60 * 1000;

const dirOf = (runDir: string, folder: DispatchFolder): string => join(runDir, 'queue', folder);
const pathOf = (runDir: string, folder: DispatchFolder, entity: string): string =>
  join(dirOf(runDir, folder), `${entity}.json`);

/** By way of a file beside it. @throws a system error */
const place = (path: string, order: object, how: (temp: string) => void): void => {
  makeFolder(dirname(path), FOLDER_MODE);
  const temp = `${path}.${crypto.randomUUID()}`;
  try {
    writeFileSync(temp, `${JSON.stringify(order)}\n`, { mode: FILE_MODE });
    how(temp);
  } finally {
    rmSync(temp, { force: true });
  }
};

/** Whole, or not there. @throws a system error */
export const writeDispatched = (runDir: string, folder: DispatchFolder, job: QueuedJob): void => {
  const path = pathOf(runDir, folder, job.entity);
  place(path, job, (temp) => renameSync(temp, path));
};

/** A new order, before its line is on the bus; of two with the same id one is first. @throws a system error */
export const tryAddToOutbox = (runDir: string, job: QueuedJob, line: FirstLine): 'added' | 'exists' => {
  const path = pathOf(runDir, 'outbox', job.entity);
  try {
    place(path, { ...job, line }, (temp) => linkSync(temp, path));
    return 'added';
  } catch (thrown) {
    if (errnoOf(thrown) === 'EEXIST') return 'exists';
    throw thrown;
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

const tryRead = <T>(path: string, schema: z.ZodType<T>): T | undefined => {
  try {
    return schema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
};

/** `undefined`: it is not there, or of a later version. */
export const readDispatched = (runDir: string, folder: DispatchFolder, entity: string): QueuedJob | undefined =>
  tryRead(pathOf(runDir, folder, entity), queuedJobSchema);

/** What the first line of its channel says; `undefined`: that was there before the order. */
export const readLineOfOutbox = (runDir: string, entity: string): FirstLine | undefined =>
  tryRead(pathOf(runDir, 'outbox', entity), z.object({ line: firstLineSchema }))?.line;

/** Their entities; none where the folder cannot be read. */
export const listDispatched = (runDir: string, folder: DispatchFolder): readonly string[] => {
  try {
    return readdirSync(dirOf(runDir, folder)).flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -5)] : []));
  } catch {
    return []; // nothing was dispatched from here
  }
};

/** What somebody left who was killed before a file had its name. Never throws. */
export const removeHalves = (runDir: string, folder: DispatchFolder): void => {
  const dir = dirOf(runDir, folder);
  bestEffortSync('dispatch.halves', () => {
    for (const name of existsSync(dir) ? readdirSync(dir) : []) {
      const path = join(dir, name);
      const { mtimeMs = Date.now() } = statSync(path, { throwIfNoEntry: false }) ?? {};
      if (HALF.test(name) && Date.now() - mtimeMs > HALF_AFTER_MS) rmSync(path, { force: true });
    }
  });
};

/** How long ago it was written; `undefined`: it is not there. */
export const ageOfDispatched = (runDir: string, folder: DispatchFolder, entity: string): number | undefined => {
  const stat = statSync(pathOf(runDir, folder, entity), { throwIfNoEntry: false });
  return stat && Date.now() - stat.mtimeMs;
};

/** Owns the files `run/pods/<session>.json`: how a record is written, read and removed. */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../failopen/make-folder.ts';
import { type PodRecord, podRecordSchema } from './pod-record.ts';

const DIR_MODE = 0o700;
const FILE_MODE = 0o600;
const ENDING = '.json';

const podsDir = (runDir: string): string => join(runDir, 'pods');

export const recordPath = (runDir: string, session: string): string => join(podsDir(runDir), `${session}${ENDING}`);

const textOf = (record: PodRecord): string => `${JSON.stringify(record)}\n`;

/** Replaces the file as a whole. @throws a system error; the pod goes on without (G1). */
export const writeRecord = (runDir: string, record: PodRecord): void => {
  makeFolder(podsDir(runDir), DIR_MODE);
  const path = recordPath(runDir, record.session);
  writeFileSync(`${path}.new`, textOf(record), { mode: FILE_MODE });
  renameSync(`${path}.new`, path);
};

/** The same without waiting for the disk. Rejects with a system error. */
export const writeRecordSoon = async (runDir: string, record: PodRecord, signal: AbortSignal): Promise<void> => {
  const path = recordPath(runDir, record.session);
  await writeFile(`${path}.tmp`, textOf(record), { mode: FILE_MODE, signal });
  if (!signal.aborted) await rename(`${path}.tmp`, path);
};

export const removeRecord = (runDir: string, session: string): void => {
  for (const ending of ['', '.tmp', '.new']) rmSync(`${recordPath(runDir, session)}${ending}`, { force: true });
};

const tryReadRecord = (path: string): PodRecord | undefined => {
  try {
    const parsed = podRecordSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined; // gone since the listing, or half written by a machine that lost its power
  }
};

/** The record of one session; `undefined`: there is none, or none that can be read. */
export const readRecord = (runDir: string, session: string): PodRecord | undefined =>
  tryReadRecord(recordPath(runDir, session));

/** All records that can be read, the oldest start first. */
export const readRecords = (runDir: string): readonly PodRecord[] => {
  let names: string[];
  try {
    names = readdirSync(podsDir(runDir));
  } catch {
    return []; // no pod has run here yet
  }
  const records = names.flatMap((name) =>
    name.endsWith(ENDING) ? (tryReadRecord(join(podsDir(runDir), name)) ?? []) : [],
  );
  return records.sort((a, b) => (a.started_at < b.started_at ? -1 : a.started_at > b.started_at ? 1 : 0));
};

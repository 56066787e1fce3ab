/**
 * Owns the records of workers, `run/workers/<session>.json`: who takes jobs in this home, and how each stands. Written by
 * the worker itself; that of one that died is removed by whoever sees it.
 */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../../failopen/make-folder.ts';
import { entityIdSchema, sessionIdSchema } from '../../model/id.ts';
import { podProcessSchema } from '../../pod/registry/pod-record.ts';
import { podLiveness, STALE_AFTER_MS } from '../../pod/registry/pod-status.ts';

export const WORKER_STATES = ['working', 'waiting', 'draining'] as const;
export type WorkerState = (typeof WORKER_STATES)[number];

export const workerRecordSchema = z.object({
  v: z.literal(1),
  session: sessionIdSchema,
  process: podProcessSchema,
  started_at: z.string(),
  capabilities: z.array(z.string()),
  concurrency: z.int(),
  /** What keeps the queue. */
  queue: z.enum(['redis', 'files']),
  state: z.enum(WORKER_STATES),
  /** Why it takes nothing now. */
  why: z.string().nullable(),
  /** What it sees to. */
  jobs: z.array(z.object({ entity: entityIdSchema, job: z.string(), since: z.string(), what: z.string() })),
  done: z.int(),
  failed: z.int(),
  /** ISO 8601, and CLOCK_MONOTONIC of the boot in milliseconds. */
  beat: z.object({ at: z.string(), mono_ms: z.number() }),
  log: z.string().nullable(),
});
export type WorkerRecord = z.infer<typeof workerRecordSchema>;

const DIR_MODE = 0o700;
const FILE_MODE = 0o600;
const ENDING = '.json';

const workersDir = (runDir: string): string => join(runDir, 'workers');
const pathOf = (runDir: string, session: string): string => join(workersDir(runDir), `${session}${ENDING}`);

/** @throws a system error */
export const writeWorkerRecord = (runDir: string, record: WorkerRecord): void => {
  makeFolder(workersDir(runDir), DIR_MODE);
  const path = pathOf(runDir, record.session);
  writeFileSync(`${path}.new`, `${JSON.stringify(record)}\n`, { mode: FILE_MODE });
  renameSync(`${path}.new`, path);
};

export const removeWorkerRecord = (runDir: string, session: string): void => {
  for (const ending of ['', '.new']) rmSync(`${pathOf(runDir, session)}${ending}`, { force: true });
};

const tryRead = (path: string): WorkerRecord | undefined => {
  try {
    const parsed = workerRecordSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined; // gone since the listing
  }
};

const namesIn = (runDir: string): readonly string[] => {
  try {
    return readdirSync(workersDir(runDir)).filter((name) => name.endsWith(ENDING));
  } catch {
    return []; // no worker has run here yet
  }
};

/** `stale`: it lives, as far as anybody can tell, and gives no sign of it. */
export type WorkerStatus = WorkerState | 'stale';

export const workerStatus = ({ beat, state, process: by }: WorkerRecord): WorkerStatus => {
  const silentMs =
    podLiveness(by) === 'elsewhere'
      ? Date.now() - Date.parse(beat.at)
      : Number(process.hrtime.bigint() / 1_000_000n) - beat.mono_ms;
  return silentMs < STALE_AFTER_MS ? state : 'stale';
};

/** The oldest first. Records of those that died are removed: their pods live on, and others see to their jobs. */
export const readWorkers = (runDir: string): readonly WorkerRecord[] => {
  const workers: WorkerRecord[] = [];
  for (const name of namesIn(runDir)) {
    const record = tryRead(join(workersDir(runDir), name));
    if (record === undefined) continue;
    if (podLiveness(record.process) === 'gone') removeWorkerRecord(runDir, record.session);
    else workers.push(record);
  }
  return workers.sort((a, b) => (a.started_at < b.started_at ? -1 : 1));
};

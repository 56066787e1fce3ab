/**
 * Owns the files of a queue without Redis, under `run/queue/`: `jobs/<entity>.json` waits or is with a worker,
 * `claims/<entity>.<n>` says who has it, `done/<entity>.json` is over.
 *
 * Q1. Each file appears whole, by a link to one that was written before; of two that make it one is first.
 * Q2. A claim is never removed while its job is there: who takes over a dead one makes the next number. So of two workers
 *     who find it dead one wins.
 */
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../../../failopen/make-folder.ts';
import { livenessOf, thisProcess } from '../../../failopen/process-identity.ts';
import { errnoOf } from '../../../model/error.ts';
import { queuedJobSchema } from '../work-queue.ts';

const fileJobSchema = z.object({
  job: queuedJobSchema,
  /** ISO 8601. */
  since: z.string(),
  not_before: z.string().nullable(),
  note: z.string().nullable(),
});
export type FileJob = z.infer<typeof fileJobSchema>;

const doneJobSchema = fileJobSchema.extend({ state: z.enum(['completed', 'failed']), worker: z.string() });
export type DoneJob = z.infer<typeof doneJobSchema>;

const claimSchema = z.object({
  worker: z.string(),
  since: z.string(),
  process: z.object({
    host: z.string(),
    bootId: z.string(),
    pid: z.int(),
    pidNamespace: z.string(),
    startTicks: z.string(),
  }),
  /** Given back. */
  is_free: z.boolean(),
});
export type FileClaim = z.infer<typeof claimSchema>;

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** A claim of another host or container, whose pids say nothing here, and that was not touched for so long. */
const SILENT_MS = 60_000;
/** G6: of what is over; the oldest go. */
const MAX_DONE = 1_000;

const tryRead = <T>(path: string, schema: z.ZodType<T>): T | undefined => {
  try {
    return schema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch {
    return undefined; // not there, or no JSON
  }
};

/** @throws a system error, but where the folder is not there */
const namesIn = (dir: string): readonly string[] => {
  try {
    return readdirSync(dir);
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return [];
    throw thrown;
  }
};

interface Cached {
  readonly stamp: string;
  readonly job: FileJob | undefined;
}

export class QueueFolder {
  readonly #dir: string;
  /** What was read of jobs, while their files are the same. */
  readonly #cache = new Map<string, Cached>();

  constructor(runDir: string) {
    this.#dir = join(runDir, 'queue');
  }

  /** All that are not over. @throws a system error */
  entities(): readonly string[] {
    return namesIn(join(this.#dir, 'jobs')).flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -5)] : []));
  }

  job(entity: string): FileJob | undefined {
    const path = this.#job(entity);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) {
      this.#cache.delete(entity);
      return undefined;
    }
    const stamp = `${stat.ino} ${stat.mtimeMs} ${stat.size}`;
    const known = this.#cache.get(entity);
    if (known?.stamp === stamp) return known.job;
    const job = tryRead(path, fileJobSchema);
    this.#cache.set(entity, { stamp, job });
    return job;
  }

  /** Q1. False: it is there. @throws a system error */
  tryAdd(job: FileJob): boolean {
    return this.#make(this.#job(job.job.entity), job);
  }

  /** In place of what stood there. @throws a system error */
  write(job: FileJob): void {
    const temp = this.#write(job);
    renameSync(temp, this.#job(job.job.entity));
  }

  remove(entity: string): void {
    rmSync(this.#job(entity), { force: true });
    this.#removeClaims(entity);
  }

  done(entity: string): DoneJob | undefined {
    return tryRead(join(this.#dir, 'done', `${entity}.json`), doneJobSchema);
  }

  /** @throws a system error */
  allDone(): readonly DoneJob[] {
    return namesIn(join(this.#dir, 'done')).flatMap((name) => this.done(name.slice(0, -5)) ?? []);
  }

  /** It is over: it leaves the queue. @throws a system error */
  writeDone(job: DoneJob): void {
    const { entity } = job.job;
    const temp = this.#write(job);
    makeFolder(join(this.#dir, 'done'), FOLDER_MODE);
    renameSync(temp, join(this.#dir, 'done', `${entity}.json`));
    this.remove(entity);
    this.#prune();
  }

  removeDone(entity: string): void {
    rmSync(join(this.#dir, 'done', `${entity}.json`), { force: true });
  }

  /** Who has which job, and by which number; also of claims that are dead or given back. @throws a system error */
  claims(): ReadonlyMap<string, number> {
    const latest = new Map<string, number>();
    for (const name of namesIn(join(this.#dir, 'claims'))) {
      const dot = name.lastIndexOf('.');
      const [entity, number] = [name.slice(0, dot), Number(name.slice(dot + 1))];
      if (number > (latest.get(entity) ?? 0)) latest.set(entity, number);
    }
    return latest;
  }

  claim(entity: string, number: number): FileClaim | undefined {
    return tryRead(this.#claim(entity, number), claimSchema);
  }

  /** Whether somebody has it: his process runs, or may run where nobody here can look. */
  isHeld(entity: string, number: number): boolean {
    const path = this.#claim(entity, number);
    const claim = this.claim(entity, number);
    if (claim === undefined || claim.is_free) return false;
    const liveness = livenessOf(claim.process);
    if (liveness !== 'elsewhere') return liveness === 'alive';
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat !== undefined && Date.now() - stat.mtimeMs < SILENT_MS;
  }

  /** Q2. `undefined`: another one was first. @throws a system error */
  tryClaim(entity: string, worker: string, number: number): FileClaim | undefined {
    const claim = { worker, since: new Date().toISOString(), process: thisProcess(), is_free: false };
    return this.#make(this.#claim(entity, number), claim) ? claim : undefined;
  }

  /** A sign of life, or that it is given back. @throws a system error */
  writeClaim(entity: string, number: number, claim: FileClaim): void {
    renameSync(this.#write(claim), this.#claim(entity, number));
  }

  #job(entity: string): string {
    return join(this.#dir, 'jobs', `${entity}.json`);
  }

  #claim(entity: string, number: number): string {
    return join(this.#dir, 'claims', `${entity}.${number}`);
  }

  #removeClaims(entity: string): void {
    for (const name of namesIn(join(this.#dir, 'claims')))
      if (name.slice(0, name.lastIndexOf('.')) === entity) rmSync(join(this.#dir, 'claims', name), { force: true });
  }

  #write(value: unknown): string {
    const dir = join(this.#dir, 'new');
    makeFolder(dir, FOLDER_MODE);
    const temp = join(dir, crypto.randomUUID());
    try {
      writeFileSync(temp, `${JSON.stringify(value)}\n`, { mode: FILE_MODE });
    } catch (thrown) {
      rmSync(temp, { force: true }); // a full disk keeps its half
      throw thrown;
    }
    return temp;
  }

  #make(path: string, value: unknown): boolean {
    const temp = this.#write(value);
    try {
      makeFolder(join(path, '..'), FOLDER_MODE);
      linkSync(temp, path);
      return true;
    } catch (thrown) {
      if (errnoOf(thrown) === 'EEXIST') return false;
      throw thrown;
    } finally {
      rmSync(temp, { force: true });
    }
  }

  #prune(): void {
    const dir = join(this.#dir, 'done');
    const names = namesIn(dir);
    if (names.length <= MAX_DONE) return;
    const aged = names.map((name) => ({
      name,
      ms: statSync(join(dir, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
    }));
    const oldest = aged.toSorted((a, b) => a.ms - b.ms).slice(0, names.length - MAX_DONE * 0.9);
    for (const { name } of oldest) rmSync(join(dir, name), { force: true });
  }
}

/**
 * Owns where jobs are: `<home>/config/jobs/`, then the jobs that nika ships, or any file that is named by its path.
 * A name found in the home hides the same name among the shipped ones.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { errnoOf, errorMessage, NikaError } from '../../model/error.ts';
import type { Home } from '../home.ts';
import type { Job } from './job.ts';
import type { JobOutcome } from './job-check.ts';
import { nearest } from '../yaml/nearest.ts';
import { packageRoot } from '../package-root.ts';

export type JobSource = 'home' | 'shipped' | 'path';

export interface JobFile {
  /** The file's name without its ending. */
  readonly name: string;
  /** Absolute. */
  readonly file: string;
  readonly source: JobSource;
}

export interface FoundJob extends JobFile {
  readonly job: Job;
}

export interface JobListing extends JobFile {
  /** The file that is used instead of this one: the same name further ahead. */
  readonly shadowedBy?: string;
  readonly outcome: JobOutcome;
}

/** In the order in which they are looked for. */
const ENDINGS: readonly string[] = ['.yaml', '.yml', '.json'];

interface JobFolder {
  readonly dir: string;
  readonly source: JobSource;
}

/** Where jobs are looked for by name, in order. */
const jobFolders = (home: Home): readonly JobFolder[] => {
  const own = join(home.configDir, 'jobs');
  const shipped = join(packageRoot(), 'config', 'jobs');
  const ofHome: JobFolder = { dir: own, source: 'home' };
  return own === shipped ? [ofHome] : [ofHome, { dir: shipped, source: 'shipped' }];
};

const isJobFile = (name: string): boolean => ENDINGS.includes(extname(name));
const nameOf = (file: string): string => basename(file, extname(file));

const filesIn = ({ dir, source }: JobFolder): readonly JobFile[] => {
  try {
    const names = readdirSync(dir).filter((name) => isJobFile(name) && !name.startsWith('.'));
    const order = (name: string): string => `${nameOf(name)}\0${ENDINGS.indexOf(extname(name))}`;
    const sorted = names.sort((a, b) => (order(a) < order(b) ? -1 : 1));
    return sorted.map((name) => ({ name: nameOf(name), file: join(dir, name), source }));
  } catch (thrown) {
    const errno = errnoOf(thrown);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return [];
    const message = `the folder of jobs cannot be read: ${dir} (${errno ?? errorMessage(thrown)})`;
    throw new NikaError('NIKA_JOB_NOT_FOUND', message, { subject: dir, cause: thrown });
  }
};

const filesOf = (home: Home): readonly JobFile[] => jobFolders(home).flatMap(filesIn);

const notFound = (home: Home, name: string): NikaError => {
  const near = nearest(name, [...new Set(filesOf(home).map((file) => file.name))]);
  const looked = jobFolders(home).map(({ dir }) => dir);
  const hint = near === undefined ? '.' : `; did you mean "${near}"?`;
  return new NikaError('NIKA_JOB_NOT_FOUND', `no job "${name}"${hint} Looked in ${looked.join(' and ')}.`, {
    subject: name,
  });
};

const isPath = (ref: string): boolean => ref.includes('/') || isJobFile(ref);

/**
 * The file of a job, by its name or by a path (anything with a `/` or an ending of job files).
 * @throws {NikaError} `NIKA_JOB_NOT_FOUND` with the name that was probably meant.
 */
export const locateJob = (home: Home, ref: string, cwd: string): JobFile => {
  if (isPath(ref)) {
    const file = resolve(cwd, ref);
    if (existsSync(file)) return { name: nameOf(file), file, source: 'path' };
    throw new NikaError('NIKA_JOB_NOT_FOUND', `there is no file ${file}`, { subject: file });
  }
  for (const { dir, source } of jobFolders(home)) {
    const file = ENDINGS.map((ending) => join(dir, ref + ending)).find((path) =>
      statSync(path, { throwIfNoEntry: false })?.isFile(),
    );
    if (file !== undefined) return { name: ref, file, source };
  }
  throw notFound(home, ref);
};

/** Reads and checks one file; never throws for what is in it. Files under `config/jobs` must bear their job's name. */
export const readJob = async ({ name, file, source }: JobFile): Promise<JobOutcome> => {
  const [{ readYaml }, { checkJob }] = await Promise.all([import('../yaml/yaml-file.ts'), import('./job-check.ts')]);
  const outcome = readYaml(file);
  if (!outcome.ok) return outcome;
  const isByName = source !== 'path' || dirname(file).endsWith(join('config', 'jobs'));
  return checkJob(outcome.yaml, isByName ? name : undefined);
};

/**
 * A job by its name or its path, read and checked.
 * @throws {NikaError} `NIKA_JOB_NOT_FOUND`, or `NIKA_JOB_INVALID` with all that is wrong, each by file, line and field.
 */
export const findJob = async (home: Home, ref: string, cwd: string): Promise<FoundJob> => {
  const file = locateJob(home, ref, cwd);
  const outcome = await readJob(file);
  if (outcome.ok) return { ...file, job: outcome.job };
  const { problemsError } = await import('../yaml/problem.ts');
  throw problemsError('NIKA_JOB_INVALID', outcome.problems);
};

/** All jobs of the home and of nika by name, broken and hidden ones too. */
export const listJobs = async (home: Home): Promise<readonly JobListing[]> => {
  const used = new Map<string, string>();
  const listings: JobListing[] = [];
  for (const file of filesOf(home)) {
    const shadowedBy = used.get(file.name);
    if (shadowedBy === undefined) used.set(file.name, file.file);
    listings.push({ ...file, ...(shadowedBy === undefined ? {} : { shadowedBy }), outcome: await readJob(file) });
  }
  return listings.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
};

/** Names of all jobs, unread: what a shell completes. @throws {NikaError} `NIKA_JOB_NOT_FOUND` */
export const listJobNames = (home: Home): readonly string[] => [...new Set(filesOf(home).map(({ name }) => name))];

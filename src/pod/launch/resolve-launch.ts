/** Owns the way from a launch spec to a pod that can be supervised: the job read and checked again where it runs. */
import { checkJob } from '../../config/job/job-check.ts';
import type { Job } from '../../config/job/job.ts';
import { findJob } from '../../config/job/job-files.ts';
import type { WorktreeOrder } from '../../config/job/worktree-field.ts';
import { orderedWorktree } from '../../config/job/worktree-order.ts';
import type { Home } from '../../config/home.ts';
import { problemsError } from '../../config/yaml/problem.ts';
import { parseYaml } from '../../config/yaml/yaml-file.ts';
import type { LaunchSpec } from './launch-spec.ts';
import type { GivenKey } from './own-pod.ts';

export interface ResolvedJob {
  readonly job: Job;
  readonly jobFile: string | undefined;
}

/** A job given as a value, checked like one of a file. @throws {NikaError} `NIKA_JOB_INVALID` */
export const inlineJob = (value: Readonly<Record<string, unknown>>): Job => {
  const read = parseYaml('(given)', JSON.stringify(value));
  const outcome = read.ok ? checkJob(read.yaml) : read;
  if (outcome.ok) return outcome.job;
  throw problemsError('NIKA_JOB_INVALID', outcome.problems);
};

/** A job, as the command line wants it. */
export const orderedJob = (job: Job, order: WorktreeOrder | undefined): Job =>
  order === undefined ? job : { ...job, worktree: orderedWorktree(job.worktree, order) };

/** @throws {NikaError} `NIKA_JOB_NOT_FOUND`, `NIKA_JOB_INVALID` */
export const resolveJob = async (home: Home, spec: LaunchSpec): Promise<ResolvedJob> => {
  if (spec.job.kind === 'inline') return { job: inlineJob(spec.job.job), jobFile: undefined };
  const { job, file } = await findJob(home, spec.job.file, spec.called_in);
  return { job: orderedJob(job, spec.worktree ?? undefined), jobFile: file };
};

/** What a job of the queue was given with. */
export const givenOf = ({ lease, standing, root, attempts }: Pick<LaunchSpec, GivenKey>) => ({
  lease: lease ?? undefined,
  standing: standing ?? undefined,
  root: root ?? undefined,
  attempts: attempts ?? undefined,
});

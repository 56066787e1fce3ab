/** Owns how a worker starts the pod of a job that it has taken. */
import { findJob } from '../../config/job/job-files.ts';
import { resolveInputs } from '../../config/job/job-inputs.ts';
import type { Job } from '../../config/job/job.ts';
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { NikaError } from '../../model/error.ts';
import type { HeldLease } from '../../model/held-lease.ts';
import { REASON_INPUT } from '../../model/rejection.ts';
import type { SessionId } from '../../model/id.ts';
import { startDetached } from '../../pod/launch/detach.ts';
import type { LaunchSpec } from '../../pod/launch/launch-spec.ts';
import { inlineJob } from '../../pod/launch/resolve-launch.ts';
import { planPod } from '../../pod/plan.ts';
import type { QueuedJob } from '../queue/work-queue.ts';
import type { JobStanding } from './job-standing.ts';

export interface StartPlace {
  readonly home: Home;
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where jobs run that do not say it themselves. Absolute. */
  readonly cwd: string;
}

export interface PreparedJob {
  readonly job: Job;
  readonly jobFile: string | undefined;
  readonly inputs: LaunchSpec['inputs'];
  /** Tries in all, with those of rounds before. */
  readonly attempts: number;
  readonly mayTakeMs: number;
}

export type Prepared =
  | { readonly kind: 'ready'; readonly prepared: PreparedJob }
  /** Nobody here can: another home may know the job. */
  | { readonly kind: 'unknown'; readonly why: string }
  /** Nobody can: an input is missing or wrong, a field of the job does not fit. */
  | { readonly kind: 'impossible'; readonly error: NikaError };

const definitionOf = async ({ job }: QueuedJob, { home, cwd }: StartPlace) => {
  if (job.kind === 'inline') return { job: inlineJob(job.job), jobFile: undefined };
  const { job: found, file } = await findJob(home, job.name, cwd);
  return { job: found, jobFile: file };
};

const isUnknownJob = (thrown: NikaError): boolean => thrown.code === 'NIKA_JOB_NOT_FOUND';

/** Everything that can be wrong with it is found here, before a pod is started. */
export const prepareJob = async (
  queued: QueuedJob,
  standing: QueuedJob['standing'],
  place: StartPlace,
): Promise<Prepared> => {
  const { home, settings, env, cwd } = place;
  try {
    const { job, jobFile } = await definitionOf(queued, place);
    const { rejected } = standing;
    const isAsked = rejected !== undefined && job.inputs[REASON_INPUT]?.type === 'string';
    const told = isAsked ? { ...queued.inputs, [REASON_INPUT]: rejected.reason } : queued.inputs;
    const given = Object.entries(told).map(([name, value]) => `${name}=${String(value)}`);
    const inputs = resolveInputs(job, given);
    const { entity: id, root } = queued;
    const parent = queued.parent ?? undefined;
    const wish = { home, settings, job, jobFile, inputs, parent, id, calledIn: cwd, env, resumes: true };
    const plan = await planPod({ ...wish, root });
    const attempts = queued.attempts ?? plan.mission.maxAttempts;
    const mayTakeMs = plan.worktree === undefined ? 0 : settings.worktrees.timeoutMs;
    return { kind: 'ready', prepared: { job, jobFile, inputs, attempts, mayTakeMs } };
  } catch (thrown) {
    if (!(thrown instanceof NikaError)) throw thrown;
    return isUnknownJob(thrown) ? { kind: 'unknown', why: thrown.message } : { kind: 'impossible', error: thrown };
  }
};

export type JobStart =
  | { readonly kind: 'started' }
  /** Not here, or not now. */
  | { readonly kind: 'later'; readonly why: string }
  | { readonly kind: 'impossible'; readonly error: NikaError };

/** What may pass, or be otherwise on another host. */
const MAY_PASS: ReadonlySet<string> = new Set([
  'NIKA_POD_LIMIT',
  'NIKA_POD_NOT_STARTED',
  'NIKA_ENTITY_EXISTS',
  'NIKA_BUS_UNREADABLE',
  'NIKA_MODEL_BAD_TRANSITION',
]);

export interface JobStartWish {
  readonly queued: QueuedJob;
  readonly prepared: PreparedJob;
  readonly standing: JobStanding;
  /** Chosen before: the lease is acquired for it. */
  readonly session: SessionId;
  readonly lease: HeldLease | null;
}

/** Starts the pod, in the background, and waits until it is there. Never rejects for what can be expected. */
export const startJob = async (wish: JobStartWish, place: StartPlace, signal: AbortSignal): Promise<JobStart> => {
  const { queued, prepared, standing, session, lease } = wish;
  const { home, env, cwd } = place;
  const { jobFile, inputs, attempts, mayTakeMs } = prepared;
  const { rejected } = standing.standing;
  const spec: LaunchSpec = {
    v: 1,
    session,
    job: queued.job.kind === 'inline' ? queued.job : { kind: 'file', file: jobFile ?? queued.name },
    worktree: null,
    inputs,
    parent: queued.parent,
    entity: queued.entity,
    resumes: true,
    called_in: cwd,
    tmux: null,
    may_wait: false,
    lease,
    standing: standing.standing,
    root: queued.root,
    attempts,
    ...(rejected === undefined ? {} : { rejected }),
  };
  try {
    await startDetached({ home, spec, env, mayTakeMs, signal });
    return { kind: 'started' };
  } catch (thrown) {
    if (!(thrown instanceof NikaError)) throw thrown;
    return MAY_PASS.has(thrown.code) ? { kind: 'later', why: thrown.message } : { kind: 'impossible', error: thrown };
  }
};

/** Owns what a program says of itself when it becomes a pod, and the job that this makes. */
import type { PodEvent } from '../pod-event.ts';

export interface PodOptions {
  /** What the job is called: letters, digits and `. _ -`. */
  readonly job: string;
  /** What it is about. */
  readonly domain: string;
  /** What it is for. */
  readonly intent: string;
  readonly description?: string;
  readonly role?: string;
  readonly tags?: readonly string[];
  /** `PROJ-…` it belongs to. */
  readonly project?: string;
  /**
   * What started it; default, where no `project` is named: the `JOB-…` or `TASK-…` of `NIKA_ENTITY_ID` in the environment,
   * if `NIKA_HOME` there is the same home and the entity is on its bus.
   */
  readonly parent?: string;
  /** `JOB-…`; default: one is made. */
  readonly id?: string;
  /** Default: as the command line finds it. */
  readonly home?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Such as `10m`: then the pod's `signal` is aborted and the pod fails (`timed_out`), also by `complete()`. */
  readonly timeout?: string;
  /** Told of every event of the pod. */
  readonly onEvent?: (event: PodEvent) => void;
  /** Default true: SIGINT, SIGTERM, SIGHUP and SIGQUIT end the pod with its story before they end the program. */
  readonly handleSignals?: boolean;
}

/** As a job file would say it. */
export const jobOf = ({ job, domain, intent, description, role, tags, project, timeout }: PodOptions) => ({
  name: job,
  description: description ?? `A program that calls itself ${job}.`,
  domain,
  intent,
  worktree: false, // the program runs already, where it is
  ...(role === undefined ? {} : { role }),
  ...(tags === undefined ? {} : { tags: [...tags] }),
  ...(project === undefined ? {} : { project }),
  ...(timeout === undefined ? {} : { timeout }),
});

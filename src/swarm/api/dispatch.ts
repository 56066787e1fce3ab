/** Owns `dispatch` of the library: a job for the swarm, and its end, wherever it ran. */
import { findJob } from '../../config/job/job-files.ts';
import { resolveInputs } from '../../config/job/job-inputs.ts';
import { resolveHome } from '../../config/home.ts';
import { parseDurationMs } from '../../config/quantity.ts';
import { loadSettings } from '../../config/settings.ts';
import { capabilitySchema, DEFAULT_CAPABILITY } from '../../model/dispatch.ts';
import { NikaError } from '../../model/error.ts';
import { parseEntityId } from '../../model/id.ts';
import { inheritedParent } from '../../pod/api/inherited-parent.ts';
import { dispatchJob } from '../dispatch/dispatch-job.ts';
import { type DispatchEnd, waitForDispatched } from '../dispatch/wait-for-dispatched.ts';

export interface DispatchOptions {
  /** Name of a job, or the path of a job file. */
  readonly job: string;
  readonly inputs?: Readonly<Record<string, string | number | boolean>>;
  /** `PROJ-…`, `JOB-…` or `TASK-…`; default: as for a pod of the library. */
  readonly parent?: string;
  /** `JOB-…`; default: one is made. */
  readonly id?: string;
  /** 9 first, 0 last; default 0. */
  readonly priority?: number;
  /** What a worker must offer; default `default`. */
  readonly capability?: string;
  /** It waits so long at least, such as `10m`. */
  readonly delay?: string;
  readonly deadline?: Date;
  /** Default: as the command line finds it. */
  readonly home?: string;
}

export interface DispatchedJob {
  readonly id: string;
  /** False: no queue took it; it waits in this home until a worker, Alpha or another dispatch of it brings it. */
  readonly isQueued: boolean;
  /** What could not be done, for people. */
  readonly troubles: readonly string[];
  /** Its end, wherever it runs. @throws the signal's reason */
  wait(signal?: AbortSignal): Promise<DispatchEnd>;
}

const notBeforeOf = (delay: string | undefined): number | undefined => {
  if (delay === undefined) return undefined;
  const ms = parseDurationMs(delay);
  if (ms !== undefined) return Date.now() + ms;
  throw new NikaError('NIKA_CLI_USAGE', `delay is a time such as 10m, not "${delay}"`, { subject: 'delay' });
};

const checked = ({ priority = 0, capability = DEFAULT_CAPABILITY }: DispatchOptions) => {
  if (!Number.isInteger(priority) || priority < 0 || priority > 9)
    throw new NikaError('NIKA_CLI_USAGE', `priority is 0 (last) to 9 (first), not ${priority}`, {
      subject: 'priority',
    });
  if (!capabilitySchema.safeParse(capability).success)
    throw new NikaError('NIKA_CLI_USAGE', `"${capability}" is no name of a capability`, { subject: 'capability' });
  return { priority, capability };
};

/**
 * Gives a job to the swarm. It is checked before anything is written.
 * @throws {NikaError} what is wrong with it; `NIKA_ENTITY_EXISTS`; `NIKA_DISPATCH_FAILED`
 */
export const dispatch = async (options: DispatchOptions): Promise<DispatchedJob> => {
  const { env } = process;
  const [calledIn, given] = [process.cwd(), checked(options)];
  const home = resolveHome({ flag: options.home, env, cwd: calledIn });
  const settings = loadSettings(home, env);
  const { job, file, source } = await findJob(home, options.job, calledIn);
  const inputs = resolveInputs(
    job,
    Object.entries(options.inputs ?? {}).map(([name, value]) => `${name}=${String(value)}`),
  );
  const dispatched = await dispatchJob({
    ...given,
    home,
    settings,
    env,
    job,
    jobFile: file,
    isByName: source !== 'path',
    inputs,
    parent: options.parent === undefined ? await inheritedParent(home, env) : parseEntityId(options.parent),
    id: options.id === undefined ? undefined : parseEntityId(options.id),
    calledIn,
    notBeforeMs: notBeforeOf(options.delay),
    deadlineMs: options.deadline?.getTime(),
  });
  const { id, kind, troubles } = dispatched;
  return {
    id,
    isQueued: kind === 'queued',
    troubles,
    wait: async (signal = new AbortController().signal) => {
      const end = await waitForDispatched({ home, settings, id, since: dispatched.job.dispatched_at }, signal);
      if (end !== undefined) return end;
      throw signal.reason;
    },
  };
};

/** Owns the dispatch of a follow-up: by the queue, as any other job that is dispatched. */
import { findJob } from '../../config/job/job-files.ts';
import { resolveInputs } from '../../config/job/job-inputs.ts';
import { NikaError } from '../../model/error.ts';
import { dispatchJob } from '../dispatch/dispatch-job.ts';
import { AFTER_INPUT, type DispatchFollowUp } from './autonomy.ts';

export const dispatchFollowUp: DispatchFollowUp = async (order, { home, settings, env }) => {
  const { id, capability, after } = order;
  const { job, file, source } = await findJob(home, order.job, home.dir);
  const isTold = job.inputs[AFTER_INPUT]?.type === 'string';
  const given = { ...order.inputs, ...(isTold ? { [AFTER_INPUT]: after } : {}) };
  const inputs = resolveInputs(
    job,
    Object.entries(given).map(([name, value]) => `${name}=${String(value)}`),
  );
  const wish = { home, settings, env, job, jobFile: file, isByName: source !== 'path', inputs, id, capability };
  const rest = { parent: undefined, calledIn: home.dir, priority: 0, notBeforeMs: undefined, deadlineMs: undefined };
  try {
    await dispatchJob({ ...wish, ...rest });
    return 'dispatched';
  } catch (thrown) {
    if (thrown instanceof NikaError && thrown.code === 'NIKA_ENTITY_EXISTS') return 'there';
    throw thrown;
  }
};

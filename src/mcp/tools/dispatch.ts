/** Owns the tool `dispatch`: a job for whichever worker of the swarm can do it, below the pod that the agent runs in. */
import { z } from 'zod';
import { parseDurationMs } from '../../config/quantity.ts';
import { CAPABILITY, DEFAULT_CAPABILITY } from '../../model/dispatch.ts';
import { createEntityId, entityTypeOf, parseEntityId } from '../../model/id.ts';
import { childEnv } from '../child-env.ts';
import { limitReached } from '../limit-reached.ts';
import { type Answer, createTool, refused, said, type ToolContext } from '../tool.ts';
import { jobInputs, jobName, ownId } from './input.ts';

const input = z.strictObject({
  job: jobName,
  inputs: jobInputs,
  capability: z
    .string()
    .regex(CAPABILITY, { error: 'must be a-z 0-9 . _ -' })
    .default(DEFAULT_CAPABILITY)
    .describe('What a worker must offer to be given it.'),
  priority: z.int().min(0).max(9).default(0).describe('9 first, 0 last.'),
  delay: z.string().max(20).optional().describe('It waits so long at least: 90s, 10m, 2h.'),
  id: ownId,
});
type Wish = z.output<typeof input>;

const give = async (wish: Wish, { caller, openPlace }: ToolContext): Promise<Answer> => {
  const { job: name, capability, priority, delay } = wish;
  const delayMs = delay === undefined ? undefined : parseDurationMs(delay);
  if (delay !== undefined && delayMs === undefined) return refused(`delay is a time such as 10m, not "${delay}"`);
  const id = wish.id === undefined ? createEntityId('JOB') : parseEntityId(wish.id);
  if (entityTypeOf(id) !== 'JOB') return refused(`${id} is no job`);
  const place = await openPlace();
  const limit = await limitReached(place, caller);
  if (limit !== undefined) return limit;
  const [{ findJob }, { resolveInputs }, { dispatchJob }] = await Promise.all([
    import('../../config/job/job-files.ts'),
    import('../../config/job/job-inputs.ts'),
    import('../../swarm/dispatch/dispatch-job.ts'),
  ]);
  const { home, settings, self: parent } = place;
  const { job, file: jobFile } = await findJob(home, name, caller.cwd);
  const given = Object.entries(wish.inputs).map(([key, value]) => `${key}=${String(value)}`);
  const dispatched = await dispatchJob({
    home,
    settings,
    env: childEnv(caller.env),
    job,
    jobFile,
    isByName: true,
    inputs: resolveInputs(job, given),
    parent,
    id,
    calledIn: caller.cwd,
    priority,
    capability,
    notBeforeMs: delayMs === undefined ? undefined : Date.now() + delayMs,
    deadlineMs: undefined,
  });
  caller.started.add(id);
  const { kind, troubles } = dispatched;
  const where =
    kind === 'queued'
      ? `${id} waits for a worker (${job.name}, capability ${capability}).`
      : `${id} waits in this home: the queue is away (${troubles.join('; ')}). It is brought when that is back.`;
  return said(`${where} It goes on without you; once a worker of this home has it, wait and result know it.`);
};

export const dispatch = createTool({
  name: 'dispatch',
  title: 'Give a job to the swarm',
  description:
    'Puts a job into the queue of the swarm, for whichever worker can do it, here or on another machine; gives its id. For work that need not run beside you now; else start_pod.',
  isReadOnly: false,
  input,
  call: (wish, context) => context.caller.inTurn(() => give(wish, context)),
});

/** Owns the tool `start_pod`: a job as a pod of its own, below the pod that the agent runs in. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { createEntityId, type EntityId, entityTypeOf, parseEntityId, sessionIdSchema } from '../../model/id.ts';
import type { Job } from '../../config/job/job.ts';
import type { LaunchSpec } from '../../pod/launch/launch-spec.ts';
import { OWN_POD } from '../../pod/launch/own-pod.ts';
import type { PodPlan } from '../../pod/plan.ts';
import type { Caller } from '../caller.ts';
import { childEnv } from '../child-env.ts';
import { limitReached } from '../limit-reached.ts';
import type { Place } from '../place.ts';
import { type Answer, createTool, refused, said, type ToolContext } from '../tool.ts';
import { jobInputs, jobName, ownId } from './input.ts';

const input = z.strictObject({
  job: jobName,
  inputs: jobInputs,
  cwd: z.string().min(1).max(4096).optional().describe('Folder it works in. Default: yours.'),
  worktree: z
    .boolean()
    .optional()
    .describe(
      'A git worktree and branch of its own. Default: as the job has it; where you have one and give no cwd, yes.',
    ),
  id: ownId,
  queue: z
    .boolean()
    .default(false)
    .describe('Where as many pods run on this machine as may: wait in line instead of being refused.'),
});
type Wish = z.output<typeof input>;

/** `undefined`: it is none. */
const tryFolder = (cwd: string, base: string): string | undefined => {
  const dir = resolve(base, cwd);
  return statSync(dir, { throwIfNoEntry: false })?.isDirectory() === true ? dir : undefined;
};

const idOf = ({ id }: Wish): EntityId => (id === undefined ? createEntityId('JOB') : parseEntityId(id));

/** `undefined`: it was given up. @throws {NikaError} why it was refused */
const tryStart = async <T>(starting: Promise<T>, caller: Caller, entity: EntityId): Promise<T | undefined> => {
  try {
    return await starting;
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'AbortError') return undefined;
    caller.started.delete(entity);
    throw thrown;
  }
};

/** Whoever names a folder says where it is to work. `undefined`: as the job has it. */
const worktreeOrder = ({ worktree, cwd }: Wish, job: Job): boolean | undefined =>
  worktree ?? (cwd !== undefined && job.worktree === undefined ? false : undefined);

const launch = async (wish: Wish, place: Place, calledIn: string, { caller, signal }: ToolContext): Promise<Answer> => {
  const [{ findJob }, { resolveInputs }, { planPod }, { startDetached }, { orderedJob }] = await Promise.all([
    import('../../config/job/job-files.ts'),
    import('../../config/job/job-inputs.ts'),
    import('../../pod/plan.ts'),
    import('../../pod/launch/detach.ts'),
    import('../../pod/launch/resolve-launch.ts'),
  ]);
  const { home, settings, self } = place;
  const env = childEnv(caller.env);
  const { job: found, file } = await findJob(home, wish.job, calledIn);
  const order = worktreeOrder(wish, found);
  const job = orderedJob(found, order);
  const inputs = resolveInputs(
    job,
    Object.entries(wish.inputs).map(([name, value]) => `${name}=${String(value)}`),
  );
  const entity = idOf(wish);
  const plan = await planPod({ home, settings, job, jobFile: file, inputs, parent: self, id: entity, calledIn, env });
  const spec: LaunchSpec = {
    v: 1,
    session: sessionIdSchema.parse(crypto.randomUUID()),
    job: { kind: 'file', file },
    worktree: order ?? null,
    inputs,
    parent: self ?? null,
    entity,
    resumes: false,
    called_in: calledIn,
    tmux: null,
    may_wait: wish.queue,
    ...OWN_POD,
  };
  const mayTakeMs = plan.worktree === undefined ? 0 : settings.worktrees.timeoutMs;
  caller.started.add(entity); // at once: whatever comes of the waiting, it may be there
  const answer = await tryStart(startDetached({ home, spec, env, mayTakeMs, signal }), caller, entity);
  if (answer === undefined) return refused(`start_pod was given up; ${entity} may have started all the same`);
  const next = `It goes on without you; wait with {"ids": ["${entity}"]} tells when it has ended.`;
  return answer.kind === 'queued'
    ? said(`${entity} is in line: ${answer.why}. ${next}`)
    : said(`${entity} has started: ${job.name} in ${placeText(plan, calledIn)}. ${next}`);
};

const placeText = ({ worktree }: PodPlan, calledIn: string): string =>
  worktree === undefined || worktree.kind === 'shared'
    ? calledIn
    : `a worktree of its own, ${worktree.cwd}, on the branch ${worktree.worktree.branch}`;

const start = async (wish: Wish, context: ToolContext): Promise<Answer> => {
  const { caller } = context;
  const calledIn = tryFolder(wish.cwd ?? '.', caller.cwd);
  if (calledIn === undefined) return refused(`there is no folder ${resolve(caller.cwd, wish.cwd ?? '.')}`);
  if (wish.id !== undefined && entityTypeOf(parseEntityId(wish.id)) !== 'JOB') return refused(`${wish.id} is no job`);
  const place = await context.openPlace();
  return (await limitReached(place, caller)) ?? launch(wish, place, calledIn, context);
};

export const startPod = createTool({
  name: 'start_pod',
  title: 'Start a pod',
  description:
    'Starts a job as a pod below yours, in the background; gives its id. For work that can go on beside yours, such as another agent. See jobs for names and inputs.',
  isReadOnly: false,
  input,
  call: (wish, context) => context.caller.inTurn(() => start(wish, context)),
});

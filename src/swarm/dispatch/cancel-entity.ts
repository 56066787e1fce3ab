/** Owns how a job that no worker had is closed: it becomes `cancelled` on the bus, and the feed tells of it. */
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { channelName } from '../../bus/layout.ts';
import { readFirstLine } from '../../bus/read/first-line.ts';
import { readEntity } from '../../bus/query/entities.ts';
import { isTerminal } from '../../model/entity.ts';
import { nikaMetaSchema } from '../../model/envelope.ts';
import type { QueuedJob } from '../queue/work-queue.ts';
import { SwarmSession } from '../session/swarm-session.ts';
import { forgetDispatched } from './dispatch-job.ts';

export interface CancelWish {
  readonly home: Home;
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly job: QueuedJob;
  readonly reason: string;
}

const lineageSchema = nikaMetaSchema.pick({
  job: true,
  domain: true,
  intent: true,
  role: true,
  agent: true,
  tags: true,
  root_id: true,
});

/** As its first line has it; of a job that was dispatched elsewhere, as far as the queue has it. */
const lineageOf = async (busDir: string, { entity, root, name }: QueuedJob) => {
  const line = await readFirstLine(busDir, channelName(entity)).catch(() => undefined);
  const parsed = lineageSchema.safeParse(line?.meta);
  return parsed.success ? parsed.data : { job: name, domain: 'unknown', intent: 'unknown', root_id: root };
};

/** Nothing where it is over already. */
export const cancelEntity = async ({ home, settings, env, job, reason }: CancelWish): Promise<void> => {
  const { entity: id, parent, standing } = job;
  const view = await readEntity(home.busDir, id).catch(() => undefined);
  const state = view?.state ?? standing.state;
  forgetDispatched(home.runDir, id);
  if (isTerminal(state)) return;
  await using session = SwarmSession.open({ home, settings, env, kind: 'command', job: 'nika-queue' });
  const known = { state, rev: view?.rev ?? standing.rev };
  const entity = session.entity(id, parent ?? undefined, await lineageOf(home.busDir, job), known);
  entity.transition('cancelled', 'job_cancelled', { reason });
};

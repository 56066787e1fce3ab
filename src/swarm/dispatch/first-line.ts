/**
 * Owns the first line of a job that was dispatched: what it says, and that whoever finds it missing can write it. Its
 * dispatcher may have been killed between the file in the outbox and the line.
 */
import { z } from 'zod';
import { channelName } from '../../bus/layout.ts';
import { readFirstLine } from '../../bus/read/first-line.ts';
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
import { dispatchSchema } from '../../model/dispatch.ts';
import { nikaMetaSchema } from '../../model/envelope.ts';
import type { EntityId } from '../../model/id.ts';
import { tryLockEntity } from '../../pod/claim-entity.ts';
import type { QueuedJob } from '../queue/work-queue.ts';
import { SwarmSession } from '../session/swarm-session.ts';

export const firstLineSchema = z.object({
  name: z.string(),
  description: z.string(),
  dispatch: dispatchSchema,
  lineage: nikaMetaSchema.pick({
    job: true,
    domain: true,
    intent: true,
    role: true,
    agent: true,
    tags: true,
    root_id: true,
  }),
});
export type FirstLine = z.infer<typeof firstLineSchema>;

export interface FirstLinePlace {
  readonly home: Home;
  readonly settings: Settings;
}

const LOCK_WITHIN_MS = 1_000;

/** On the bus of the session's home; its channel is there. */
export const writeFirstLine = (session: SwarmSession, { entity, parent }: QueuedJob, line: FirstLine): void => {
  const { lineage, ...data } = line;
  session
    .entity(entity, parent ?? undefined, lineage)
    .transition('created', 'entity_created', { ...data, dispatch: withoutUndefined(data.dispatch) });
};

const withoutUndefined = <T extends object>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** Held by a dispatcher until its line is written. `undefined`: somebody has it; a bus without locks has none (G1). */
export const lockDispatch = async (home: Home, id: EntityId): Promise<AsyncDisposable | undefined> => {
  const none = { [Symbol.asyncDispose]: () => Promise.resolve() };
  const locked = await bestEffort('dispatch.lock', { withinMs: LOCK_WITHIN_MS }, () => tryLockEntity(home, id));
  return locked.kind === 'done' ? locked.value : none;
};

/** `not now`: its dispatcher is at it, or the bus cannot be written. `other`: the id is that of something else. */
export type FirstLineStanding = 'there' | 'not now' | 'other';

/** Writes it where it is missing. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
export const ensureFirstLine = async (
  { home, settings }: FirstLinePlace,
  job: QueuedJob,
  line: FirstLine,
): Promise<FirstLineStanding> => {
  const standing = async (): Promise<FirstLineStanding | undefined> => {
    const there = await readFirstLine(home.busDir, channelName(job.entity));
    if (there === undefined) return undefined;
    return dispatchSchema.safeParse(there.data['dispatch']).success ? 'there' : 'other';
  };
  const known = await standing();
  if (known !== undefined) return known;
  await using lock = await lockDispatch(home, job.entity);
  if (lock === undefined) return 'not now';
  const now = await standing();
  if (now !== undefined) return now;
  await using session = SwarmSession.open({ home, settings, env: {}, kind: 'command', job: 'nika-dispatch' });
  session.session.bus.createChannel(job.entity);
  writeFirstLine(session, job, line);
  return session.session.bus.isFailing ? 'not now' : 'there';
};

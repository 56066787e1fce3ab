/** Owns the signals of who is no pod: a command, a person, an agent outside; with the copy in the channel of who is meant. */
import { channelName } from '../../bus/layout.ts';
import { readFirstLine } from '../../bus/read/first-line.ts';
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
import { nikaMetaSchema } from '../../model/envelope.ts';
import type { EntityId } from '../../model/id.ts';
import type { PodEntity } from '../entity.ts';
import type { Session } from '../session.ts';
import { SignalStation } from './signal-station.ts';

export interface OutsideOptions {
  readonly home: Home;
  readonly settings: Settings;
  /** Whose lines on the bus they are. */
  readonly session: Session;
  /** The JOB in whose name it speaks, where that is known. */
  readonly self: EntityId | undefined;
  readonly to: EntityId;
}

export interface Outside extends AsyncDisposable {
  readonly station: SignalStation;
  /** There is a channel of the JOB in this home, where its copies stand. */
  readonly isRecorded: boolean;
}

const READ_MS = 2_000;

/** The entity as the first line of its channel tells of it; `undefined`: it has none here. */
export const knownEntity = async (session: Session, busDir: string, id: EntityId): Promise<PodEntity | undefined> => {
  const read = await bestEffort('signals.channel', { withinMs: READ_MS }, () => readFirstLine(busDir, channelName(id)));
  const meta = nikaMetaSchema.safeParse(read.kind === 'done' ? read.value?.meta : undefined);
  if (!meta.success) return undefined;
  const { job, domain, intent, role, agent, tags, root_id, parent_id } = meta.data;
  const lineage = { job, domain, intent, role, agent, tags, root_id };
  const given = Object.fromEntries(Object.entries(lineage).filter(([, value]) => value !== undefined));
  return session.entity(id, parent_id, given as typeof lineage, { state: 'in_progress', rev: 0 });
};

export const openOutside = async ({ home, settings, session, self, to }: OutsideOptions): Promise<Outside> => {
  const owner = self === undefined ? undefined : await knownEntity(session, home.busDir, self);
  const entity = owner ?? (await knownEntity(session, home.busDir, to));
  const station = new SignalStation({
    redis: settings.redis,
    link: session.link,
    runDir: home.runDir,
    busDir: home.busDir,
    self,
    meta: undefined,
    record: (data) => entity?.record('signal', data),
  });
  return {
    station,
    isRecorded: entity !== undefined,
    [Symbol.asyncDispose]: () => station.close(false),
  };
};

/** Owns the line on the bus that tells of an outage of Qdrant that is over (G3, G9). */
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { SWARM_LINEAGE } from '../../model/envelope.ts';
import { createEntityId, sessionIdSchema } from '../../model/id.ts';
import type { MessageData } from '../../model/message.ts';
import { createBodyEncoder } from '../../recorder/body.ts';
import { Session } from '../session.ts';
import { resolveTrace } from '../trace.ts';

export interface OutagePlace {
  readonly home: Home;
  readonly settings: Settings;
}

/** In a session of its own: who brings things to memory has none. */
export const writeOutage = async ({ home, settings }: OutagePlace, outage: MessageData<'outage'>): Promise<void> => {
  const { maxBodyBytes, redact } = settings.recorder;
  await using session = new Session({
    home,
    settings,
    session: sessionIdSchema.parse(crypto.randomUUID()),
    trace: resolveTrace(undefined),
    attempt: 1,
    encoder: createBodyEncoder({ maxBodyBytes, patterns: redact }),
    listener: () => undefined,
  });
  const id = createEntityId('JOB');
  session.entity(id, undefined, { job: 'nika-memory', ...SWARM_LINEAGE, root_id: id }).record('outage', outage);
};

/**
 * Owns how Alpha says something of another one's entity or pod: a condition, on the bus of this home and on the feed.
 *
 * Y1. It stands in the channel of an entity that was dispatched from here, else in Alpha's own: what runs elsewhere gets no
 *     channel here.
 */
import { existsSync } from 'node:fs';
import { busPath, channelName } from '../../../bus/layout.ts';
import { type NikaMeta, nikaMetaSchema } from '../../../model/envelope.ts';
import { type EntityId, entityTypeOf, sessionIdSchema } from '../../../model/id.ts';
import type { MessageData } from '../../../model/message.ts';
import { PodEntity } from '../../../pod/entity.ts';
import type { AlphaContext } from '../duty.ts';

export interface Subject {
  readonly entity: EntityId;
  /** The pod that it is about; `undefined`: the entity itself. */
  readonly session: string | undefined;
  /** As far as its envelope is known. */
  readonly meta: Readonly<Record<string, unknown>>;
}

const metaOf = ({ swarm }: AlphaContext, { entity, session, meta }: Subject): NikaMeta => {
  const own = swarm.self.meta;
  const known = Object.fromEntries(Object.entries(meta).filter(([, value]) => value !== null && value !== ''));
  const fixed = { entity_id: entity, entity_type: entityTypeOf(entity) };
  const of = sessionIdSchema.safeParse(session).data ?? own.session_id;
  const whole = nikaMetaSchema.safeParse({ ...own, root_id: entity, ...known, ...fixed, session_id: of });
  return whole.success ? whole.data : { ...own, ...fixed, root_id: entity, session_id: of };
};

export const sayOf = (context: AlphaContext, subject: Subject, condition: MessageData<'condition'>): void => {
  const { swarm, home } = context;
  const isHere = existsSync(busPath(home.busDir, channelName(subject.entity)));
  const channel = isHere ? undefined : swarm.self.id; // Y1
  new PodEntity(metaOf(context, subject), swarm.session.recorder, undefined, channel).record('condition', condition);
};

/** Owns an entry of the feed as its readers see it: a transition of an entity, or a condition of a pod. Pure. */
import { isSignificant, TRANSITIONS } from '../../model/entity.ts';
import { type EntityId, entityIdSchema, type EntityType, entityTypeOf } from '../../model/id.ts';

export interface FeedChange {
  /** Of the event: the same on bus, feed and in memory. A reader sees each once. */
  readonly id: string;
  /** ISO 8601, UTC, by the clock of the host where it happened. */
  readonly ts: string;
  /** `created`, `started`, `review_requested`, `review_rejected`, `completed`, `failed`, `cancelled`, or a condition. */
  readonly event: string;
  readonly entity: EntityId;
  readonly entityType: EntityType;
  readonly session: string;
  /** The envelope (NIKA_META), as far as the entry has it. */
  readonly meta: Readonly<Record<string, unknown>>;
  /** That of the line on the bus; long values are cut (`{$cut, bytes, head}`, or a text that ends in `…`). */
  readonly data: Readonly<Record<string, unknown>>;
}

const objectIn = (json: string | undefined): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(json ?? '');
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
};

/** Fields of an entry → a change; `undefined`: it is none, whoever wrote it. */
export const parseFeedChange = (fields: Readonly<Record<string, string>>): FeedChange | undefined => {
  const { id, ts, event, session_id: session = '' } = fields;
  const entity = entityIdSchema.safeParse(fields['entity_id']);
  if (id === undefined || id === '' || ts === undefined || event === undefined || !entity.success) return undefined;
  const [meta, data] = [objectIn(fields['meta']), objectIn(fields['data'])];
  return { id, ts, event, entity: entity.data, entityType: entityTypeOf(entity.data), session, meta, data };
};

/** `completed`, `failed`, `cancelled`, and `created` of a root: what Alpha gets by default (design, section 4). */
export const isSignificantChange = ({ event, entity, meta }: FeedChange): boolean => {
  const transition = TRANSITIONS.find((one) => one.event === event);
  return transition !== undefined && isSignificant(transition, meta['root_id'] === entity);
};

/**
 * Owns which points of a batch stand (P2 of `../point.ts`): of an entity its first terminal one, and its `created` only
 * while there is none; of a session its first end. What came first to Qdrant is the first. Pure.
 */
import type { EntityState } from '../../model/entity.ts';
import type { MemoryPoint } from '../point.ts';

export const TERMINAL_EVENTS = ['completed', 'failed', 'cancelled'] as const satisfies readonly EntityState[];
export const CREATED_EVENT = 'created';

interface Named {
  readonly kind: string;
  readonly entity_id: string;
  readonly session_id: string;
}

/** Of what it is the last word; two of the same do not both stand. */
export const standingKey = ({ kind, entity_id: entity, session_id: session }: Named): string =>
  kind === 'session' ? `session ${session === '' ? entity : session}` : `entity ${entity}`;

const isLast = ({ payload: { kind, event } }: MemoryPoint): boolean =>
  kind === 'session' || TERMINAL_EVENTS.some((one) => one === event);

export interface Asked {
  /** Entities of which a terminal point may stand already. */
  readonly entities: readonly string[];
  readonly sessions: readonly string[];
}

/** Of what Qdrant must be asked before the batch is written. */
export const askedOf = (points: readonly MemoryPoint[]): Asked => {
  const isSession = ({ payload }: MemoryPoint): boolean => payload.kind === 'session';
  const sessions = points.filter(isSession).map(({ payload }) => payload.session_id);
  const entities = points.filter((point) => !isSession(point)).map(({ payload }) => payload.entity_id);
  return { entities: [...new Set(entities)], sessions: [...new Set(sessions)].filter((one) => one !== '') };
};

export interface Decided {
  readonly points: readonly MemoryPoint[];
  /** Their `created` stands no more, also where it was written before. */
  readonly over: readonly string[];
}

const withStanding = (point: MemoryPoint, standing: boolean): MemoryPoint =>
  point.payload.standing === standing ? point : { ...point, payload: { ...point.payload, standing } };

/** `there`: id of the point that stands in Qdrant, by its {@link standingKey}. */
export const decideStanding = (points: readonly MemoryPoint[], there: ReadonlyMap<string, string>): Decided => {
  const firsts = new Map(there);
  for (const point of points.filter(isLast)) {
    const key = standingKey(point.payload);
    if (!firsts.has(key)) firsts.set(key, point.id);
  }
  const decided = points.map((point) => {
    const first = firsts.get(standingKey(point.payload));
    return withStanding(point, isLast(point) ? first === point.id : first === undefined);
  });
  const ended = points.filter((point) => isLast(point) && point.payload.kind !== 'session');
  return { points: decided, over: [...new Set(ended.map(({ payload }) => payload.entity_id))] };
};

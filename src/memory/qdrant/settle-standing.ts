/**
 * Owns that of each entity one point stands (P2 of `../point.ts`) where several homes write into one collection: who looked
 * before the other one wrote found nothing. Each looks again behind its own writing; whoever comes last sees both, and all
 * who see them choose the same one: an end before a beginning, of several the smallest id, which is the earliest.
 */
import { z } from 'zod';
import type { LinkOutcome } from './link-failure.ts';
import { anyOf, isTrue, type QdrantFilter } from './qdrant-filter.ts';
import type { QdrantLink } from './qdrant-link.ts';
import { CREATED_EVENT } from './standing.ts';

const standsSchema = z.object({
  points: z.array(z.object({ id: z.string(), payload: z.object({ entity_id: z.string(), event: z.string() }) })),
});
type Stands = z.output<typeof standsSchema>['points'][number];

/** More of one only where more homes wrote at once. */
const POINTS_OF_ONE = 3;
const AT_ONCE = 500;
const NOTHING: LinkOutcome<undefined> = { kind: 'done', value: undefined };

const standingOf = (entities: readonly string[]): QdrantFilter => ({
  must: [isTrue('standing'), anyOf('entity_id', entities)],
  must_not: [anyOf('kind', ['session'])],
});

const inOrder = (a: Stands, b: Stands): number => {
  const [isBegunA, isBegunB] = [a, b].map(({ payload }) => payload.event === CREATED_EVENT);
  if (isBegunA !== isBegunB) return isBegunA === true ? 1 : -1;
  return a.id < b.id ? -1 : 1;
};

/** All but the one of each entity that stands. */
const losersOf = (points: readonly Stands[]): readonly string[] => {
  const seen = new Set<string>();
  return points.toSorted(inOrder).flatMap(({ id, payload: { entity_id: entity } }) => {
    if (!seen.has(entity)) {
      seen.add(entity);
      return [];
    }
    return [id];
  });
};

/** Those points stand no more; of an id that is not there nothing comes. */
export const clearPoints = async (
  link: QdrantLink,
  ids: readonly string[],
  withinMs: number,
  signal: AbortSignal,
): Promise<LinkOutcome<undefined>> => {
  if (ids.length === 0) return NOTHING;
  const filter: QdrantFilter = { must: [{ has_id: [...ids] }] };
  const operations = [{ set_payload: { payload: { standing: false }, filter } }];
  const given = { collection_name: link.collection, wait: true, operations };
  const terms = { schema: z.array(z.object({ status: z.string() })), withinMs };
  const outcome = await link.call((api, init) => api.batchUpdate(given, init), terms, signal);
  return outcome.kind === 'done' ? NOTHING : outcome;
};

const settleSome = async (
  link: QdrantLink,
  entities: readonly string[],
  withinMs: number,
  signal: AbortSignal,
): Promise<LinkOutcome<undefined>> => {
  const given = {
    collection_name: link.collection,
    filter: standingOf(entities),
    limit: POINTS_OF_ONE * entities.length,
    with_payload: ['entity_id', 'event'],
    with_vector: false,
  };
  const terms = { schema: standsSchema, withinMs };
  const outcome = await link.call((api, init) => api.scrollPoints(given, init), terms, signal);
  return outcome.kind === 'done' ? clearPoints(link, losersOf(outcome.value.points), withinMs, signal) : outcome;
};

/** Of entities of which one point each was written as standing: no more than so many are there, as a rule. */
export const settleEntities = async (
  link: QdrantLink,
  entities: readonly string[],
  withinMs: number,
  signal: AbortSignal,
): Promise<LinkOutcome<undefined>> => {
  if (entities.length === 0) return NOTHING;
  const given = { collection_name: link.collection, filter: standingOf(entities), exact: true };
  const terms = { schema: z.object({ count: z.number() }), withinMs };
  const counted = await link.call((api, init) => api.countPoints(given, init), terms, signal);
  if (counted.kind !== 'done') return counted;
  if (counted.value.count <= entities.length) return NOTHING;
  for (let at = 0; at < entities.length; at += AT_ONCE) {
    const settled = await settleSome(link, entities.slice(at, at + AT_ONCE), withinMs, signal);
    if (settled.kind !== 'done') return settled;
  }
  return NOTHING;
};

/** Owns which of the points that were found are shown: of each entity its best one (M2), the same each time. Pure. */
import { byScore } from '../by-score.ts';
import type { SearchHit } from '../memory-source.ts';

/** Of each entity its best point, the best first. */
export const bestByEntity = (found: readonly SearchHit[]): readonly SearchHit[] => {
  const seen = new Set<string>();
  return found.toSorted(byScore).filter(({ payload: { entity_id: entity } }) => {
    if (seen.has(entity)) return false;
    seen.add(entity);
    return true;
  });
};

/**
 * Whether more points, which score no better than the last of these, could change the first `limit` entities: where
 * there are too few, or a tie goes beyond what was found.
 */
export const mayChange = (found: readonly SearchHit[], limit: number): boolean => {
  const last = bestByEntity(found)[limit - 1];
  const lowest = Math.min(...found.map(({ score }) => score));
  return last === undefined || last.score <= lowest;
};

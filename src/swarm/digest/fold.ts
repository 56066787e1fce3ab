/**
 * Owns which jobs are told with the job above them, where that says as much in less: children that did what they should,
 * and those that failed with it.
 */
import type { DigestItem, Folded, Section } from './digest-item.ts';

const MAX_DEPTH = 64;
/** More pods that run are told with the one above them. */
const MANY_RUN = 10;

export interface FoldedItems {
  readonly items: readonly DigestItem[];
  readonly folded: Folded;
}

const isJob = (id: string | undefined): id is string => id?.startsWith('JOB-') === true;

/** The highest above it that is told of; `undefined`: none. */
const topOf = (item: DigestItem, byId: ReadonlyMap<string, DigestItem>): DigestItem | undefined => {
  let top: DigestItem | undefined;
  let at: DigestItem | undefined = item;
  for (let depth = 0; at !== undefined && depth < MAX_DEPTH; depth += 1) {
    if (at.parent === item.id) return undefined; // a circle: none is above the other
    at = isJob(at.parent) ? byId.get(at.parent) : undefined;
    top = at ?? top;
  }
  return top;
};

const mayFold = (item: DigestItem, top: DigestItem, runCount: number): boolean => {
  switch (item.section) {
    case 'finished':
      return true;
    case 'failed':
    case 'cancelled':
      return top.section === item.section || top.section === 'failed';
    case 'runs':
      return top.section === 'runs' && runCount > MANY_RUN;
    default:
      return false; // somebody must do something about that very job
  }
};

export const foldChildren = (items: readonly DigestItem[]): FoldedItems => {
  const byId = new Map(items.map((item) => [item.id, item]));
  const runCount = items.filter(({ section }) => section === 'runs').length;
  const folded = new Map<string, Map<Section, number>>();
  const kept = items.filter((item) => {
    const top = topOf(item, byId);
    if (top === undefined || !mayFold(item, top, runCount)) return true;
    const counts = folded.get(top.id) ?? new Map<Section, number>();
    folded.set(top.id, counts.set(item.section, (counts.get(item.section) ?? 0) + 1));
    return false;
  });
  return { items: kept, folded };
};

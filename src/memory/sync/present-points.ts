/** Owns which of some points Qdrant has. */
import type { MemoryPoint } from '../point.ts';
import type { PointStore, StoreOutcome } from '../point-store.ts';

export const done = <T>(value: T): StoreOutcome<T> => ({ kind: 'done', value });

/** Whether all are there. @throws the signal's reason */
export const areAllThere = async (
  store: Pick<PointStore, 'present'>,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<StoreOutcome<boolean>> => {
  if (ids.length === 0) return done(true);
  const found = await store.present(ids, signal);
  return found.kind === 'done' ? done(ids.every((id) => found.value.has(id))) : found;
};

/** Those that are not there. @throws the signal's reason */
export const missingOf = async (
  store: PointStore,
  points: readonly MemoryPoint[],
  signal: AbortSignal,
): Promise<StoreOutcome<readonly MemoryPoint[]>> => {
  if (points.length === 0) return done(points);
  const ids = points.map(({ id }) => id);
  const present = await store.present(ids, signal);
  if (present.kind === 'other-shape') return done(points); // one of the ids is none (M4 of `careful-writer.ts`)
  if (present.kind !== 'done') return present;
  return done(points.filter(({ id }) => !present.value.has(id)));
};

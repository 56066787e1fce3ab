/**
 * Owns who decides on a review, and on what.
 *
 * D1. Nobody judges his own work: a pod decides on pods below it, never on itself or on what is above it.
 */
import { hostname, userInfo } from 'node:os';
import type { Home } from '../../config/home.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { NikaError } from '../../model/error.ts';
import type { EntityId } from '../../model/id.ts';
import { namedParent } from '../../pod/api/inherited-parent.ts';
import { readLineage } from '../../pod/read-lineage.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface Reviewer {
  /** The pod that decides; `undefined`: a person, or a program outside of pods. */
  readonly pod: EntityId | undefined;
  /** As it stands on the bus. */
  readonly by: string;
}

const userName = (): string => bestEffortSync('review.user', () => userInfo().username) ?? 'somebody';

/** Whoever has this environment. */
export const resolveReviewer = (home: Home, env: Env): Reviewer => {
  const pod = namedParent(home, env);
  return { pod, by: pod ?? `${userName()}@${hostname()}` };
};

/** Whether the reviewer may decide on it (D1). */
export const mayDecide = async (busDir: string, { pod }: Reviewer, id: EntityId): Promise<boolean> =>
  pod === undefined || (pod !== id && (await readLineage(busDir, id)).includes(pod));

/** @throws {NikaError} `NIKA_REVIEW_OWN` (D1) */
export const refuseOwnWork = async (busDir: string, reviewer: Reviewer, id: EntityId): Promise<void> => {
  if (await mayDecide(busDir, reviewer, id)) return;
  const { pod } = reviewer;
  const why = pod === id ? `${id} cannot decide on its own work` : `${pod} cannot decide on ${id}: it is not below it`;
  throw new NikaError('NIKA_REVIEW_OWN', why, { subject: id });
};

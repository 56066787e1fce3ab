/** Owns the end of all processes of an attempt, before it says that it ended (P3). */
import { bestEffort } from '../failopen/best-effort.ts';
import type { PodEntity } from './entity.ts';
import type { Session } from './session.ts';
import type { PodTree } from './tree/pod-tree.ts';

/** What is left of a pod whose work is done gets so long to end. */
const LEFTOVER_GRACE_MS = 2_000;
const END_BUDGET_MS = 5_000;
const REMOVE_BUDGET_MS = 500;

export const endAttemptTree = async (
  tree: PodTree,
  wantedGraceMs: number,
  session: Session,
  entity: PodEntity,
): Promise<void> => {
  const graceMs = Math.min(wantedGraceMs, LEFTOVER_GRACE_MS);
  const ended = await bestEffort('pod.tree', { withinMs: graceMs + END_BUDGET_MS }, () => tree.end({ graceMs }));
  const left = ended.kind === 'done' ? ended.value : tree.members().length;
  if (left > 0) {
    entity.record('condition', { condition: 'pod_survivors', detail: `${left} processes of it could not be ended` });
    session.log.write('error', 'processes could not be ended', { count: left });
  }
  await bestEffort('pod.tree', { withinMs: REMOVE_BUDGET_MS }, () => tree.remove());
};

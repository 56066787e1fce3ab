/** Owns the removal of what a home keeps of working memory and contracts, once the time of its job is over. */
import { tryLock } from '../../bus/segments.ts';
import { HomeContracts } from '../../ipc/contracts/home-contracts.ts';
import { HomeMemory } from '../../ipc/working-memory/home-memory.ts';
import { ARTIFACT_KEPT_MS, CONTRACT_KEPT_MS } from '../../model/artifact.ts';
import type { EntityId } from '../../model/id.ts';
import { standingHere } from '../signals/home-way.ts';

/** Also right after this machine slept, what belongs to living pods stays. @throws a system error */
export const tidyMemory = async (runDir: string): Promise<void> => {
  const lives = (job: EntityId): boolean => standingHere(runDir, job).kind === 'living';
  await new HomeMemory({ runDir, tryLock }).tidy(ARTIFACT_KEPT_MS, lives);
  await new HomeContracts({ runDir, tryLock }).tidy(CONTRACT_KEPT_MS, lives);
};

/** Owns the removal of what a home keeps of working memory and contracts, once the time of its job is over. */
import { tryLock } from '../../bus/segments.ts';
import { HomeContracts } from '../../ipc/contracts/home-contracts.ts';
import { HomeMemory } from '../../ipc/working-memory/home-memory.ts';
import { ARTIFACT_KEPT_MS, CONTRACT_KEPT_MS } from '../../model/artifact.ts';

/** @throws a system error */
export const tidyMemory = async (runDir: string): Promise<void> => {
  await new HomeMemory({ runDir, tryLock }).tidy(ARTIFACT_KEPT_MS);
  await new HomeContracts({ runDir, tryLock }).tidy(CONTRACT_KEPT_MS);
};

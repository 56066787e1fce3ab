/** Owns the removal of what a home keeps of working memory, once the time of its job is over. */
import { tryLock } from '../../bus/segments.ts';
import { HomeMemory } from '../../ipc/working-memory/home-memory.ts';
import { ARTIFACT_KEPT_MS } from '../../model/artifact.ts';

/** @throws a system error */
export const tidyMemory = async (runDir: string): Promise<void> => {
  await new HomeMemory({ runDir, tryLock }).tidy(ARTIFACT_KEPT_MS);
};

/** Owns the bringing to Redis of what this home has of working memory and contracts of jobs whose pods are gone (G4). */
import { tryLock } from '../../bus/segments.ts';
import { bringAllContracts } from '../../ipc/contracts/contracts.ts';
import { HomeContracts } from '../../ipc/contracts/home-contracts.ts';
import { bringAllMemory } from '../../ipc/working-memory/bring-memory.ts';
import { HomeMemory } from '../../ipc/working-memory/home-memory.ts';
import { ARTIFACT_KEPT_MS, CONTRACT_KEPT_MS } from '../../model/artifact.ts';
import type { Keys } from '../../redis/keys.ts';
import type { Link } from '../../redis/link.ts';

export interface LeftPlace {
  readonly link: Link;
  readonly keys: Keys;
  readonly runDir: string;
  readonly signal: AbortSignal;
}

/** Never rejects: what is not brought now is left for the next one. */
export const bringLeft = async ({ link, keys, runDir, signal }: LeftPlace): Promise<void> => {
  await bringAllMemory({ link, keys, home: new HomeMemory({ runDir, tryLock }), signal }, ARTIFACT_KEPT_MS);
  const way = (): Promise<{ kind: 'link'; link: Link; keys: Keys }> => Promise.resolve({ kind: 'link', link, keys });
  await bringAllContracts({ way, home: new HomeContracts({ runDir, tryLock }) }, CONTRACT_KEPT_MS);
};

/** Owns `nika memory migrate` but for what it says: nobody of this home writes to Qdrant meanwhile. */
import { existsSync, mkdirSync } from 'node:fs';
import { absentQdrant } from '../../config/services/absent-qdrant.ts';
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import type { StoreOutcome } from '../../memory/point-store.ts';
import { migrateMemory, type Migration } from '../../memory/qdrant/migrate.ts';
import { takeMemoryLock } from './memory-lock.ts';
import { startMemoryWriter } from './start-memory-writer.ts';

export interface MigrateHomeOptions {
  readonly home: Home;
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onProgress: (doneCount: number, allCount: number) => void;
  /** Another process of the home writes there, and is waited for. */
  readonly onWait: () => void;
}

export type MigrateOutcome = StoreOutcome<Migration> | { readonly kind: 'off'; readonly why: string };

/** @throws the signal's reason; a system error */
export const migrateHomeMemory = async (
  { home, settings, env, onProgress, onWait }: MigrateHomeOptions,
  signal: AbortSignal,
): Promise<MigrateOutcome> => {
  const target = settings.qdrant;
  if (target.kind === 'off') return { kind: 'off', why: absentQdrant(home.runDir).why };
  if (!existsSync(home.busDir)) mkdirSync(home.busDir, { recursive: true, mode: 0o700 }); // the lock is named by it
  const { embeddings: dense } = settings.memory;
  let outcome: StoreOutcome<Migration>;
  {
    await using _lock = await takeMemoryLock(home, onWait, signal);
    outcome = await migrateMemory({ target, onProgress, ...(dense === undefined ? {} : { dense }) }, signal);
  }
  if (outcome.kind === 'done') await startMemoryWriter(home, env); // dense vectors, and what came meanwhile
  return outcome;
};

/** Owns what the bringing of a bus to Qdrant is given, and what comes of it. */
import type { PointStore, StoreFailure } from '../point-store.ts';
import type { KeepMs } from './retention.ts';
import type { SyncCounts } from './sync-counts.ts';

export interface MemorySyncOptions {
  readonly store: PointStore;
  readonly busDir: string;
  readonly runDir: string;
  /** {@link memoryTargetName} */
  readonly target: string;
  /** How long each kind is kept in Qdrant; missing: for ever. */
  readonly keepMs: KeepMs;
  readonly onProgress?: (counts: SyncCounts) => void;
  /** Told of each point that Qdrant does not take. */
  readonly onRefused?: (id: string, why: string) => void;
  readonly signal: AbortSignal;
}

export type Caught = { readonly kind: 'done'; readonly isFull: boolean; readonly writtenCount: number } | StoreFailure;

/** Owns what a sync of memory is given, what it counts, and what comes of it. */
import type { PointStore, StoreFailure } from '../point-store.ts';
import type { KeepMs } from './retention.ts';

export interface SyncCounts {
  /** Points that were looked at, and of them those that were written. */
  readonly comparedCount: number;
  readonly writtenCount: number;
  /** Those that Qdrant does not take. */
  readonly refusedCount: number;
  /** Of the bus, on disk. */
  readonly readBytes: number;
  readonly totalBytes: number;
}

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

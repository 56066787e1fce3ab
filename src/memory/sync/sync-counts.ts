/** Owns what is told of bringing a bus to Qdrant while it goes on. */

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

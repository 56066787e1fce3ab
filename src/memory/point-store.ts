/**
 * Owns what the memory writer asks of Qdrant. Every failure is a value: nothing here throws but with the signal's reason.
 *
 * S1. A repeat is harmless: what was applied although its answer was lost is written once (ids are the events').
 */
import type { MemoryPoint } from './point.ts';

export type StoreFailure =
  /** Not reachable, hung, out of room, or answering with errors of its own: later it may go. */
  | { readonly kind: 'away'; readonly why: string }
  /** It asks for a key, or for another one. */
  | { readonly kind: 'refused'; readonly why: string }
  /** The collection is there and of another shape, or of another version of nika: never changed, never removed. */
  | { readonly kind: 'other-shape'; readonly why: string };

export type StoreOutcome<T> = { readonly kind: 'done'; readonly value: T } | StoreFailure;

export interface PointStore extends AsyncDisposable {
  /** The collection with its vectors and payload indexes is there; made where it was not. `made`: it was not. */
  prepare(signal: AbortSignal): Promise<StoreOutcome<'there' | 'made'>>;
  /**
   * Writes them, with their vectors, and sees to `standing` (P2 of `point.ts`), also against what is there already. Of a
   * batch of up to some hundreds; the order in it is that of the bus. Sparse vectors alone: {@link completeDense} does the
   * rest. A collection that is gone is `away`; the next {@link prepare} makes it, and says so.
   */
  write(points: readonly MemoryPoint[], signal: AbortSignal): Promise<StoreOutcome<undefined>>;
  /**
   * The same for a collection into which nobody else writes terminal lines of these entities, and the caller has cleared
   * `standing` itself: nothing is looked up. `isLast`: it waits until all is applied.
   */
  writeFresh(points: readonly MemoryPoint[], isLast: boolean, signal: AbortSignal): Promise<StoreOutcome<undefined>>;
  /** Those points stand no more; of an id that is not there nothing comes. */
  clearStanding(ids: readonly string[], signal: AbortSignal): Promise<StoreOutcome<undefined>>;
  /** Of those entities, of which one point each was written as standing, one stands: another home may have written as well. */
  clearOthers(entities: readonly string[], signal: AbortSignal): Promise<StoreOutcome<undefined>>;
  /** Of those ids the ones that are there. */
  present(ids: readonly string[], signal: AbortSignal): Promise<StoreOutcome<ReadonlySet<string>>>;
  remove(ids: readonly string[], signal: AbortSignal): Promise<StoreOutcome<undefined>>;
  /** Retention: of that kind, with a time before. How many there were. */
  removeBefore(kind: string, beforeMs: number, signal: AbortSignal): Promise<StoreOutcome<number>>;
  /** Of points whose dense vector is missing, where one is configured: makes it. How many were completed; 0: none is missing. */
  completeDense(limit: number, signal: AbortSignal): Promise<StoreOutcome<number>>;
}

/** Owns what a source rejects with that cannot answer now: the other one is asked instead. */
import type { StoreFailure } from './point-store.ts';

export class SourceAway extends Error {
  readonly failure: StoreFailure;
  /** It is there, and only the collection is not: whoever brings something makes it. */
  readonly isUnmade: boolean;

  constructor(failure: StoreFailure, isUnmade = false) {
    super(failure.why);
    this.name = 'SourceAway';
    this.failure = failure;
    this.isUnmade = isUnmade;
  }
}

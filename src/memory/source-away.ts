/** Owns what a source rejects with that cannot answer now: the other one is asked instead. */
import type { StoreFailure } from './point-store.ts';

export class SourceAway extends Error {
  readonly failure: StoreFailure;

  constructor(failure: StoreFailure) {
    super(failure.why);
    this.name = 'SourceAway';
    this.failure = failure;
  }
}

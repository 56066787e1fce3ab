/** Owns the call of a handler: its outcome as a value, given up a moment after the reader is stopped. */
import { errorMessage } from '../../../model/error.ts';
import type { FeedChange } from '../feed-change.ts';
import type { FeedReaderOptions } from './feed-reader.ts';

export type HandOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'held' }
  | { readonly kind: 'failed'; readonly why: string }
  /** It was told to stop, and has not finished: the change is given again after a restart. */
  | { readonly kind: 'stopped' };

/** What a handler is left to finish in, once it was told to stop. */
const GRACE_MS = 600;

export class Handing {
  readonly #handle: FeedReaderOptions['handle'];
  readonly #signal: AbortSignal;
  #giveUp: (() => void) | undefined;

  constructor(handle: FeedReaderOptions['handle'], signal: AbortSignal) {
    this.#handle = handle;
    this.#signal = signal;
    signal.addEventListener('abort', () => setTimeout(() => this.#giveUp?.(), GRACE_MS).unref(), { once: true });
  }

  /** Never rejects. One listener for all calls: a race with the signal would leave something of each call at it. */
  async give(change: FeedChange): Promise<HandOutcome> {
    const { promise, resolve } = Promise.withResolvers<HandOutcome>();
    this.#giveUp = () => resolve({ kind: 'stopped' });
    this.#call(change).then(resolve, () => resolve({ kind: 'stopped' }));
    const outcome = await promise;
    this.#giveUp = undefined;
    return outcome;
  }

  async #call(change: FeedChange): Promise<HandOutcome> {
    try {
      const handled = await this.#handle(change, this.#signal);
      return { kind: handled === 'held' ? 'held' : 'done' };
    } catch (thrown) {
      return this.#signal.aborted ? { kind: 'stopped' } : { kind: 'failed', why: errorMessage(thrown) };
    }
  }
}

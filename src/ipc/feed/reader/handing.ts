/** Owns the call of a handler: its outcome as a value. */
import { errorMessage } from '../../../model/error.ts';
import type { FeedChange } from '../feed-change.ts';
import type { FeedReaderOptions } from './feed-reader.ts';

export type HandOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'held' }
  | { readonly kind: 'failed'; readonly why: string }
  /** It was told to stop, and has not finished: the change is given again after a restart. */
  | { readonly kind: 'stopped' };

const DONE: HandOutcome = { kind: 'done' };
const HELD: HandOutcome = { kind: 'held' };
const STOPPED: HandOutcome = { kind: 'stopped' };

/** Never rejects. */
export const tryHand = async (
  handle: FeedReaderOptions['handle'],
  change: FeedChange,
  signal: AbortSignal,
): Promise<HandOutcome> => {
  try {
    return (await handle(change, signal)) === 'held' ? HELD : DONE;
  } catch (thrown) {
    return signal.aborted ? STOPPED : { kind: 'failed', why: errorMessage(thrown) };
  }
};

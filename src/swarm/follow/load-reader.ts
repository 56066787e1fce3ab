/** Owns the loading of the reader of the feed: only who follows a Redis needs it. */
import type { StartFeedReader } from '../../ipc/feed/reader/feed-reader.ts';

const never: StartFeedReader = ({ signal, onStatus }) => {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  const status = { kind: 'away', sinceAtMs: Date.now(), why: 'no reader' } as const;
  queueMicrotask(() => onStatus?.(status));
  const counts = { handledCount: 0, repeatedCount: 0, deadCount: 0, takenOverCount: 0 };
  return { status, counts, ended, [Symbol.asyncDispose]: () => ended };
};

export const loadReader = async (): Promise<StartFeedReader> => Promise.resolve(never);

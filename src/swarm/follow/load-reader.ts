/** Owns the loading of the reader of the feed: only who follows a Redis needs it. */
import type { StartFeedReader } from '../../ipc/feed/reader/feed-reader.ts';

export const loadReader = async (): Promise<StartFeedReader> =>
  (await import('../../ipc/feed/reader/group-reader.ts')).startFeedReader;

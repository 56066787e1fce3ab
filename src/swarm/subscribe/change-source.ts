/** Owns where changes of the swarm come from, for who follows it: the feed, or the bus of this home. Interface. */
import type { FeedChange } from '../../ipc/feed/feed-change.ts';
import type { Handled } from '../../ipc/feed/reader/feed-reader.ts';

export type ChangeOrigin =
  | 'feed'
  /** Of this home alone: Redis is away, or there is none. */
  | 'bus';

export interface SourceOptions {
  /** One at a time, in order per entity, each once. Done when it resolves; `held`: until {@link ChangeSource.acknowledge}. */
  readonly handle: (change: FeedChange, origin: ChangeOrigin) => Promise<Handled>;
  /** Ends it within a second. */
  readonly signal: AbortSignal;
}

export interface ChangeSource {
  /** Never rejects. */
  readonly ended: Promise<void>;
  acknowledge(eventId: string): void;
}

export type StartSource = (options: SourceOptions) => ChangeSource;

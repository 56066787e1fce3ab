/**
 * Owns what a reader of the feed is: entries of a consumer group, in order, each handled once as far as one can tell.
 * (Interface first: the parts that follow the swarm are written against it.)
 */
import type { RedisTarget } from '../../../config/redis/redis-settings.ts';
import type { FeedChange } from '../feed-change.ts';

/** Groups on `nika:feed:entities` (seed: consumer groups). */
export const FEED_GROUPS = ['orchestrator', 'worker', 'monitor'] as const;
export type FeedGroup = (typeof FEED_GROUPS)[number];
/** As Redis has it; others are possible for programs of users. */
export const groupName = (group: string): string => `cg:${group}`;

export type ReaderStatus =
  | { readonly kind: 'connecting' }
  /** Entries are read; `isCaughtUp`: what was there is handled. */
  | { readonly kind: 'reading'; readonly isCaughtUp: boolean }
  /** Redis cannot be used; tried again for ever. */
  | { readonly kind: 'away'; readonly sinceAtMs: number; readonly why: string }
  | { readonly kind: 'stopped' };

export interface FeedReaderOptions {
  readonly target: RedisTarget;
  readonly group: FeedGroup | (string & {});
  /** Who reads, the same after a restart: what it had taken and not acknowledged is given to it again. */
  readonly consumer: string;
  /**
   * In the order of the feed, one at a time. Acknowledged once it resolves; where it rejects, it is given again after a
   * pause, and after {@link deliveries} times goes to `nika:feed:dead`.
   */
  readonly handle: (change: FeedChange, signal: AbortSignal) => Promise<void>;
  /** Where ids that were handled are remembered across restarts; `undefined`: in memory alone. */
  readonly seenFile?: string;
  /** Default 5. */
  readonly deliveries?: number;
  /** What a consumer has held for so long without a sign of life is taken over. Default 30 s. */
  readonly minIdleMs?: number;
  readonly only?: 'significant' | 'all';
  readonly onStatus?: (status: ReaderStatus) => void;
  /** Ends it within a second. */
  readonly signal: AbortSignal;
}

export interface FeedReader extends AsyncDisposable {
  readonly status: ReaderStatus;
  readonly counts: {
    readonly handledCount: number;
    /** Seen before, and passed over. */
    readonly repeatedCount: number;
    readonly deadCount: number;
    /** Taken over from a consumer that is gone. */
    readonly takenOverCount: number;
  };
  /** Resolves when it has stopped. Never rejects. */
  readonly ended: Promise<void>;
}

export type StartFeedReader = (options: FeedReaderOptions) => FeedReader;

/** Owns what a reader of the feed is: entries of a consumer group, in order, each handled once as far as one can tell. */
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

/**
 * Nothing: it is done, and acknowledged. `held`: it is not done yet, and the next may come; it stays this consumer's until
 * {@link FeedReader.acknowledge}. Whoever stops before that is given it again after a restart.
 */
// oxlint-disable-next-line typescript/no-invalid-void-type -- a handler that returns nothing is the ordinary one
export type Handled = void | 'held';

export interface FeedReaderOptions {
  readonly target: RedisTarget;
  readonly group: FeedGroup | (string & {});
  /** Who reads, the same after a restart: what it had taken and not acknowledged is given to it again. */
  readonly consumer: string;
  /**
   * In the order of the feed, one at a time. Acknowledged once it resolves; where it rejects, it is given again after a
   * pause, and after {@link deliveries} times goes to `nika:feed:dead`.
   */
  readonly handle: (change: FeedChange, signal: AbortSignal) => Promise<Handled>;
  /** Where ids that were handled are remembered across restarts; `undefined`: in memory alone. All of a group may share it. */
  readonly seenFile?: string;
  /** Default 5. */
  readonly deliveries?: number;
  /** What a consumer has held for so long without a sign of life is taken over. Default 30 s. */
  readonly minIdleMs?: number;
  readonly only?: 'significant' | 'all';
  readonly onStatus?: (status: ReaderStatus) => void;
  /** It went to `nika:feed:dead`. */
  readonly onDead?: (change: FeedChange, why: string) => void;
  /** Ends it within a second. */
  readonly signal: AbortSignal;
}

export interface ReaderCounts {
  readonly handledCount: number;
  /** Seen before, and passed over. */
  readonly repeatedCount: number;
  /** How often a handler rejected. */
  readonly failedCount: number;
  readonly deadCount: number;
  /** Taken over from a consumer that is gone. */
  readonly takenOverCount: number;
  /** Taken, and gone from the feed before they were handled. */
  readonly trimmedCount: number;
  /** What somebody put there that is no change; passed over. */
  readonly unreadableCount: number;
}

export interface FeedReader extends AsyncDisposable {
  readonly status: ReaderStatus;
  readonly counts: ReaderCounts;
  /** Resolves when it has stopped. Never rejects. */
  readonly ended: Promise<void>;
  /** One that was `held` is done; of another, or twice, it does nothing. */
  acknowledge(eventId: string): void;
}

export type StartFeedReader = (options: FeedReaderOptions) => FeedReader;

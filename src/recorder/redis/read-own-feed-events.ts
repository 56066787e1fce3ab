/** Owns the reading back from the bus of what a session has to say on the feed (G4). */
import type { SessionId } from '../../model/id.ts';
import { KEY_KINDS } from '../../redis/keys.ts';
import type { FeedEvent } from '../../redis/scripts/publish.lua.ts';
import { readFeedLines } from '../reconcile/feed-lines.ts';

export interface OwnFeedEvents {
  readonly busDir: string;
  readonly session: SessionId;
  /** Nothing with a lesser id. */
  readonly sinceId: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * In the order of the alpha bus; none older than the feed keeps.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`
 */
export async function* readOwnFeedEvents(options: OwnFeedEvents): AsyncGenerator<FeedEvent> {
  const { busDir, session, sinceId = '', signal } = options;
  const sinceMs = Date.now() - KEY_KINDS.feed.cap.maxAgeMs;
  const mark = `"session_id":"${session}"`;
  for await (const piece of readFeedLines({ busDir, sinceMs, mark, signal })) {
    if (piece === 'lost') return; // only where a place to begin at was named
    for (const { event } of piece.lines) if (event.id >= sinceId) yield event;
  }
}

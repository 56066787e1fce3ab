/** Owns the reading back from the bus of what a session has to say on the feed (G4). */
import { channelName } from '../../bus/layout.ts';
import type { EntityId, SessionId } from '../../model/id.ts';
import { KEY_KINDS } from '../../redis/keys.ts';
import type { FeedEvent } from '../../redis/scripts/publish.lua.ts';
import { readFeedLines } from '../reconcile/feed-lines.ts';

export interface OwnFeedEvents {
  readonly busDir: string;
  readonly session: SessionId;
  /** Its entity, where earlier sessions began it: what they could not tell comes before what this one has to say. */
  readonly resumed: EntityId | undefined;
  /** Nothing with a lesser id. */
  readonly sinceId: string | undefined;
  readonly signal: AbortSignal;
}

/** What earlier sessions said of the entity. */
async function* readEarlier(entity: EntityId, options: OwnFeedEvents, sinceMs: number): AsyncGenerator<FeedEvent> {
  const { busDir, session, signal } = options;
  const mark = `"entity":"${entity}"`; // a channel holds those of its subagents too
  for await (const piece of readFeedLines({ busDir, file: channelName(entity), sinceMs, mark, signal })) {
    if (piece === 'lost') return;
    for (const line of piece.lines) if (line.session !== session) yield line.event;
  }
}

/**
 * In the order of the bus; none older than the feed keeps.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`
 */
export async function* readOwnFeedEvents(options: OwnFeedEvents): AsyncGenerator<FeedEvent> {
  const { busDir, session, resumed, sinceId = '', signal } = options;
  const sinceMs = Date.now() - KEY_KINDS.feed.cap.maxAgeMs;
  if (resumed !== undefined && sinceId === '') yield* readEarlier(resumed, options, sinceMs);
  const mark = `"session_id":"${session}"`;
  for await (const piece of readFeedLines({ busDir, sinceMs, mark, signal })) {
    if (piece === 'lost') return; // only where a place to begin at was named
    for (const { event } of piece.lines) if (event.id >= sinceId) yield event;
  }
}

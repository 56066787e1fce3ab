/** Owns the reading back from the bus of what a session has to say on the feed (G4). */
import { tryParseLine } from '../../bus/line.ts';
import { ALPHA } from '../../bus/layout.ts';
import { listBusFiles } from '../../bus/read/files.ts';
import { readLines } from '../../bus/read/lines.ts';
import { feedEventOf, mayBeOnFeed } from '../../ipc/feed/feed-event.ts';
import type { SessionId } from '../../model/id.ts';
import type { FeedEvent } from '../../redis/scripts/publish.lua.ts';
import { KEY_KINDS } from '../../redis/keys.ts';

export interface OwnFeedEvents {
  readonly busDir: string;
  readonly session: SessionId;
  /** Nothing with a lesser id. */
  readonly sinceId: string | undefined;
  readonly signal: AbortSignal;
}

const TYPE = /"type":"([a-z_]+)"/;

/** In the order of the alpha bus; none older than the feed keeps. */
export async function* readOwnFeedEvents({
  busDir,
  session,
  sinceId,
  signal,
}: OwnFeedEvents): AsyncGenerator<FeedEvent> {
  const oldestMs = Date.now() - KEY_KINDS.feed.cap.maxAgeMs;
  const mark = `"session_id":"${session}"`;
  for (const { name, parts } of listBusFiles(busDir)) {
    if (name !== ALPHA) continue;
    for (const part of parts) {
      if (part.mtimeMs < oldestMs) continue;
      for await (const lines of readLines(part)) {
        for (const { text } of lines) {
          if (signal.aborted) return;
          if (!text.includes(mark) || !mayBeOnFeed(TYPE.exec(text)?.[1] ?? '')) continue;
          const line = tryParseLine(text);
          if (line === undefined || (sinceId !== undefined && line.id < sinceId)) continue;
          if (Date.parse(line.ts) < oldestMs) continue;
          const { id, ts, type, entity } = line;
          const event = feedEventOf({
            id,
            ts,
            type,
            entity,
            metaJson: JSON.stringify(line.meta),
            dataJson: JSON.stringify(line.data),
          });
          if (event !== undefined) yield event;
        }
      }
    }
  }
}

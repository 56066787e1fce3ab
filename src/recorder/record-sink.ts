/** Owns what is told, besides the bus, of each event that was written there (design, section 8). */
import type { RecordedEvent } from '../ipc/feed/feed-event.ts';
import type { RecordedToolCall } from '../telemetry/tool-call-entry.ts';

/** Must not throw, and not wait for anything (G1). All texts are redacted and capped (G7). */
export interface RecordSink {
  toolCall(call: RecordedToolCall): void;
  /** Any other message. */
  message(event: RecordedEvent): void;
}

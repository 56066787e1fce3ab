/** Owns what a tool call leaves in `agent:events:{session_id}`: the trimmed entry, at most 1 kB whatever the payload. Pure. */
import { orderOf } from '../model/event-id.ts';
import { asValue, createEntry, type StreamEntry } from '../redis/scripts/add-events.lua.ts';

/** A tool call as it stands on the bus; all texts are redacted and capped (G7). */
export interface RecordedToolCall {
  /** Of its line on the bus. */
  readonly id: string;
  readonly atMs: number;
  readonly entity: string;
  readonly tool: string;
  readonly isOk: boolean;
  readonly durationMs: number;
  /** JSON. */
  readonly input: string;
  readonly inputBytes: number;
  readonly responseBytes: number;
  /** Where it failed. */
  readonly error: string | undefined;
}

/** In the order of the values of each entry; an empty one is left out. */
export const TOOL_CALL_FIELDS = [
  'event_id',
  'entity',
  'tool',
  'ok',
  'ms',
  'in_bytes',
  'out_bytes',
  'preview',
  'error',
] as const;

const TOOL_CHARS = 64;
const PREVIEW_CHARS = 100;
const ERROR_CHARS = 60;
/** A text that is cut out of a longer one keeps that whole one in memory (V8: sliced strings), unless it is copied. */
const COPIED_FROM_CHARS = 4 * PREVIEW_CHARS;

const beginning = (text: string, maxChars: number): string => {
  if (text.length <= maxChars) return asValue(text);
  const head = text.slice(0, maxChars - 1);
  return asValue(`${text.length < COPIED_FROM_CHARS ? head : Buffer.from(head).toString()}…`);
};

export const toolCallEntry = (call: RecordedToolCall): StreamEntry =>
  createEntry(orderOf(call.id), [
    call.id,
    call.entity,
    beginning(call.tool, TOOL_CHARS),
    call.isOk ? '1' : '0',
    `${call.durationMs}`,
    `${call.inputBytes}`,
    `${call.responseBytes}`,
    beginning(call.input, PREVIEW_CHARS),
    call.error === undefined ? '' : beginning(call.error, ERROR_CHARS),
  ]);

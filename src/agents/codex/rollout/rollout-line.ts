/** Owns the lines of a session file of Codex: what each of those that matter says. */
import type { Usage } from '../../../model/usage.ts';
import type { TurnEnd } from '../../hook-form/hook-form.ts';
import { countOf, type Fields, fieldsOf, listOf, numberOf, parseFields, textOf, wordOf } from '../../read-fields.ts';
import { parseToolItem, startedThreads, type ToolItem } from './tool-item.ts';
import { calledInput, calledTool, freeformInput, outputOf } from './tool-names.ts';

export type RolloutEvent =
  | { readonly kind: 'session'; readonly thread: string; readonly version: string | undefined }
  | { readonly kind: 'model'; readonly model: string }
  | { readonly kind: 'prompt'; readonly text: string }
  | { readonly kind: 'call'; readonly id: string; readonly tool: string; readonly input: unknown }
  | { readonly kind: 'output'; readonly id: string; readonly text: string; readonly response: unknown }
  | { readonly kind: 'item'; readonly item: ToolItem }
  | { readonly kind: 'subagents'; readonly threads: readonly string[]; readonly what: string }
  /** Of one request. `sum`: of the thread so far, where the line tells that too, and may be told again. */
  | { readonly kind: 'usage'; readonly tokens: Tokens; readonly sum: number | undefined }
  | ({ readonly kind: 'turn-over' } & TurnEnd);

export interface RolloutLine {
  readonly atMs: number;
  readonly turn: string | undefined;
  /** The thread that it is about, where it says. */
  readonly thread: string | undefined;
  readonly event: RolloutEvent;
}

export type Tokens = Pick<
  Usage,
  'input_tokens' | 'cache_read_tokens' | 'cache_write_tokens' | 'output_tokens' | 'reasoning_tokens'
>;

/** The input of OpenAI is with what came from a cache. */
export const parseTokens = (usage: Fields): Tokens => {
  const cached = countOf(usage['cached_input_tokens']);
  const written = countOf(usage['cache_write_input_tokens']);
  return {
    input_tokens: Math.max(0, countOf(usage['input_tokens']) - cached - written),
    cache_read_tokens: cached,
    cache_write_tokens: written,
    output_tokens: countOf(usage['output_tokens']),
    reasoning_tokens: countOf(usage['reasoning_output_tokens']),
  };
};

const responseItem = (payload: Fields): RolloutEvent | undefined => {
  const id = wordOf(payload['call_id']);
  if (id === undefined) return undefined;
  switch (payload['type']) {
    case 'function_call': {
      const tool = calledTool(textOf(payload['name']) ?? '?', wordOf(payload['namespace']));
      return { kind: 'call', id, tool, input: calledInput(tool, textOf(payload['arguments']) ?? '') };
    }
    case 'custom_tool_call': {
      const tool = textOf(payload['name']) ?? '?';
      return { kind: 'call', id, tool, input: freeformInput(tool, textOf(payload['input']) ?? '') };
    }
    case 'function_call_output':
    case 'custom_tool_call_output':
      return { kind: 'output', id, ...outputOf(payload['output']) };
    default:
      return undefined;
  }
};

const completedItem = (payload: Fields): RolloutEvent | undefined => {
  const item = fieldsOf(payload['item']);
  if (item['type'] === 'UserMessage') return { kind: 'prompt', text: outputOf(listOf(item['content'])).text };
  const { threads, what } = startedThreads(payload);
  if (threads.length > 0) return { kind: 'subagents', threads, what };
  const done = parseToolItem(payload);
  return done === undefined ? undefined : { kind: 'item', item: done };
};

const INTERRUPTED = { outcome: 'interrupted', error: undefined, message: undefined } as const;

const eventMessage = (payload: Fields): RolloutEvent | undefined => {
  switch (payload['type']) {
    case 'item_completed':
      return completedItem(payload);
    case 'task_complete': {
      const error = textOf(fieldsOf(payload['error'])['message']);
      const message = textOf(payload['last_agent_message']);
      const durationMs = numberOf(payload['duration_ms']);
      return { kind: 'turn-over', outcome: error === undefined ? 'completed' : 'failed', error, message, durationMs };
    }
    case 'turn_aborted':
      return { kind: 'turn-over', ...INTERRUPTED, durationMs: numberOf(payload['duration_ms']) };
    case 'token_count': {
      const info = fieldsOf(payload['info']);
      const sum = countOf(fieldsOf(info['total_token_usage'])['total_tokens']);
      return sum === 0 ? undefined : { kind: 'usage', tokens: parseTokens(fieldsOf(info['last_token_usage'])), sum };
    }
    default:
      return undefined;
  }
};

const eventOf = (type: unknown, payload: Fields): RolloutEvent | undefined => {
  switch (type) {
    case 'session_meta':
      return { kind: 'session', thread: wordOf(payload['id']) ?? '', version: wordOf(payload['cli_version']) };
    case 'turn_context':
      return { kind: 'model', model: textOf(payload['model']) ?? '' };
    case 'response_item':
      return responseItem(payload);
    case 'event_msg':
      return eventMessage(payload);
    case 'token_usage_record':
      return { kind: 'usage', tokens: parseTokens(fieldsOf(payload['usage'])), sum: undefined };
    default:
      return undefined;
  }
};

const turnOf = (payload: Fields): string | undefined =>
  wordOf(payload['turn_id']) ?? wordOf(fieldsOf(payload['internal_chat_message_metadata_passthrough'])['turn_id']);

/** `unreadable`: it is no JSON object; `undefined`: it is of no concern. */
export const parseRolloutLine = (text: string): RolloutLine | 'unreadable' | undefined => {
  const line = parseFields(text);
  if (line === undefined) return 'unreadable';
  const payload = fieldsOf(line['payload']);
  const event = eventOf(line['type'], payload);
  if (event === undefined) return undefined;
  const atMs = Date.parse(textOf(line['timestamp']) ?? '');
  return { atMs, turn: turnOf(payload), thread: wordOf(payload['thread_id']), event };
};

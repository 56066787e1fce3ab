/** Owns how the session file of Codex tells of a tool call that is over, and what that is on the bus. */
import type { AgentCallEnd } from '../../../pod/host/agent-desk.ts';
import { type Fields, fieldsOf, listOf, numberOf, textOf, wordOf } from '../../read-fields.ts';
import { commandOf, outputOf, SHELL } from './tool-names.ts';

/** A call that is over; `id` is that of its hooks. */
export interface ToolItem {
  readonly id: string;
  readonly tool: string;
  /** Where nobody told of its beginning. */
  readonly input: unknown;
  readonly ok: boolean;
  readonly exitCode: number | undefined;
  readonly response: unknown;
  /** Where it is not ok. */
  readonly error: string;
  readonly startedAtMs: number | undefined;
  readonly completedAtMs: number | undefined;
  /** A tool before which Codex calls hooks. */
  readonly isHooked: boolean;
}

const ERROR_LINES = 20;

const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-ERROR_LINES).join('\n');

/** In the words of the other tools of nika. */
export const exitError = (exitCode: number | undefined, output: string): string => {
  const what = exitCode === undefined ? 'it did not end by itself' : `Exit code ${exitCode}`;
  const said = lastLines(output);
  return said === '' ? what : `${what}\n${said}`;
};

type Part = Pick<ToolItem, 'tool' | 'input' | 'ok' | 'exitCode' | 'response' | 'error' | 'isHooked'>;

const commandPart = (item: Fields): Part => {
  const output = textOf(item['aggregated_output']) ?? '';
  const code = numberOf(item['exit_code']);
  const exitCode = code === undefined || code < 0 ? undefined : code; // -1: it was ended
  const isOfPerson = item['source'] === 'user_shell';
  return {
    tool: isOfPerson ? 'user_shell' : SHELL,
    input: { command: commandOf(item['command']) },
    ok: exitCode === 0,
    exitCode,
    response: output,
    error: exitError(exitCode, output),
    isHooked: !isOfPerson,
  };
};

const changePart = (item: Fields): Part => {
  const said = [textOf(item['stdout']), textOf(item['stderr'])].filter((text) => text !== undefined && text !== '');
  return {
    tool: 'apply_patch',
    input: { changes: item['changes'] ?? null },
    ok: item['status'] === 'completed',
    exitCode: undefined,
    response: said.join('\n'),
    error: said.at(-1) ?? 'the patch was not applied',
    isHooked: true,
  };
};

const mcpPart = (item: Fields): Part => {
  const failure = textOf(item['error']) ?? textOf(fieldsOf(item['error'])['message']);
  const { text } = outputOf(fieldsOf(item['result'])['content']);
  return {
    tool: `mcp__${textOf(item['server']) ?? '?'}__${textOf(item['tool']) ?? '?'}`,
    input: item['arguments'] ?? null,
    ok: item['status'] === 'completed',
    exitCode: undefined,
    response: item['result'] ?? null,
    error: failure ?? text,
    isHooked: true,
  };
};

const otherPart = (tool: string, item: Fields, fields: readonly string[]): Part => ({
  tool,
  input: Object.fromEntries(fields.flatMap((field) => (field in item ? [[field, item[field]]] : []))),
  ok: item['status'] !== 'failed',
  exitCode: undefined,
  response: null,
  error: 'it failed',
  isHooked: false,
});

const partOf = (item: Fields): Part | undefined => {
  switch (item['type']) {
    case 'CommandExecution':
      return commandPart(item);
    case 'FileChange':
      return changePart(item);
    case 'McpToolCall':
      return mcpPart(item);
    case 'WebSearch':
      return otherPart('web_search', item, ['query', 'action']);
    case 'ImageGeneration':
      return otherPart('image_generation', item, ['revised_prompt', 'saved_path']);
    default:
      return undefined; // messages, and tools whose calls stand in the file with what they answered
  }
};

/** `payload`: of an `item_completed`; `undefined`: it is of no tool. */
export const parseToolItem = (payload: Fields): ToolItem | undefined => {
  const item = fieldsOf(payload['item']);
  const id = wordOf(item['id']);
  const part = partOf(item);
  if (id === undefined || part === undefined) return undefined;
  const startedAtMs = numberOf(payload['started_at_ms']);
  return { id, ...part, startedAtMs, completedAtMs: numberOf(payload['completed_at_ms']) };
};

/** Subagents that were started: their threads, and what they are to do. */
export const startedThreads = (payload: Fields): { readonly threads: readonly string[]; readonly what: string } => {
  const item = fieldsOf(payload['item']);
  const isStart = item['type'] === 'CollabAgentToolCall' && item['tool'] === 'spawn_agent';
  const threads = isStart ? listOf(item['receiver_thread_ids']).flatMap((id) => wordOf(id) ?? []) : [];
  return { threads, what: textOf(item['prompt']) ?? '' };
};

/** `response`: what the hook had of it, the end of a long output alone. */
export const endOfItem = (item: ToolItem, durationMs: number | undefined, response?: unknown): AgentCallEnd => {
  const { ok, error, exitCode } = item;
  const told = textOf(item.response) ?? '';
  const whole = typeof response === 'string' && response.length > told.length ? response : item.response;
  const timed = {
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(exitCode === undefined ? {} : { exitCode }),
  };
  return ok ? { ok, response: whole, ...timed } : { ok, error, response: whole, ...timed };
};

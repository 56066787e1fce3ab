/** Owns how Codex writes down calls of tools: what was asked for, what it came to. */
import type { CallResult } from '../../../hooks/tool-call.ts';
import { isFields, joinedText } from '../fields.ts';
import { exitError } from '../../codex/rollout/tool-item.ts';
import { calledInput, calledTool, commandOf, freeformInput, SHELL } from '../../codex/rollout/tool-names.ts';
import { type Fields, fieldsOf, numberOf, textOf, wordOf } from '../../read-fields.ts';

/** What the program, or the server, behind a call came to. */
export interface ItemCall {
  readonly id: string;
  readonly tool: string;
  readonly input: unknown;
  readonly output: string | undefined;
  readonly exitCode: number | undefined;
  readonly durationMs: number | undefined;
  readonly isFailed: boolean;
  /** The model asked for it by code that it wrote: no other line tells of the call. */
  readonly isNested: boolean;
}

export interface WantedCall {
  readonly tool: string;
  readonly input: unknown;
  /** No line will tell what it came to. */
  readonly isOver?: boolean;
}

const parsed = (text: unknown): unknown => {
  if (typeof text !== 'string') return text;
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : text;
  } catch {
    return text; // as the model wrote it
  }
};

/** What the model asks for in a `response_item`; `undefined`: nothing. */
export const wantedCallOf = (item: Fields): WantedCall | undefined => {
  const name = wordOf(item['name']) ?? 'unknown';
  switch (item['type']) {
    case 'function_call': {
      const tool = calledTool(name, wordOf(item['namespace']));
      return { tool, input: calledInput(tool, textOf(item['arguments']) ?? '') };
    }
    case 'custom_tool_call':
      return { tool: name, input: freeformInput(name, textOf(item['input']) ?? '') };
    case 'local_shell_call':
      return { tool: SHELL, input: { command: commandOf(fieldsOf(item['action'])['command']) } };
    case 'tool_search_call':
      return { tool: 'tool_search', input: parsed(item['arguments']) };
    case 'web_search_call':
      return { tool: 'web_search', input: item['action'], isOver: true };
    default:
      return undefined;
  }
};

const durationOf = (duration: unknown): number | undefined => {
  const secs = numberOf(fieldsOf(duration)['secs']);
  return secs === undefined ? undefined : secs * 1000 + (numberOf(fieldsOf(duration)['nanos']) ?? 0) / 1e6;
};

const ITEM_TOOLS: Readonly<Record<string, string>> = {
  CommandExecution: SHELL,
  FileChange: 'apply_patch',
  McpToolCall: 'mcp',
};

const mcpName = (server: unknown, tool: unknown): string => `mcp__${wordOf(server) ?? ''}__${wordOf(tool) ?? ''}`;

/** Ids of calls within code begin so. */
const isNestedId = (id: string): boolean => id.startsWith('exec-');

const itemOf = (item: Fields): ItemCall | undefined => {
  const id = wordOf(item['id']);
  const known = ITEM_TOOLS[String(item['type'])];
  if (id === undefined || known === undefined) return undefined;
  const isMcp = known === 'mcp';
  const status = String(item['status']);
  return {
    id,
    tool: isMcp ? mcpName(item['server'], item['tool']) : known,
    input: isMcp
      ? item['arguments']
      : known === 'exec_command'
        ? { command: item['command'] }
        : { changes: item['changes'] },
    output:
      wordOf(item['aggregated_output']) ?? wordOf(item['stdout']) ?? joinedText(fieldsOf(item['result'])['content']),
    exitCode: numberOf(item['exit_code']),
    durationMs: durationOf(item['duration']),
    isFailed: status === 'failed' || status === 'declined',
    isNested: isNestedId(id),
  };
};

/** What an `event_msg` tells of the program or the server behind a call. */
export const itemCallOf = (event: Fields): ItemCall | undefined => {
  const { type } = event;
  if (type === 'item_completed') return itemOf(fieldsOf(event['item']));
  const id = wordOf(event['call_id']);
  if (id === undefined || (type !== 'exec_command_end' && type !== 'patch_apply_end')) return undefined;
  const exitCode = numberOf(event['exit_code']);
  return {
    id,
    tool: type === 'exec_command_end' ? SHELL : 'apply_patch',
    input: type === 'exec_command_end' ? { command: commandOf(event['command']) } : { changes: event['changes'] },
    output: wordOf(event['aggregated_output']) ?? wordOf(event['stdout']),
    exitCode,
    durationMs: durationOf(event['duration']),
    isFailed: event['success'] === false || (exitCode ?? 0) !== 0,
    isNested: isNestedId(id),
  };
};

const EXITED = /^(?:Process exited with code|Exit code:) (-?\d{1,10})$/m;
/** How Codex begins what it answers itself, in place of a tool. */
const REFUSED =
  /^(?:unsupported (?:custom )?(?:tool )?call|failed to parse function arguments|write_stdin failed|Script (?:failed|error)|approval policy is|patch rejected|apply_patch verification failed|unable to |collab (?:spawn )?failed|execution error|err(?:or)?: )/i;
const ABORTED = /^(?:Wall time: [\d.]+ seconds\n)?aborted by user/;
/** A text of a tool may say the same: Codex's own words stand first. */
const HEAD_CHARS = 400;

interface Told {
  readonly text: string;
  readonly exitCode: number | undefined;
  readonly isRefused: boolean;
  readonly isAborted?: boolean;
}

/** The output as the model was given it. */
const readOutput = (output: unknown): Told => {
  if (isFields(output)) {
    const text = joinedText(output['content']) ?? JSON.stringify(output);
    return { text, exitCode: undefined, isRefused: output['success'] === false };
  }
  const text = joinedText(output) ?? '';
  const whole = text.startsWith('{') ? parsed(text) : text;
  const metadata = isFields(whole) ? whole['metadata'] : undefined;
  if (isFields(whole) && isFields(metadata)) {
    return { text: wordOf(whole['output']) ?? '', exitCode: numberOf(metadata['exit_code']), isRefused: false };
  }
  const head = text.slice(0, HEAD_CHARS);
  const exitCode = EXITED.exec(head)?.[1];
  return {
    text,
    exitCode: exitCode === undefined ? undefined : Number(exitCode),
    isRefused: REFUSED.test(head),
    isAborted: ABORTED.test(head),
  };
};

/** `output`: of the call, where it has one; `item`: what the program behind it came to, where that is told. */
export const outcomeOf = (output: unknown, item: ItemCall | undefined): CallResult => {
  const told = readOutput(output);
  if (told.isAborted === true) return { ok: false, error: 'Interrupted', isInterrupt: true };
  const exitCode = item?.exitCode ?? told.exitCode;
  const text = told.text === '' ? (item?.output ?? '') : told.text;
  const code = exitCode === undefined ? {} : { exitCode };
  const isFailed = told.isRefused || item?.isFailed === true || (exitCode ?? 0) !== 0;
  if (!isFailed) return { ok: true, response: text, ...code };
  if (exitCode === undefined || exitCode === 0) return { ok: false, error: text === '' ? 'it failed' : text, ...code };
  return { ok: false, error: exitError(exitCode, item?.output ?? text), response: text, ...code };
};

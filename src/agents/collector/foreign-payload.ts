/**
 * Owns the one form that hooks of agents take here, that of Claude Code: what others call the same things, Cursor and
 * agents that nika does not know among them, is given its names. Pure.
 */
import { type Fields, fieldsOf, listOf, numberOf, parseFields, textOf, wordOf } from '../read-fields.ts';

/** By what an agent calls them, without capitals and marks: `preToolUse`, `pre_tool_use` and `BeforeTool` are one. */
const EVENTS: Readonly<Record<string, string>> = {
  pretooluse: 'PreToolUse',
  beforetool: 'PreToolUse',
  posttooluse: 'PostToolUse',
  aftertool: 'PostToolUse',
  posttoolusefailure: 'PostToolUseFailure',
  posttoolbatch: 'PostToolBatch',
  permissionrequest: 'PermissionRequest',
  permissiondenied: 'PermissionDenied',
  notification: 'Notification',
  sessionstart: 'SessionStart',
  sessionend: 'SessionEnd',
  userpromptsubmit: 'UserPromptSubmit',
  beforesubmitprompt: 'UserPromptSubmit',
  beforeagent: 'UserPromptSubmit',
  afteragent: 'Stop',
  stop: 'Stop',
  stopfailure: 'StopFailure',
  subagentstart: 'SubagentStart',
  subagentstop: 'SubagentStop',
  precompact: 'PreCompact',
  precompress: 'PreCompact',
  postcompact: 'PostCompact',
  interrupt: 'Interrupt',
};

/** Of a person, and of no use to the record. */
const PERSONAL: readonly string[] = ['user_email', 'userEmail'];

const first = (fields: Fields, names: readonly string[]): unknown => {
  for (const name of names) if (fields[name] !== undefined && fields[name] !== null) return fields[name];
  return undefined;
};

/** A result that came as JSON in a text is read; bytes in a list are text. */
const responseIn = (value: unknown): unknown => {
  if (typeof value === 'string') return parseFields(value) ?? value;
  const { output } = fieldsOf(value);
  if (!Array.isArray(output) || !output.every((byte) => typeof byte === 'number')) return value;
  return { ...fieldsOf(value), output: Buffer.from(output).toString() };
};

export interface ForeignPayload {
  /** As Claude Code names it; of an unknown event its own name. */
  readonly event: string;
  /** As the agent itself names it. */
  readonly named: string;
  /** The agent's own id of its session; `undefined`: it does not say. */
  readonly session: string | undefined;
  /** What it calls itself, where that shows: Cursor also runs the hooks of Claude Code. */
  readonly agent: string | undefined;
  readonly payload: Fields;
}

export const readForeignPayload = (given: Fields): ForeignPayload => {
  const named = textOf(first(given, ['hook_event_name', 'hookEventName', 'event'])) ?? 'unknown';
  const event = EVENTS[named.toLowerCase().replaceAll(/[^a-z]/g, '')] ?? named;
  const session = wordOf(first(given, ['session_id', 'conversation_id', 'sessionId', 'sessionID', 'thread-id']));
  const response = first(given, ['tool_response', 'tool_output', 'toolResponse', 'toolResult']);
  const [root] = listOf(given['workspace_roots']);
  const fields: Record<string, unknown> = {
    ...Object.fromEntries(Object.entries(given).filter(([name]) => !PERSONAL.includes(name))),
    hook_event_name: event,
    session_id: session,
    tool_name: first(given, ['tool_name', 'toolName']),
    tool_input: first(given, ['tool_input', 'toolInput']),
    tool_use_id: first(given, ['tool_use_id', 'toolUseId', 'callID', 'call_id']),
    tool_response: response === undefined ? undefined : responseIn(response),
    duration_ms: numberOf(first(given, ['duration_ms', 'duration', 'durationMs'])),
    error: first(given, ['error', 'error_message']),
    prompt_id: first(given, ['prompt_id', 'turn_id', 'generation_id']),
    transcript_path: first(given, ['transcript_path', 'transcriptPath']),
    cwd: first(given, ['cwd']) ?? root,
  };
  const payload = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  return { event, named, session, agent: given['cursor_version'] === undefined ? undefined : 'cursor', payload };
};

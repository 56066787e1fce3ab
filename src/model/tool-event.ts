/** Owns the shape of a tool call's hook events: the agents' own payload, so that every source looks alike. */

export type ToolHookName = 'PreToolUse' | 'PostToolUse' | 'PostToolUseFailure';

interface ToolEventBase {
  readonly session_id: string;
  readonly cwd: string;
  readonly tool_name: string;
  /** Anything at all: it comes from user code and agents. */
  readonly tool_input: unknown;
  readonly tool_use_id: string;
}

export interface PreToolUse extends ToolEventBase {
  readonly hook_event_name: 'PreToolUse';
}

export interface PostToolUse extends ToolEventBase {
  readonly hook_event_name: 'PostToolUse';
  readonly tool_response: unknown;
  readonly duration_ms: number;
  readonly exit_code?: number;
}

export interface PostToolUseFailure extends ToolEventBase {
  readonly hook_event_name: 'PostToolUseFailure';
  readonly error: string;
  /** What the tool had to say before it failed, where it said something. */
  readonly tool_response?: unknown;
  readonly is_interrupt: boolean;
  readonly duration_ms: number;
  readonly exit_code?: number;
}

/** A call as it is written down. null: nobody knows how long it took. */
export type FinishedToolUse = (Omit<PostToolUse, 'duration_ms'> | Omit<PostToolUseFailure, 'duration_ms'>) & {
  readonly duration_ms: number | null;
};

export type ToolEvent = PreToolUse | PostToolUse | PostToolUseFailure;

/** Who says so: our hook, an agent's event stream, or the program inside the pod about itself. */
export type ToolCallSource = 'hook' | 'stream' | 'reported';

/**
 * Owns the way of a tool call through its hooks: pre → call → post or failure (design, section 8).
 *
 * H1. A call that began is told to exactly one of `post` or `failure`, also when it throws.
 * H2. A hook that throws changes nothing for the call; it is counted by the one who gave it.
 */
import { performance } from 'node:perf_hooks';
import { bestEffortSync } from '../failopen/best-effort.ts';
import { errorMessage } from '../model/error.ts';
import type { PostToolUse, PostToolUseFailure, PreToolUse } from '../model/tool-event.ts';

/** What a call came to. `response` is what the agents' hooks call `tool_response`. */
export type CallResult =
  | { readonly ok: true; readonly response: unknown }
  | { readonly ok: false; readonly error: string; readonly response?: unknown; readonly isInterrupt?: boolean };

export interface ToolHooks {
  readonly pre: (event: PreToolUse) => void;
  readonly post: (event: PostToolUse | PostToolUseFailure) => void;
}

export type ToolCall = Omit<PreToolUse, 'hook_event_name'>;

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;

/** The hook event that tells how a call ended. */
export const postEvent = (call: ToolCall, result: CallResult, durationMs: number): PostToolUse | PostToolUseFailure => {
  const duration_ms = rounded(durationMs);
  if (result.ok) return { ...call, hook_event_name: 'PostToolUse', tool_response: result.response, duration_ms };
  const { error, response, isInterrupt = false } = result;
  const failure = {
    ...call,
    hook_event_name: 'PostToolUseFailure',
    error,
    is_interrupt: isInterrupt,
    duration_ms,
  } as const;
  return response === undefined ? failure : { ...failure, tool_response: response };
};

/** Runs one call through the hooks. What `run` throws becomes a failure (H1); the result itself is passed on as it is. */
export const runToolCall = async <R extends CallResult>(
  call: ToolCall,
  hooks: ToolHooks,
  run: () => Promise<R>,
): Promise<R | { readonly ok: false; readonly error: string }> => {
  bestEffortSync('hooks.pre', () => hooks.pre({ ...call, hook_event_name: 'PreToolUse' })); // H2
  const startedAtMs = performance.now();
  let result: R | { readonly ok: false; readonly error: string };
  try {
    result = await run();
  } catch (thrown) {
    result = { ok: false, error: errorMessage(thrown) };
  }
  bestEffortSync('hooks.post', () => hooks.post(postEvent(call, result, performance.now() - startedAtMs)));
  return result;
};

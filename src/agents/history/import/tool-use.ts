/** Owns how a call that a history tells is written down: as a hook would have told it. */
import type { FinishedToolUse } from '../../../model/tool-event.ts';
import type { ToldCall } from '../told.ts';

/** `cwd`: of the session, where the call has none of its own. */
export const toolUseOf = (told: ToldCall, session: string, cwd: string | undefined): FinishedToolUse => {
  const { id, tool, input, result, durationMs } = told;
  const { exitCode, response } = result;
  const common = {
    session_id: session,
    cwd: told.cwd ?? cwd ?? '',
    tool_name: tool,
    tool_input: input,
    tool_use_id: id,
    duration_ms: durationMs,
    ...(exitCode === undefined ? {} : { exit_code: exitCode }),
  };
  if (result.ok) return { ...common, hook_event_name: 'PostToolUse', tool_response: response };
  return {
    ...common,
    hook_event_name: 'PostToolUseFailure',
    error: result.error,
    is_interrupt: result.isInterrupt === true,
    ...(response === undefined ? {} : { tool_response: response }),
  };
};

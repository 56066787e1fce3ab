/**
 * Owns the way of a tool call through its hooks (design, section 8): told as begun → policy and hooks of users → call →
 * recorded → hooks of users.
 *
 * H1. A call that began is told to exactly one of `post` or `failure`, also when it throws, is denied or interrupted.
 * H2. A hook that throws changes nothing for the call; it is counted by the one who gave it.
 * H3. Where there is nothing to ask, nothing is awaited but the call itself.
 */
import { performance } from 'node:perf_hooks';
import { bestEffortSync } from '../failopen/best-effort.ts';
import { errorMessage } from '../model/error.ts';
import type { PostToolUse, PostToolUseFailure, PreToolUse } from '../model/tool-event.ts';
import type { HookPipeline, HookVerdict } from './hook-pipeline.ts';

/** What is known of a call that somebody else ran, an agent. */
interface Told {
  /** As who ran it measured; else it is measured here. */
  readonly durationMs?: number;
  readonly exitCode?: number;
}

/** What a call came to. `response` is what the agents' hooks call `tool_response`. */
export type CallResult = Told &
  (
    | { readonly ok: true; readonly response: unknown }
    | { readonly ok: false; readonly error: string; readonly response?: unknown; readonly isInterrupt?: boolean }
  );

export interface ToolHooks {
  /** The call as it is wished for. */
  readonly pre: (event: PreToolUse) => void;
  /** The call as it was made. `verdict`: what the pipeline had said, where it was asked. */
  readonly post: (event: PostToolUse | PostToolUseFailure, verdict?: HookVerdict) => void;
}

export type AskVerdict = Extract<HookVerdict, { readonly kind: 'ask' }>;

export interface PersonAnswer {
  readonly allow: boolean;
  readonly reason?: string;
}

/** What stands before and after the call. */
export interface CallGuard {
  readonly pipeline: HookPipeline;
  /** Asks a person; `event` has the input that the call would be made with. */
  readonly ask: (event: PreToolUse, verdict: AskVerdict) => Promise<PersonAnswer>;
  /** The pod is being stopped, or who made the call is gone: nothing is asked any more, and no call begins. */
  readonly signal: AbortSignal;
  /** What is said of a call that did not begin for it. */
  readonly interruption: () => string;
}

export type ToolCall = Omit<PreToolUse, 'hook_event_name'>;

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;

/** The hook event that tells how a call ended. */
export const postEvent = (call: ToolCall, result: CallResult, durationMs: number): PostToolUse | PostToolUseFailure => {
  const duration_ms = rounded(result.durationMs ?? durationMs);
  const code = result.exitCode === undefined ? {} : { exit_code: result.exitCode };
  if (result.ok)
    return { ...call, hook_event_name: 'PostToolUse', tool_response: result.response, duration_ms, ...code };
  const { error, response, isInterrupt = false } = result;
  const failure = {
    ...call,
    hook_event_name: 'PostToolUseFailure',
    error,
    is_interrupt: isInterrupt,
    duration_ms,
    ...code,
  } as const;
  return response === undefined ? failure : { ...failure, tool_response: response };
};

/** A call that was not made, or that threw. */
export interface CallFailure extends Told {
  readonly ok: false;
  readonly error: string;
  readonly isInterrupt?: boolean;
}

/** What the call comes to without being made; `undefined`: it is made. */
const refusalOf = async (
  event: PreToolUse,
  verdict: HookVerdict,
  { ask, signal, interruption }: CallGuard,
): Promise<CallFailure | undefined> => {
  const interrupted = (): CallFailure => ({ ok: false, error: interruption(), isInterrupt: true });
  if (signal.aborted) return interrupted();
  if (verdict.kind === 'allow') return undefined;
  const denied = (reason: string): CallFailure => ({ ok: false, error: `denied by ${verdict.by}: ${reason}` });
  if (verdict.kind === 'deny') return denied(verdict.reason);
  try {
    const answer = await ask(event, verdict);
    if (signal.aborted) return interrupted();
    return answer.allow ? undefined : denied(answer.reason ?? verdict.reason);
  } catch (thrown) {
    return denied(`nobody could be asked (${errorMessage(thrown)}): ${verdict.reason}`);
  }
};

/**
 * Runs one call through the hooks. What `run` throws becomes a failure (H1); the result itself is passed on as it is.
 * `run` is given the input as the hooks left it, which nobody has parsed: check it like one that a person wrote.
 */
export const runToolCall = async <R extends CallResult>(
  wanted: ToolCall,
  hooks: ToolHooks,
  run: (input: unknown) => Promise<R>,
  guard?: CallGuard,
): Promise<R | CallFailure> => {
  const event: PreToolUse = { ...wanted, hook_event_name: 'PreToolUse' };
  bestEffortSync('hooks.pre', () => hooks.pre(event)); // H2
  const told = guard?.pipeline.before(event, guard.signal);
  const verdict = told instanceof Promise ? await told : told; // H3
  const call = verdict !== undefined && 'input' in verdict ? { ...wanted, tool_input: verdict.input } : wanted;
  let result: R | CallFailure | undefined;
  if (guard !== undefined && verdict !== undefined) {
    result = await refusalOf({ ...call, hook_event_name: 'PreToolUse' }, verdict, guard);
  }
  let durationMs = 0;
  if (result === undefined) {
    const startedAtMs = performance.now();
    try {
      result = await run(call.tool_input);
    } catch (thrown) {
      result = { ok: false, error: errorMessage(thrown) };
    }
    durationMs = performance.now() - startedAtMs;
  }
  const ended = postEvent(call, result, durationMs);
  bestEffortSync('hooks.post', () => hooks.post(ended, verdict));
  const after = guard?.pipeline.after(ended, guard.signal);
  if (after !== undefined) await after; // H3
  return result;
};

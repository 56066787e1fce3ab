/** Owns the end of a tool call in time: at its timeout or an abort, and soon after also where the tool does not end. */
import type { ToolFailure, ToolResult } from '../tools/tool.ts';

/** Longer than the tools take to end what they started. */
const ABANDON_AFTER_MS = 5_000;

/** Resolves 5 s after the abort, for as long as nobody stops it. */
const abandonment = (signal: AbortSignal): { readonly promise: Promise<ToolFailure>; readonly stop: () => void } => {
  const { promise, resolve } = Promise.withResolvers<ToolFailure>();
  let timer: NodeJS.Timeout | undefined;
  const error = `Interrupted; the tool had not ended ${ABANDON_AFTER_MS / 1000} s later and was left to itself`;
  const onAbort = (): void => {
    timer = setTimeout(() => resolve({ ok: false, error, isInterrupt: true }), ABANDON_AFTER_MS);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  const stop = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  };
  return { promise, stop };
};

/**
 * What the call came to. `outside` aborts it, as does its timeout (`undefined`: none); a tool that has not ended 5 s
 * after that is left to itself.
 */
export const runInTime = async (
  timeoutMs: number | undefined,
  outside: AbortSignal,
  run: (signal: AbortSignal) => Promise<ToolResult>,
): Promise<ToolResult> => {
  const late = new AbortController();
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => late.abort(), timeoutMs);
  const signal = AbortSignal.any([outside, late.signal]);
  const abandoned = abandonment(signal);
  try {
    const result = await Promise.race([run(signal), abandoned.promise]);
    if (result.ok || outside.aborted || !late.signal.aborted) return result;
    return { ...result, error: `NIKA_TOOL_TIMED_OUT: not done within ${(timeoutMs ?? 0) / 1000} s`, isInterrupt: true };
  } finally {
    clearTimeout(timer);
    abandoned.stop();
  }
};

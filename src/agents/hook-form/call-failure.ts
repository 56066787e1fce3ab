/** Owns how agents of the form of Claude Code tell in a text that a call failed. */

const exitCodeIn = (error: string): number | undefined => {
  const code = /^Exit code (\d{1,3})\b/.exec(error)?.[1];
  return code === undefined ? undefined : Number(code);
};

/** What a call that failed says in place of a result. */
export const toolErrorIn = (text: string): string | undefined =>
  /^<tool_use_error>([\s\S]*?)<\/tool_use_error>/.exec(text)?.[1];

export const failureOf = (error: string, isInterrupt = false) => {
  const exitCode = exitCodeIn(error);
  return {
    ok: false,
    error,
    ...(isInterrupt ? { isInterrupt } : {}),
    ...(exitCode === undefined ? {} : { exitCode }),
  } as const;
};

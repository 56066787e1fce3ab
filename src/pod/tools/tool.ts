/** Owns what a built-in tool is: a name, a schema, and one call that ends with a value, never with a throw. */
import type { z } from 'zod';
import type { PodTree } from '../tree/pod-tree.ts';

/** A JSON object: what goes on the bus as `tool_response`. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}
export type JsonValue = string | number | boolean | null | JsonObject | readonly JsonValue[];

export interface ToolContext {
  /** Absolute; relative paths of inputs are resolved against it. */
  readonly cwd: string;
  /** Environment for child processes, complete. */
  readonly env: Readonly<Record<string, string>>;
  /** Aborted: the tool ends what it started and returns soon. */
  readonly signal: AbortSignal;
  /** Of the pod: what the tool starts belongs to it. Absent: the tool ends by itself what it started. */
  readonly tree?: PodTree;
  /** Told of output as it comes, for the live view. Must not throw. */
  readonly onOutput?: (stream: 'stdout' | 'stderr', text: string) => void;
}

export interface ToolSuccess {
  readonly ok: true;
  /** What the hooks are told as `tool_response`. */
  readonly response: JsonObject;
  /** What later steps see as `${{ steps.<id>.output }}`. */
  readonly output: unknown;
}

export interface ToolFailure {
  readonly ok: false;
  /** For people; the first line says it all. */
  readonly error: string;
  /** What the tool had to say before it failed. */
  readonly response?: JsonObject;
  /** The call was ended from outside before it was done. */
  readonly isInterrupt?: boolean;
}

export type ToolResult = ToolSuccess | ToolFailure;

export interface Tool<I> {
  readonly name: string;
  readonly inputSchema: z.ZodType<I>;
  /** What the live view shows: one line of at most 80 characters. */
  describe(input: I): string;
  /** Expected failures are values; a throw is a bug. Returns soon after the context's signal is aborted. */
  run(input: I, context: ToolContext): Promise<ToolResult>;
}

/** The failure of a call that was ended from outside. */
export const interrupted = (response?: JsonObject): ToolFailure => ({
  ok: false,
  error: 'Interrupted',
  isInterrupt: true,
  ...(response === undefined ? {} : { response }),
});

const MAX_DESCRIPTION_CHARS = 80;

/** Text as one line of at most 80 characters, without control characters. */
export const oneLine = (text: string): string => {
  const line = text
    .slice(0, 4 * MAX_DESCRIPTION_CHARS)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  if (line.length <= MAX_DESCRIPTION_CHARS) return line.toWellFormed();
  return `${line.slice(0, MAX_DESCRIPTION_CHARS - 1).replace(/[\uD800-\uDBFF]$/, '')}…`.toWellFormed();
};

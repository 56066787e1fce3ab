/** Owns what can be told from the text alone that a call of Codex answered: whether it failed, and how a command ended. */
import type { AgentCallEnd } from '../../../pod/host/agent-desk.ts';
import { exitError } from './tool-item.ts';
import { SHELL } from './tool-names.ts';

/** How Codex begins what it answers itself, in place of a tool. */
const REFUSALS =
  /^(unsupported (custom )?(tool )?call|failed to parse function arguments|write_stdin failed|Script (failed|error)|approval policy is|patch rejected|apply_patch verification failed|unable to |collab (spawn )?failed|.{0,80} (is|are) (unavailable|not available|not supported|unsupported)\b|err(or)?: )/i;
const ABORTED = /^(Wall time: [\d.]+ seconds\n)?aborted by user/;
const RUNNING = /^Process running with session ID \S+$/m;
const EXITED = /^(?:Process exited with code|Exit code:) (-?\d{1,4})$/m;
/** What stands before it is no more than that there was one. */
const SCRIPT_ERROR = /^Script failed\n[\s\S]*?\nScript error:\n/;
/** A text of a tool may say the same: Codex's own words stand first. */
const HEAD_CHARS = 400;

/** A command that goes on in the background: its call is not over. */
export const isRunning = (text: string): boolean => RUNNING.test(text.slice(0, HEAD_CHARS));

export interface CallOutput {
  readonly tool: string;
  readonly text: string;
  readonly response: unknown;
  readonly durationMs: number | undefined;
  /** Its hook told that it began, and none that it ended: it failed. */
  readonly hasBegun: boolean;
}

export const endOfOutput = ({ tool, text, response, durationMs, hasBegun }: CallOutput): AgentCallEnd => {
  const timed = durationMs === undefined ? {} : { durationMs };
  if (ABORTED.test(text)) return { ok: false, error: 'Interrupted', isInterrupt: true, ...timed };
  const code = EXITED.exec(text.slice(0, HEAD_CHARS))?.[1];
  if (tool === SHELL && code !== undefined) {
    const output = text.slice(Math.max(0, text.indexOf('Output:\n')) + 'Output:\n'.length);
    const exitCode = Number(code);
    return exitCode === 0
      ? { ok: true, response: output, exitCode, ...timed }
      : { ok: false, error: exitError(exitCode, output), response: output, exitCode, ...timed };
  }
  if (!hasBegun && !REFUSALS.test(text)) return { ok: true, response, ...timed };
  const [, thrown] = text.split(SCRIPT_ERROR);
  return { ok: false, error: thrown ?? text, ...timed };
};

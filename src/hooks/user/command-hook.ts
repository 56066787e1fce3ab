/**
 * Owns a hook that is a program, by the convention of the agents' CLIs: the event as JSON on its stdin; exit 0 lets the
 * call be, with an answer as JSON on stdout if it has one; exit 2 denies, the reason on stderr; all else is a failure.
 */

import { type ProgramOutcome, tryRunProgram } from '../../failopen/program.ts';
import { errorMessage } from '../../model/error.ts';
import type { ToolEvent } from '../../model/tool-event.ts';
import type { HookCall, HookProcess } from './hook.ts';
import { answerOf, type HookAnswer, reasonOf } from './hook-answer.ts';

export interface CommandHookOptions {
  readonly argv: readonly [string, ...string[]];
  /** Where it runs. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
}

const MAX_OUTPUT_BYTES = 64 * 1024;
const DENY_CODE = 2;

/** Several hooks are given the same event: it is written as JSON once. */
const jsonOfEvent = new WeakMap<ToolEvent, string>();
const toJson = (event: ToolEvent): string => {
  const json = jsonOfEvent.get(event) ?? `${JSON.stringify(event)}\n`;
  jsonOfEvent.set(event, json);
  return json;
};

type Exited = Extract<ProgramOutcome, { readonly kind: 'exited' }>;

const answerOnStdout = ({ stdout }: Exited): HookAnswer => {
  const text = stdout.text.trim();
  if (!text.startsWith('{')) return { kind: 'allow' }; // what it says to people
  if (stdout.leftOutBytes > 0) {
    return { kind: 'failed', why: `its answer is longer than ${MAX_OUTPUT_BYTES / 1024} KiB` };
  }
  try {
    return answerOf(JSON.parse(text));
  } catch (thrown) {
    return { kind: 'failed', why: `its answer is not JSON: ${errorMessage(thrown)}` };
  }
};

const answerOfExit = (exited: Exited, isPre: boolean): HookAnswer => {
  const { code, signal, stderr } = exited;
  if (code === 0) return isPre ? answerOnStdout(exited) : { kind: 'allow' };
  const said = stderr.text.trim();
  if (code === DENY_CODE && isPre) return { kind: 'deny', reason: reasonOf(said) };
  const how = signal === null ? `exit code ${code}` : `killed by ${signal}`;
  return { kind: 'failed', why: said === '' ? how : `${how}: ${reasonOf(said)}` };
};

export class CommandHook implements HookProcess {
  readonly #options: CommandHookOptions;
  /** Groups of late ones that are being ended. */
  readonly #ending = new Set<Promise<void>>();

  constructor(options: CommandHookOptions) {
    this.#options = options;
  }

  async ask({ phase, event, timeoutMs }: HookCall, signal: AbortSignal): Promise<HookAnswer> {
    let stdin: string;
    try {
      stdin = toJson(event);
    } catch (thrown) {
      return { kind: 'failed', why: `the event is no JSON: ${errorMessage(thrown)}` };
    }
    const { argv, dir: cwd, env } = this.#options;
    const call = { argv, cwd, env, stdin, maxOutputBytes: MAX_OUTPUT_BYTES, withinMs: timeoutMs };
    const outcome = await tryRunProgram(call, signal);
    if (outcome.kind === 'not-started') return { kind: 'failed', why: outcome.why };
    if (outcome.kind === 'exited') return answerOfExit(outcome, phase === 'pre');
    const gone = outcome.gone.then(() => void this.#ending.delete(gone));
    this.#ending.add(gone);
    return outcome.kind === 'aborted'
      ? { kind: 'aborted' }
      : { kind: 'failed', why: `it did not answer within ${timeoutMs} ms` };
  }

  async close(): Promise<void> {
    await Promise.all(this.#ending);
  }
}

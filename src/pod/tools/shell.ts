/**
 * Owns the tool `shell`: one program, given as an argv list or as a command line for `/bin/sh -c`.
 *
 * S1. It ends with the program, also when a child in the background still holds the pipes.
 * S2. An abort ends all that the call started, in whatever session or group, before the call returns.
 * S3. Memory is bounded by `max_output_bytes`, whatever the program writes (G6); what is left out is counted (G3).
 */
import type { ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as delay } from 'node:timers/promises';
import { type ShellInput, TOOL_INPUT_SCHEMAS } from '../../config/job/tool-inputs.ts';
import { CappedOutput } from '../../failopen/capped-output.ts';
import { closePipes, feedStdin, type ProgramEnding, untilEnded, whyNotStarted } from '../../failopen/program.ts';
import { openCallTree } from '../tree/open-tree.ts';
import { spawnProgram } from './tool-program.ts';
import { interrupted, type JsonObject, oneLine, type Tool, type ToolContext, type ToolResult } from './tool.ts';

const KILLED_WAIT_MS = 500;
const GRACE_MS = 2_000;
const ERROR_LINES = 20;
const ERROR_CHARS = 2_000;

const argvOf = (input: ShellInput): readonly [string, ...string[]] => {
  const [file, ...args] = input.argv ?? ['/bin/sh', '-c', input.command ?? ''];
  return [file ?? '', ...args];
};

/** Keeps and passes on what the child writes to one stream. */
const collect = (
  child: ChildProcess,
  name: 'stdout' | 'stderr',
  maxBytes: number,
  onOutput: ToolContext['onOutput'],
): CappedOutput => {
  const kept = new CappedOutput(maxBytes);
  const decoder = new StringDecoder('utf8');
  child[name]?.on('data', (chunk: Buffer) => {
    kept.push(chunk); // S3
    const text = onOutput === undefined ? '' : decoder.write(chunk);
    if (text !== '') onOutput?.(name, text);
  });
  child[name]?.on('error', () => undefined); // a pipe that breaks ends like one that closes
  return kept;
};

const lastLines = (text: string): string =>
  text.trimEnd().split('\n').slice(-ERROR_LINES).join('\n').slice(-ERROR_CHARS).toWellFormed();

const withoutLastNewline = (text: string): string => text.replace(/\r?\n$/, '');

const leftOut = (name: string, bytes: number): JsonObject =>
  bytes === 0 ? {} : { [`${name}_truncated_bytes`]: bytes };

interface Ended {
  readonly ending: ProgramEnding | undefined;
  readonly stdout: CappedOutput;
  readonly stderr: CappedOutput;
  readonly okCodes: readonly number[];
}

const toResult = ({ ending, okCodes, ...streams }: Ended): ToolResult => {
  const stdout = streams.stdout.read();
  const stderr = streams.stderr.read();
  const exited = ending?.kind === 'exited' ? ending : undefined;
  const response: JsonObject = {
    stdout: stdout.text,
    stderr: stderr.text,
    exit_code: exited?.code ?? null,
    ...(typeof exited?.signal === 'string' ? { signal: exited.signal } : {}),
    interrupted: ending === undefined,
    ...leftOut('stdout', stdout.leftOutBytes),
    ...leftOut('stderr', stderr.leftOutBytes),
  };
  if (exited === undefined) return interrupted(response);
  const { code, signal } = exited;
  if (code !== null && okCodes.includes(code)) return { ok: true, response, output: withoutLastNewline(stdout.text) };
  const what = signal === null ? `Exit code ${code}` : `Killed by ${signal}`;
  const said = lastLines(stderr.text.trim() === '' ? stdout.text : stderr.text);
  return { ok: false, error: said === '' ? what : `${what}\n${said}`, response };
};

const untilAborted = (signal: AbortSignal): { readonly promise: Promise<undefined>; readonly stop: () => void } => {
  const { promise, resolve: settle } = Promise.withResolvers<undefined>();
  const onAbort = (): void => settle(undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  return { promise, stop: () => signal.removeEventListener('abort', onAbort) };
};

const run = async (input: ShellInput, context: ToolContext): Promise<ToolResult> => {
  if (context.signal.aborted) return interrupted();
  const [file, ...args] = argvOf(input);
  const cwd = resolve(context.cwd, input.cwd ?? '.');
  const env = { ...context.env, ...input.env };
  const tree = context.tree?.branch() ?? openCallTree(env);
  await using _call = { [Symbol.asyncDispose]: tree.remove };
  let child: ChildProcess;
  try {
    child = spawnProgram({ tree, file, args, cwd, env, stdin: input.stdin === undefined ? 'closed' : 'pipe' });
  } catch (thrown) {
    return { ok: false, error: whyNotStarted(thrown, file, cwd) };
  }
  const ended = untilEnded(child);
  const stdout = collect(child, 'stdout', input.max_output_bytes, context.onOutput);
  const stderr = collect(child, 'stderr', input.max_output_bytes, context.onOutput);
  feedStdin(child, input.stdin);
  const aborted = untilAborted(context.signal);
  const ending = await Promise.race([ended, aborted.promise]);
  aborted.stop();
  if (ending === undefined && child.pid !== undefined) {
    await tree.end({ graceMs: GRACE_MS }); // S2
    await Promise.race([ended, delay(KILLED_WAIT_MS, undefined, { ref: false })]);
  }
  closePipes(child);
  if (ending?.kind === 'not-started') return { ok: false, error: whyNotStarted(ending.thrown, file, cwd) };
  return toResult({ ending, stdout, stderr, okCodes: input.ok_codes });
};

export const shellTool: Tool<ShellInput> = {
  name: 'shell',
  inputSchema: TOOL_INPUT_SCHEMAS.shell,
  describe: (input) => oneLine(input.argv?.join(' ') ?? input.command ?? ''),
  run,
};

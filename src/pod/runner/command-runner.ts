/**
 * Owns the run of a program: the whole of it is one tool call, unless it reports its own.
 *
 * M1. It is over when the program is: what it left behind is ended with the tree of the pod.
 * M2. Where it is given the caller's streams it has them itself, and on a terminal Ctrl-C is its own affair.
 */
import type { StdioOptions } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { renderTemplates, renderToolInput } from '../../config/expression/template.ts';
import type { CallResult } from '../../hooks/tool-call.ts';
import { CappedOutput } from '../../failopen/capped-output.ts';
import { closePipes, feedStdin, type ProgramEnding, untilEnded, whyNotStarted } from '../../failopen/program.ts';
import { oneLine } from '../tools/tool.ts';
import { readOutput } from './read-output.ts';
import type { Runner, RunnerContext, RunnerOutcome } from './runner.ts';

/** What the record keeps of each stream. */
const MAX_KEPT_BYTES = 256 * 1024;
const RESULT_LINES = 20;
const RESULT_CHARS = 2_000;
const KILLED_WAIT_MS = 200;

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = constants.signals;

/** As shells count: the code, or 128 and the signal's number. */
export const exitCodeOf = ({ code, signal }: { code: number | null; signal: NodeJS.Signals | null }): number =>
  code ?? 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 0);

interface Wanted {
  readonly argv: readonly [string, ...string[]];
  readonly stdin: string | undefined;
}

const wantedOf = ({ job, scope }: RunnerContext): Wanted => {
  const { command } = job;
  const given = typeof command === 'string' ? { command } : { argv: command };
  const rendered = renderToolInput('shell', given, scope) as { command?: string; argv?: string[] };
  const [file = '/bin/sh', ...args] = rendered.argv ?? ['/bin/sh', '-c', rendered.command ?? ''];
  const stdin = job.stdin === undefined ? undefined : String(renderTemplates(job.stdin, scope));
  return { argv: [file, ...args], stdin };
};

/** The program that an input names, as it is or as a hook left it. */
const argvIn = (input: unknown): Wanted['argv'] | undefined => {
  const argv: unknown = typeof input === 'object' && input !== null && 'argv' in input ? input.argv : undefined;
  if (!Array.isArray(argv) || !argv.every((word): word is string => typeof word === 'string')) return undefined;
  const [file, ...args] = argv;
  return file === undefined ? undefined : [file, ...args];
};

/** With the caller's own streams nothing stands between it and the terminal, or the pipe, byte for byte (M2). */
const stdioOf = ({ passTerminal }: RunnerContext, stdin: string | undefined): StdioOptions => {
  const output = passTerminal ? 'inherit' : 'pipe';
  return [stdin === undefined ? (passTerminal ? 'inherit' : 'ignore') : 'pipe', output, output];
};

const lastLines = (text: string): string =>
  text.trimEnd().split('\n').slice(-RESULT_LINES).join('\n').slice(-RESULT_CHARS).toWellFormed();

interface Streams {
  readonly stdout: CappedOutput;
  readonly stderr: CappedOutput;
}

/** Starts the program inside the tree of the pod and waits for its end, or for the stop and what follows it. */
const runProgram = async (context: RunnerContext, wanted: Wanted, callId: string) => {
  const { tree, stop, env, cwd, passTerminal, graceMs } = context;
  const [file, ...args] = wanted.argv;
  const isOnTerminal = passTerminal && [0, 1, 2].some((fd) => isatty(fd));
  // On a terminal it must stay in the foreground's group: another one may not read the keyboard (M2).
  const stdio = stdioOf(context, wanted.stdin);
  const child = tree.spawn({ file, args, cwd, env }, { detached: !isOnTerminal, stdio });
  const ended = untilEnded(child);
  const streams: Streams = { stdout: new CappedOutput(MAX_KEPT_BYTES), stderr: new CappedOutput(MAX_KEPT_BYTES) };
  readOutput(child, callId, context, (stream, chunk) => streams[stream].push(chunk));
  feedStdin(child, wanted.stdin);
  const aborted = Promise.withResolvers<undefined>();
  const onAbort = (): void => aborted.resolve(undefined);
  if (stop.signal.aborted) onAbort();
  else stop.signal.addEventListener('abort', onAbort, { once: true });
  const ending = await Promise.race([ended, aborted.promise]);
  stop.signal.removeEventListener('abort', onAbort);
  if (ending === undefined) {
    await tree.end({ graceMs: graceMs() });
    await Promise.race([ended, delay(KILLED_WAIT_MS, undefined, { ref: false })]);
  }
  closePipes(child);
  return { ending, streams };
};

const toCallResult = (
  ending: ProgramEnding | undefined,
  { stdout, stderr }: Streams,
  { file, cwd }: { readonly file: string; readonly cwd: string },
): CallResult => {
  const exited = ending?.kind === 'exited' ? ending : undefined;
  const response = {
    stdout: stdout.read().text,
    stderr: stderr.read().text,
    exit_code: exited?.code ?? null,
    ...(typeof exited?.signal === 'string' ? { signal: exited.signal } : {}),
  };
  if (ending === undefined) return { ok: false, error: 'Interrupted', isInterrupt: true, response };
  if (ending.kind === 'not-started') return { ok: false, error: whyNotStarted(ending.thrown, file, cwd) };
  if (ending.code === 0) return { ok: true, response };
  const what = ending.signal === null ? `Exit code ${ending.code}` : `Killed by ${ending.signal}`;
  const said = lastLines(response.stderr.trim() === '' ? response.stdout : response.stderr);
  return { ok: false, error: said === '' ? what : `${what}\n${said}`, response };
};

const toOutcome = (ending: ProgramEnding | undefined, result: CallResult): RunnerOutcome => {
  if (ending === undefined) return { kind: 'cancelled' };
  const said = ((result.response ?? {}) as { readonly stdout?: string }).stdout ?? '';
  const told = lastLines(said) === '' ? null : lastLines(said);
  if (result.ok) return { kind: 'completed', result: told };
  const exitCode = ending.kind === 'exited' ? exitCodeOf(ending) : NOT_STARTED;
  return { kind: 'failed', error: result.error, exitCode, result: told };
};

/** As shells say of a command that cannot be found. */
const NOT_STARTED = 127;

export const runCommandJob: Runner = async (context): Promise<RunnerOutcome> => {
  const { host, cwd, stop } = context;
  const wanted = wantedOf(context);
  let outcome: RunnerOutcome | undefined;
  const call = {
    tool: 'command',
    input: { argv: wanted.argv },
    what: oneLine(wanted.argv.join(' ')),
    cwd,
    source: 'hook',
    isRecorded: () => host.reportedCount === 0,
  } as const;
  const result = await host.call<CallResult>(call, async (input, callId) => {
    const argv = argvIn(input);
    if (argv === undefined) {
      const error = 'NIKA_TOOL_BAD_INPUT: command: argv is no list of texts, as the job or a hook has left it';
      outcome = { kind: 'failed', error };
      return { ok: false, error };
    }
    const { ending, streams } = await runProgram(context, { ...wanted, argv }, callId);
    const came = toCallResult(ending, streams, { file: argv[0], cwd });
    outcome = toOutcome(ending, came);
    return came;
  });
  if (outcome !== undefined) return outcome;
  if (result.ok || stop.signal.aborted) return { kind: 'cancelled' };
  return { kind: 'failed', error: result.error }; // a hook or a rule did not let it
};

/**
 * Owns one run of a program in a process group of its own: fed, its output bounded, ended at its time limit (G6).
 *
 * Y1. It ends with the program, also when a child in the background still holds the pipes.
 * Y2. Whoever waits is told at the time limit or the abort, not when the last process of the group is gone.
 */
import type { ChildProcess } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { errnoOf, errorMessage } from '../model/error.ts';
import { CappedOutput, type KeptText } from './capped-output.ts';
import { endGroup, spawnGroup } from './process-group.ts';

export type ProgramEnding =
  | { readonly kind: 'exited'; readonly code: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly kind: 'not-started'; readonly thrown: unknown };

const PIPE_GRACE_MS = 200;

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** In words: what a program that could not be started lacks. */
export const whyNotStarted = (thrown: unknown, file: string, cwd: string): string => {
  if (!isFolder(cwd)) return `the folder ${cwd} does not exist`;
  const errno = errnoOf(thrown);
  if (errno === 'ENOENT' && file.includes('/') && existsSync(resolve(cwd, file))) {
    return `cannot run ${file}: the interpreter that its first line names was not found`;
  }
  if (errno === 'ENOENT') return `command not found: ${file}`;
  if (errno === 'EACCES') return `cannot run ${file}: permission denied, or not a program`;
  if (errno === 'E2BIG') return `cannot run ${file}: its arguments and environment are too long`;
  return `cannot run ${file}: ${errorMessage(thrown)}`;
};

/** How the program ended: once its pipes are closed, or 200 ms after its exit with what the pipes held by then (Y1). */
export const untilEnded = (child: ChildProcess): Promise<ProgramEnding> => {
  const { promise, resolve: settle } = Promise.withResolvers<ProgramEnding>();
  let timer: NodeJS.Timeout | undefined;
  child.once('error', (thrown) => settle({ kind: 'not-started', thrown }));
  child.once('exit', (code, signal) => {
    timer = setTimeout(() => settle({ kind: 'exited', code, signal }), PIPE_GRACE_MS);
  });
  child.once('close', (code, signal) => {
    clearTimeout(timer);
    settle({ kind: 'exited', code, signal });
  });
  return promise;
};

/** Writes as the program reads: one that reads nothing holds nobody. */
export const feedStdin = (child: ChildProcess, text: string | undefined): void => {
  child.stdin?.on('error', () => undefined); // EPIPE: the program does not want to read it all
  child.stdin?.end(text);
};

export const closePipes = (child: ChildProcess): void => {
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
};

export interface ProgramCall {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  /** Of stdout, and of stderr; the middle of what is longer is left out. */
  readonly maxOutputBytes: number;
  readonly withinMs: number;
}

export type ProgramOutcome =
  | {
      readonly kind: 'exited';
      readonly code: number | null;
      readonly signal: NodeJS.Signals | null;
      readonly stdout: KeptText;
      readonly stderr: KeptText;
    }
  | { readonly kind: 'not-started'; readonly why: string }
  /** `gone` resolves when its group is ended; it never rejects. */
  | { readonly kind: 'late' | 'aborted'; readonly gone: Promise<void> };

const collect = (child: ChildProcess, name: 'stdout' | 'stderr', maxBytes: number): CappedOutput => {
  const kept = new CappedOutput(maxBytes);
  child[name]?.on('data', (chunk: Buffer) => kept.push(chunk));
  child[name]?.on('error', () => undefined); // a pipe that breaks ends like one that closes
  return kept;
};

/** Settles at the time limit or the abort, whichever is first. */
const untilStopped = (withinMs: number, signal: AbortSignal) => {
  const { promise, resolve: settle } = Promise.withResolvers<{ readonly kind: 'late' | 'aborted' }>();
  const onAbort = (): void => settle({ kind: 'aborted' });
  const timer = setTimeout(() => settle({ kind: 'late' }), withinMs);
  signal.addEventListener('abort', onAbort, { once: true });
  const stop = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  };
  return { promise, stop };
};

const start = ({ argv: [file, ...args], cwd, env }: ProgramCall): ChildProcess | { readonly thrown: unknown } => {
  try {
    return spawnGroup({ file, args, cwd, env, stdin: 'pipe' });
  } catch (thrown) {
    return { thrown };
  }
};

/** Runs a program to its end, its time limit or the abort. Never rejects. */
export const tryRunProgram = async (call: ProgramCall, signal: AbortSignal): Promise<ProgramOutcome> => {
  const { argv, cwd, stdin, maxOutputBytes, withinMs } = call;
  if (signal.aborted) return { kind: 'aborted', gone: Promise.resolve() };
  const notStarted = (thrown: unknown): ProgramOutcome => ({
    kind: 'not-started',
    why: whyNotStarted(thrown, argv[0], cwd),
  });
  const child = start(call);
  if ('thrown' in child) return notStarted(child.thrown);
  const ended = untilEnded(child);
  const stdout = collect(child, 'stdout', maxOutputBytes);
  const stderr = collect(child, 'stderr', maxOutputBytes);
  feedStdin(child, stdin);
  const stopped = untilStopped(withinMs, signal);
  const first = await Promise.race([ended, stopped.promise]);
  stopped.stop();
  closePipes(child);
  if (first.kind === 'not-started') return notStarted(first.thrown);
  if (first.kind === 'exited') return { ...first, stdout: stdout.read(), stderr: stderr.read() };
  return { kind: first.kind, gone: child.pid === undefined ? Promise.resolve() : endGroup(child.pid) }; // Y2
};

/**
 * Owns how git is run: its own program, in bounded time, led astray by nothing that stands in the caller's environment.
 *
 * W1. No hook, file watcher, prompt or garbage collection of the repository is started by what nika does for itself.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type ProgramCall, tryRunProgram } from '../../../failopen/program.ts';
import { NikaError } from '../../../model/error.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface GitCall {
  /** Absolute: where it runs. */
  readonly dir: string;
  readonly args: readonly string[];
  readonly env: Env;
  /** Set besides: an index, a place for objects. */
  readonly set?: Readonly<Record<string, string>>;
  readonly withinMs?: number;
}

export type GitOutcome =
  | { readonly kind: 'done'; readonly stdout: string }
  /** `why`: git's own words, or why it could not be started (`code` is null then). */
  | { readonly kind: 'failed'; readonly code: number | null; readonly why: string }
  | { readonly kind: 'late' | 'aborted'; readonly why: string };

/** Those that name a repository: git sets them for its hooks, and whoever starts a pod from one hands them on. */
const OF_A_REPOSITORY: readonly string[] = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_COMMON_DIR',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_NAMESPACE',
  'GIT_PREFIX',
  'GIT_CONFIG',
  'GIT_GRAFT_FILE',
  'GIT_SHALLOW_FILE',
  'GIT_REPLACE_REF_BASE',
  'GIT_NO_REPLACE_OBJECTS',
  'GIT_IMPLICIT_WORK_TREE',
  'GIT_QUARANTINE_PATH',
];

/** The environment without what would lead git to another repository than the one of the folder that it runs in. */
export const withoutRepository = (env: Env): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value === undefined || OF_A_REPOSITORY.includes(name) ? [] : [[name, value]],
    ),
  );

/** W1, and nothing of a person's configuration that changes what is printed. */
const QUIETLY: readonly string[] = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.splitIndex=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'core.quotePath=false',
  'color.ui=false',
  'advice.addEmbeddedRepo=false',
].flatMap((setting) => ['-c', setting]);

const OWN_ENV = {
  LC_ALL: 'C', // its words are read here
  GIT_OPTIONAL_LOCKS: '0',
  GIT_TERMINAL_PROMPT: '0',
  GIT_PAGER: 'cat',
} as const;

const ASK_BUDGET_MS = 10_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
const MAX_WORDS = 2_000;

/** The lines in which git says what is wrong; all of them where none is marked. */
const wordsOf = (stderr: string): string => {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const marked = lines.filter((line) => /^(?:fatal|error): /.test(line));
  const said = (marked.length > 0 ? marked : lines).map((line) => line.replace(/^(?:fatal|error): /, '').trim());
  return [...new Set(said)].join('; ').slice(0, MAX_WORDS).toWellFormed();
};

/** Runs git to its end. Never rejects. */
export const tryGit = async (
  { dir, args, env, set = {}, withinMs = ASK_BUDGET_MS }: GitCall,
  signal: AbortSignal,
): Promise<GitOutcome> => {
  const call: ProgramCall = {
    argv: ['git', ...QUIETLY, ...args],
    cwd: dir,
    env: { ...withoutRepository(env), ...OWN_ENV, ...set },
    stdin: '',
    maxOutputBytes: MAX_OUTPUT_BYTES,
    withinMs,
  };
  const outcome = await tryRunProgram(call, signal);
  switch (outcome.kind) {
    case 'exited': {
      const { code, signal: by, stdout, stderr } = outcome;
      if (code === 0) return { kind: 'done', stdout: stdout.text };
      return { kind: 'failed', code, why: wordsOf(stderr.text) || `git ${args[0] ?? ''} ended with ${by ?? code}` };
    }
    case 'not-started':
      return { kind: 'failed', code: null, why: outcome.why };
    case 'late':
      return { kind: 'late', why: `git ${args[0] ?? ''} did not end within ${withinMs / 1000} s` };
    case 'aborted':
      return { kind: 'aborted', why: `git ${args[0] ?? ''} was stopped` };
  }
};

/** What it printed, without the line feed at its end. @throws {NikaError} `NIKA_WORKTREE_FAILED` */
export const askGit = async (call: GitCall, signal: AbortSignal): Promise<string> => {
  const outcome = await tryGit(call, signal);
  if (outcome.kind === 'done') return outcome.stdout.replace(/\n$/, '');
  throw new NikaError('NIKA_WORKTREE_FAILED', `git: ${outcome.why}`, { subject: call.dir });
};

const BUSY_BUDGET_MS = 15_000;
const FIRST_WAIT_MS = 20;
const MAX_WAIT_MS = 500;

/** Another git works in the repository at this moment: a lock, or a folder that one removes while the other needs it. */
const isBusy = (why: string): boolean =>
  !/no space left/i.test(why) &&
  /\.lock'?: File exists|could not lock|\.lock'?: No such file|unable to create directory|could not create (?:leading )?director|unable to read .*worktrees|failed to read .*worktrees/i.test(
    why,
  );

/** The same for what writes: tried again, for a while, where another git is in its way. Never rejects. */
export const tryGitPatiently = async (call: GitCall, signal: AbortSignal): Promise<GitOutcome> => {
  const untilMs = performance.now() + BUSY_BUDGET_MS;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, MAX_WAIT_MS)) {
    const outcome = await tryGit(call, signal);
    if (outcome.kind !== 'failed' || !isBusy(outcome.why) || performance.now() > untilMs) return outcome;
    try {
      await delay(waitMs * (0.5 + Math.random()), undefined, { signal }); // those that collided do not meet again
    } catch {
      return outcome;
    }
  }
};

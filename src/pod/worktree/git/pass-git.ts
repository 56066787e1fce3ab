/** Owns git as a person called it: with their terminal, pager, editor and hooks, for as long as it takes. */
import { spawn } from 'node:child_process';
import { NikaError } from '../../../model/error.ts';
import { untilEnded, whyNotStarted } from '../../../failopen/program.ts';
import { withoutRepository } from './git.ts';

export interface PassedCall {
  /** Absolute: where it runs. */
  readonly dir: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Set besides. */
  readonly set?: Readonly<Record<string, string>>;
  /** Where its output goes: standard output, or standard error where that is for something else. */
  readonly output?: 'stdout' | 'stderr';
}

const STDERR = 2;
const EXIT_INTERRUPTED = 130;

/** Nothing is collected as garbage, and no watcher is started, by what nika calls. */
const SETTINGS = ['gc.auto=0', 'maintenance.auto=false', 'core.fsmonitor=false'].flatMap((setting) => ['-c', setting]);

/** Ctrl-C is for the program that has the terminal (a pager, an editor): that one ends, and with it the wait. */
const leaveCtrlC = (): Disposable => {
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  return { [Symbol.dispose]: () => process.removeListener('SIGINT', ignore) };
};

/** Its exit code; a reader that has seen enough (`| head`) is a good end. @throws {NikaError} `NIKA_WORKTREE_FAILED` */
export const passGit = async ({ dir, args, env, set = {}, output = 'stdout' }: PassedCall): Promise<number> => {
  using _ctrlC = leaveCtrlC();
  const out = output === 'stdout' ? 'inherit' : STDERR;
  const child = spawn('git', [...SETTINGS, ...args], {
    cwd: dir,
    env: { ...withoutRepository(env), ...set },
    stdio: ['inherit', out, 'inherit'],
  });
  const ended = await untilEnded(child);
  if (ended.kind === 'not-started') {
    throw new NikaError('NIKA_WORKTREE_FAILED', whyNotStarted(ended.thrown, 'git', dir), { subject: 'git' });
  }
  if (ended.signal === 'SIGPIPE') return 0;
  return ended.code ?? EXIT_INTERRUPTED;
};

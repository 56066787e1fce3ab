/** Owns what is asked of the checkout that a pod is started in: where it is, from which commit and under which name to begin. */
import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { NikaError } from '../../../model/error.ts';
import { askGit, tryGit } from './git.ts';

type Env = Readonly<Record<string, string | undefined>>;

const NEVER = new AbortController().signal;
const STATUS_BUDGET_MS = 5_000;

export const OTHER_BRANCH = 'Name another one: --branch, or worktree.branch of the job.';

export const refused = (message: string, subject: string, remedy?: string): NikaError =>
  new NikaError('NIKA_WORKTREE_REFUSED', message, { subject, ...(remedy === undefined ? {} : { remedy }) });

export const isFolder = (path: string): boolean => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    return false; // a folder on the way that may not be read
  }
};

/** The path with all links followed as far as it is there. */
export const realOf = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    return dirname(path) === path ? path : join(realOf(dirname(path)), basename(path));
  }
};

export const isWithin = (path: string, dir: string): boolean =>
  path === dir || path.startsWith(dir.endsWith(sep) ? dir : dir + sep);

export interface Checkout {
  /** Its topmost folder, all links followed. */
  readonly top: string;
  readonly gitDir: string;
  /** Of the folder asked about, below the top; empty: the top itself. */
  readonly prefix: string;
}

/** @throws {NikaError} `NIKA_WORKTREE_REFUSED`: there is none, or none that a worktree can be made of */
export const readCheckout = async (cwd: string, env: Env): Promise<Checkout> => {
  const args = ['rev-parse', '--is-inside-work-tree', '--is-bare-repository', '--git-common-dir'];
  const outcome = await tryGit({ dir: cwd, args, env }, NEVER);
  if (outcome.kind !== 'done') {
    const { why } = outcome;
    if (why.startsWith('command not found')) {
      throw refused(
        'a worktree needs git, which is not installed',
        'git',
        'Install git, on Debian with "sudo apt-get install git".',
      );
    }
    if (outcome.kind !== 'failed') throw new NikaError('NIKA_WORKTREE_FAILED', `git: ${why}`, { subject: cwd });
    if (!/not a git repository/.test(why)) throw refused(`no worktree of ${cwd}: ${why}`, cwd);
    const isNamed = (env['GIT_DIR'] ?? '') !== '' ? ' (GIT_DIR is not followed)' : '';
    throw refused(
      `${cwd} is in no git repository, so no worktree can be made of it${isNamed}`,
      cwd,
      'Go into a repository, or leave the worktree away.',
    );
  }
  const [isInside, isBare, common = ''] = outcome.stdout.split('\n');
  if (isInside !== 'true') {
    const what = isBare === 'true' ? 'a bare repository, which has no files' : 'the inside of a .git folder';
    throw refused(`${cwd} is ${what}; a worktree is made of a checkout`, cwd, 'Go into a checkout of it.');
  }
  const top = await askGit({ dir: cwd, args: ['rev-parse', '--show-toplevel'], env }, NEVER);
  return { top: realOf(top), gitDir: realOf(resolve(cwd, common)), prefix: relative(realOf(top), realOf(cwd)) };
};

/** The commit of a revision. @throws {NikaError} `NIKA_WORKTREE_REFUSED` */
export const readBase = async (top: string, base: string | undefined, env: Env): Promise<string> => {
  const revision = `${base ?? 'HEAD'}^{commit}`;
  const outcome = await tryGit(
    { dir: top, args: ['rev-parse', '--verify', '--quiet', '--end-of-options', revision], env },
    NEVER,
  );
  if (outcome.kind === 'done') return outcome.stdout.trim();
  if (outcome.kind !== 'failed') throw new NikaError('NIKA_WORKTREE_FAILED', `git: ${outcome.why}`, { subject: top });
  if (base !== undefined)
    throw refused(`${base}: no such revision in ${top}`, base, 'See "git log --oneline --all", or leave "base" away.');
  throw refused(`${top} has no commit yet, so there is nothing to begin from`, top, 'Commit something first.');
};

/** @throws {NikaError} `NIKA_WORKTREE_REFUSED`: it is there, or cannot be one */
export const checkBranch = async (branch: string, gitDir: string, env: Env): Promise<void> => {
  const named = await tryGit({ dir: gitDir, args: ['check-ref-format', `refs/heads/${branch}`], env }, NEVER);
  if (named.kind !== 'done' || branch.startsWith('-'))
    throw refused(`"${branch}" cannot be the name of a branch`, branch, OTHER_BRANCH);
  const args = ['for-each-ref', '--format=%(refname)', `refs/heads/${branch.split('/')[0]}`];
  const names = (await askGit({ dir: gitDir, args, env }, NEVER))
    .split('\n')
    .map((ref) => ref.replace('refs/heads/', ''));
  // git keeps branches as files: where `a` is one, no `a/b` can be.
  const there = names.find((name) => isWithin(name, branch) || isWithin(branch, name));
  if (there === undefined) return;
  const why = there === branch ? 'is there already' : `cannot be made beside the branch ${there}`;
  throw refused(`the branch ${branch} ${why}`, branch, OTHER_BRANCH);
};

/** In words, how much of the caller's checkout is not committed; `undefined`: nothing, or git took too long to say. */
export const readLeftBehind = async (top: string, env: Env): Promise<string | undefined> => {
  const args = ['status', '--porcelain', '-z', '--no-renames', '--untracked-files=normal'];
  const outcome = await tryGit({ dir: top, args, env, withinMs: STATUS_BUDGET_MS }, NEVER);
  if (outcome.kind !== 'done') return undefined;
  const entries = outcome.stdout.split('\0').filter((entry) => entry !== '');
  const untracked = entries.filter((entry) => entry.startsWith('??')).length;
  const changed = entries.length - untracked;
  const parts = [
    ...(changed === 0 ? [] : [`${changed} changed`]),
    ...(untracked === 0 ? [] : [`${untracked} untracked`]),
  ];
  if (parts.length === 0) return undefined;
  return `${parts.join(' and ')} ${entries.length === 1 ? 'path' : 'paths'} of ${top}`;
};

/** Of a folder below the top of its checkout, where that is of the repository; else empty. */
export const readPrefix = async (cwd: string, gitDir: string, env: Env): Promise<string> => {
  if (!isFolder(cwd)) return '';
  const common = await tryGit({ dir: cwd, args: ['rev-parse', '--git-common-dir'], env }, NEVER);
  if (common.kind !== 'done' || realOf(resolve(cwd, common.stdout.trim())) !== gitDir) return '';
  return (await readCheckout(cwd, env)).prefix;
};

/**
 * Owns how a worktree stands: where its HEAD and its branch are, what is not committed, and whether it holds work that
 * would be lost with it.
 */
import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { NikaError } from '../../../model/error.ts';
import type { WorktreeRecord } from '../../registry/pod-record.ts';
import { askGit, tryGit } from './git.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What names a worktree for git. */
export type WorktreeRef = Pick<WorktreeRecord, 'path' | 'branch' | 'base' | 'git_dir'>;

export interface WorktreeTip {
  /** The commit that is checked out in it. */
  readonly head: string;
  /** The commit of its branch; `undefined`: there is no such branch any more. */
  readonly tip: string | undefined;
  /** Paths that differ from what is committed, untracked ones too; what git ignores does not count. */
  readonly uncommitted: readonly string[];
  /** Why git itself would not remove it. */
  readonly guard: string | undefined;
}

const realOf = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    return path; // gone: it equals nothing else
  }
};

const notIt = ({ path }: WorktreeRef): NikaError =>
  new NikaError('NIKA_WORKTREE_NONE', `${path} is no git worktree any more`, { subject: path });

/**
 * Git's own folder of the worktree. A folder that lost its `.git` would be taken for a part of the repository around it.
 * @throws {NikaError} `NIKA_WORKTREE_NONE`, `NIKA_WORKTREE_FAILED`
 */
const adminDirOf = async (worktree: WorktreeRef, env: Env, signal: AbortSignal): Promise<string> => {
  const { path, git_dir: gitDir } = worktree;
  if (!existsSync(join(path, '.git'))) throw notIt(worktree);
  const args = ['rev-parse', '--show-toplevel', '--git-common-dir', '--git-dir'];
  const [top = '', common = '', own = ''] = (await askGit({ dir: path, args, env }, signal)).split('\n');
  const isIt = realOf(top) === realOf(path) && realOf(resolve(path, common)) === realOf(gitDir);
  if (!isIt) throw notIt(worktree);
  return resolve(path, own);
};

const guardOf = (adminDir: string): string | undefined => {
  if (existsSync(join(adminDir, 'locked'))) return 'it is locked (git worktree unlock)';
  return existsSync(join(adminDir, 'modules')) ? 'submodules were checked out in it' : undefined;
};

/** The commit of a branch; `undefined`: there is none of that name. */
export const readBranch = async (
  { branch, git_dir: dir }: Pick<WorktreeRef, 'branch' | 'git_dir'>,
  env: Env,
  signal: AbortSignal,
): Promise<string | undefined> => {
  const args = ['rev-parse', '--verify', '--quiet', `refs/heads/${branch}^{commit}`];
  const outcome = await tryGit({ dir, args, env }, signal);
  if (outcome.kind === 'done') return outcome.stdout.trim();
  if (outcome.kind === 'failed' && outcome.code !== null) return undefined;
  throw new NikaError('NIKA_WORKTREE_FAILED', `git: ${outcome.why}`, { subject: branch });
};

/** @throws {NikaError} `NIKA_WORKTREE_NONE`: it is gone; `NIKA_WORKTREE_FAILED` */
export const readTip = async (worktree: WorktreeRef, env: Env, signal: AbortSignal): Promise<WorktreeTip> => {
  const { path: dir } = worktree;
  const adminDir = await adminDirOf(worktree, env, signal);
  const head = await askGit({ dir, args: ['rev-parse', '--verify', 'HEAD^{commit}'], env }, signal);
  const tip = await readBranch(worktree, env, signal);
  // Whatever a person's configuration hides of it: what is not seen here is thrown away with the worktree.
  const args = ['status', '--porcelain', '-z', '--untracked-files=normal', '--ignore-submodules=none', '--no-renames'];
  const status = await askGit({ dir, args, env }, signal);
  const uncommitted = status.split('\0').flatMap((entry) => (entry === '' ? [] : [entry.slice(3)]));
  return { head, tip, uncommitted, guard: guardOf(adminDir) };
};

/** What would be lost with the worktree and its branch; `undefined`: nothing was done in it since its base. */
export const whyHeld = ({ base }: Pick<WorktreeRef, 'base'>, tip: WorktreeTip): string | undefined => {
  const { length: count } = tip.uncommitted;
  if (count > 0) return `${count} ${count === 1 ? 'path is' : 'paths are'} not committed`;
  if (tip.head !== base || tip.tip !== base) return 'commits were made in it';
  return tip.guard;
};

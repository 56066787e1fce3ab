/** Owns the checkout that a pod's branch is merged into: what it has checked out, and why nothing can be merged there. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { NikaError } from '../../model/error.ts';
import type { WorktreeRecord } from '../registry/pod-record.ts';
import { readCheckout } from './git/checkout.ts';
import { askGit, tryGit } from './git/git.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface MergeTarget {
  /** Topmost folder of the checkout. */
  readonly top: string;
  /** The branch that is checked out. */
  readonly branch: string;
}

const NEVER = new AbortController().signal;

export const mergeRefused = (message: string, subject: string, remedy?: string): NikaError =>
  new NikaError('NIKA_MERGE_REFUSED', message, { subject, ...(remedy === undefined ? {} : { remedy }) });

/** Paths that a merge could not settle. */
export const readUnmerged = async (top: string, env: Env): Promise<readonly string[]> => {
  const args = ['diff', '--name-only', '--diff-filter=U', '-z'];
  return (await askGit({ dir: top, args, env }, NEVER)).split('\0').filter((path) => path !== '');
};

/** What is under way there: it has to be ended first. */
const underWay = async (top: string, env: Env): Promise<string | undefined> => {
  for (const [file, what] of [
    ['MERGE_HEAD', 'a merge'],
    ['CHERRY_PICK_HEAD', 'a cherry-pick'],
    ['rebase-merge', 'a rebase'],
    ['rebase-apply', 'a rebase'],
  ] as const) {
    const path = await askGit({ dir: top, args: ['rev-parse', '--git-path', file], env }, NEVER);
    if (existsSync(resolve(top, path))) return what;
  }
  return undefined;
};

/** @throws {NikaError} `NIKA_MERGE_REFUSED`, `NIKA_WORKTREE_REFUSED`: no repository; `NIKA_WORKTREE_FAILED` */
export const readMergeTarget = async (cwd: string, worktree: WorktreeRecord, env: Env): Promise<MergeTarget> => {
  const { top, gitDir } = await readCheckout(cwd, env);
  if (gitDir !== worktree.git_dir) {
    const remedy = `Go into a checkout of ${worktree.git_dir}, on the branch that is to get it.`;
    throw mergeRefused(`${top} is another repository than that of ${worktree.branch}`, top, remedy);
  }
  if (top === worktree.path) {
    throw mergeRefused('this is the worktree of the pod itself', top, 'Go into the checkout that is to get its work.');
  }
  const head = await tryGit({ dir: top, args: ['symbolic-ref', '--quiet', '--short', 'HEAD'], env }, NEVER);
  if (head.kind !== 'done') {
    throw mergeRefused(`no branch is checked out in ${top}`, top, 'Check one out first: git switch <branch>.');
  }
  const busy = await underWay(top, env);
  if (busy !== undefined) {
    throw mergeRefused(`${busy} is under way in ${top}`, top, 'End it first: git status says how.');
  }
  return { top, branch: head.stdout.trim() };
};

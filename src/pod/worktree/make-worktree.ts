/**
 * Owns how a worktree and its branch come to be: both are claimed exclusively, and where one of them cannot be made nothing
 * of them is left.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bestEffort, bestEffortSync } from '../../failopen/best-effort.ts';
import { makeFolder } from '../../failopen/make-folder.ts';
import { errnoOf, errorMessage, NikaError } from '../../model/error.ts';
import { OTHER_BRANCH, refused } from './git/checkout.ts';
import { type GitOutcome, tryGitPatiently } from './git/git.ts';
import type { WorktreePlan } from './plan-worktree.ts';
import { removeWorktree } from './remove-worktree.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface MakeOptions {
  readonly env: Env;
  readonly withinMs: number;
}

const DIR_MODE = 0o700;
const UNDO_BUDGET_MS = 30_000;

/** The folder itself; two that want the same one do not both get it. @throws {NikaError} */
const claimFolder = ({ worktree: { path }, isInDir }: WorktreePlan): void => {
  try {
    const isDirNew = isInDir && !existsSync(dirname(path));
    makeFolder(dirname(path), DIR_MODE);
    // It may be inside of somebody's checkout. One that was there already is not nika's to hide.
    if (isDirNew) writeFileSync(join(dirname(path), '.gitignore'), '*\n', { mode: 0o600 });
    mkdirSync(path, { mode: DIR_MODE });
  } catch (thrown) {
    const errno = errnoOf(thrown) ?? errorMessage(thrown);
    if (errno === 'EEXIST' && existsSync(path)) throw refused(`the folder ${path} is there already`, path);
    throw new NikaError('NIKA_WORKTREE_FAILED', `the folder ${path} cannot be made: ${errno}`, {
      subject: path,
      remedy: 'Make room or get the right to write there; or name another folder in worktrees.dir.',
      cause: thrown,
    });
  }
};

type Made =
  | GitOutcome
  /** Somebody else made a branch of that name since it was looked for. */
  | { readonly kind: 'taken' };

const undo = async ({ worktree }: WorktreePlan, env: Env, hasBranch: boolean): Promise<void> => {
  const options = { env, tip: hasBranch ? worktree.base : undefined };
  await bestEffort('worktree.undo', { withinMs: UNDO_BUDGET_MS }, (signal) =>
    removeWorktree(worktree, options, signal),
  );
};

/** One that an earlier attempt made is gone on with, where its worktree is gone. */
const claimBranch = async ({ worktree, kind }: WorktreePlan, env: Env, signal: AbortSignal): Promise<Made> => {
  const { branch, base, git_dir: dir } = worktree;
  const args = ['update-ref', '-m', 'branch: created by nika', `refs/heads/${branch}`, base, '0'.repeat(base.length)];
  const claimed = await tryGitPatiently({ dir, args, env }, signal);
  if (claimed.kind !== 'failed' || !/already exists/.test(claimed.why)) return claimed;
  return kind === 'earlier' ? { kind: 'done', stdout: '' } : { kind: 'taken' };
};

const addWorktree = ({ worktree, kind }: WorktreePlan, { env, withinMs }: MakeOptions, signal: AbortSignal) => {
  const { path, branch, git_dir: dir } = worktree;
  const force = kind === 'earlier' ? ['--force'] : []; // git may still know the one whose folder is gone
  return tryGitPatiently(
    { dir, args: ['worktree', 'add', '--quiet', ...force, '--', path, branch], env, withinMs },
    signal,
  );
};

/**
 * Makes it. `aborted`: it was stopped before.
 * @throws {NikaError} `NIKA_WORKTREE_REFUSED`, `NIKA_WORKTREE_FAILED`
 */
export const makeWorktree = async (
  plan: WorktreePlan,
  options: MakeOptions,
  signal: AbortSignal,
): Promise<'made' | 'aborted'> => {
  const { path, branch } = plan.worktree;
  claimFolder(plan);
  const claimed = await claimBranch(plan, options.env, signal);
  const made = claimed.kind === 'done' ? await addWorktree(plan, options, signal) : claimed;
  if (made.kind === 'done') {
    bestEffortSync('worktree.folder', () => makeFolder(plan.cwd)); // one that is not committed is not in it
    return 'made';
  }
  await undo(plan, options.env, claimed.kind === 'done' && plan.kind === 'new');
  if (made.kind === 'aborted') return 'aborted';
  if (made.kind === 'taken') throw refused(`the branch ${branch} is there already`, branch, OTHER_BRANCH);
  // git does not say why it could not write
  const isDisk = /unable to (?:write|create)|no space left/i.test(made.why);
  const remedy = `Look whether the disk has room, "df -h ${dirname(path)}"; or name another folder in worktrees.dir.`;
  throw new NikaError('NIKA_WORKTREE_FAILED', `the worktree cannot be made: ${made.why}`, {
    subject: path,
    ...(isDisk ? { remedy } : {}),
  });
};

/**
 * Owns how a worktree and its branch are removed, and who may still be in it.
 *
 * R1. At no moment is there half a worktree: it is moved out of the way as a whole, git forgets it, and then it is deleted.
 * R2. A branch is deleted only while it is where it was seen, and nowhere checked out.
 */
import { existsSync, readdirSync, renameSync, statSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { tryRunProgram } from '../../failopen/program.ts';
import { NikaError } from '../../model/error.ts';
import { randomBase32 } from '../../model/id.ts';
import { isLiving, statusOf } from '../registry/pod-status.ts';
import { readRecords } from '../registry/record-file.ts';
import { tryGit, tryGitPatiently, withoutRepository } from './git/git.ts';
import type { WorktreeRef } from './git/worktree-tip.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface RemoveOptions {
  readonly env: Env;
  /** Where the branch was seen; `undefined`: there is none, or it is to stay. */
  readonly tip: string | undefined;
  /** Told once git has forgotten it: what follows is only deleting. */
  readonly onForgotten?: () => void;
}

const REMOVED = '.removed-';
const DELETE_BUDGET_MS = 5 * 60_000;

const tryMove = (from: string, to: string): boolean =>
  bestEffortSync('worktree.move', () => {
    renameSync(from, to);
    return true;
  }) ?? false;

/** `rm`, which can be ended where a disk hangs. */
const deleteFolder = async (path: string, env: Env, signal: AbortSignal): Promise<void> => {
  const argv = ['rm', '-rf', '--', path] as const;
  const call = { argv, cwd: '/', env: withoutRepository(env), stdin: '', maxOutputBytes: 4096 };
  await tryRunProgram({ ...call, withinMs: DELETE_BUDGET_MS }, signal);
};

/** R2. What was configured for the branch goes with it, as by `git branch -D`. */
const removeBranch = async (
  { branch, git_dir: dir }: WorktreeRef,
  { env, tip }: RemoveOptions,
  signal: AbortSignal,
): Promise<void> => {
  if (tip === undefined) return;
  const ref = `refs/heads/${branch}`;
  const checkedOut = await tryGit({ dir, args: ['for-each-ref', '--format=%(worktreepath)', ref], env }, signal);
  if (checkedOut.kind !== 'done' || checkedOut.stdout.trim() !== '') return;
  const removed = await tryGitPatiently({ dir, args: ['update-ref', '-d', ref, tip], env }, signal);
  if (removed.kind !== 'done') return;
  const configured = await tryGit(
    { dir, args: ['config', '--local', '--get-regexp', `^branch\\.${escaped(branch)}\\.`], env },
    signal,
  );
  if (configured.kind !== 'done') return;
  await tryGitPatiently({ dir, args: ['config', '--local', '--remove-section', `branch.${branch}`], env }, signal);
};

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`);

/** Makes git forget the worktree, whose folder is no longer there. @throws {NikaError} `NIKA_WORKTREE_FAILED` */
const forget = async ({ path, git_dir: dir }: WorktreeRef, env: Env, signal: AbortSignal): Promise<void> => {
  if (!existsSync(dir)) return; // nor is the repository
  const forgotten = await tryGitPatiently({ dir, args: ['worktree', 'remove', '--force', path], env }, signal);
  if (forgotten.kind === 'done' || /is not a working tree/.test(forgotten.why)) return;
  throw new NikaError('NIKA_WORKTREE_FAILED', `git: ${forgotten.why}`, { subject: path });
};

/**
 * Removes both; what stands in the worktree is lost. @throws {NikaError} `NIKA_WORKTREE_FAILED`: it is there as before
 */
export const removeWorktree = async (
  worktree: WorktreeRef,
  options: RemoveOptions,
  signal: AbortSignal,
): Promise<void> => {
  const { path } = worktree;
  const { env } = options;
  const aside = join(dirname(path), `${REMOVED}${basename(path)}-${randomBase32(6)}`);
  const isMoved = tryMove(path, aside);
  await forget(worktree, env, signal).catch((thrown: unknown) => {
    if (isMoved) tryMove(aside, path);
    throw thrown;
  });
  options.onForgotten?.();
  await removeBranch(worktree, options, signal);
  if (isMoved) await deleteFolder(aside, env, signal);
};

/** One that is being removed may still come back, where git does not let it go. */
const SWEPT_AFTER_MS = 10 * 60_000;

/** Deletes what earlier removals could not delete to the end (R1). */
export const sweepRemoved = async (dir: string, env: Env, signal: AbortSignal): Promise<void> => {
  const names = bestEffortSync('worktree.sweep', () => (existsSync(dir) ? readdirSync(dir) : [])) ?? [];
  for (const name of names.filter((each) => each.startsWith(REMOVED))) {
    const path = join(dir, name);
    const movedAtMs = statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? Infinity;
    if (movedAtMs < Date.now() - SWEPT_AFTER_MS) await deleteFolder(path, env, signal);
  }
};

/** A pod, not the owner, that lives and works in it; `undefined`: none. */
export const otherPodIn = (runDir: string, path: string, owner: string): string | undefined =>
  readRecords(runDir).find((record) => {
    const isIn = record.cwd === path || record.cwd.startsWith(path + sep);
    return isIn && record.entity !== owner && isLiving(statusOf(record));
  })?.entity;

/**
 * Owns what was changed in a worktree since its base: what is committed, what is not, and files that git does not know yet.
 *
 * V1. The worktree's index is not touched: a copy of it learns of the untracked files, and what git would store of them
 *     goes with that copy.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { bestEffortSync } from '../../../failopen/best-effort.ts';
import { askGit, tryGit } from './git.ts';
import type { WorktreeRef } from './worktree-tip.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface ChangeCounts {
  readonly commits: number;
  readonly files: number;
  readonly insertions: number;
  readonly deletions: number;
}

export interface Changes extends ChangeCounts {
  /** As `git diff --stat` tells them, at most 50 files; empty: none. */
  readonly summary: string;
}

const INDEX_BUDGET_MS = 60_000;
const DIFF_BUDGET_MS = 60_000;

/** An index that knows of the untracked files, for as long as it is held (V1). */
export interface WholeIndex extends Disposable {
  /** The environment that makes git use it. */
  readonly set: Readonly<Record<string, string>>;
  /** Why some untracked files may be missing. */
  readonly gap: string | undefined;
}

/** @throws {NikaError} `NIKA_WORKTREE_FAILED`, or a system error */
export const openWholeIndex = async (path: string, env: Env, signal: AbortSignal): Promise<WholeIndex> => {
  const dir = mkdtempSync(join(tmpdir(), 'nika-index-'));
  const index: Disposable = {
    [Symbol.dispose]: () => bestEffortSync('worktree.index', () => rmSync(dir, { recursive: true, force: true })),
  };
  try {
    const args = ['rev-parse', '--git-path', 'index', '--git-path', 'objects'];
    const [own = '', objects = ''] = (await askGit({ dir: path, args, env }, signal)).split('\n');
    const copy = join(dir, 'index');
    const source = resolve(path, own);
    if (existsSync(source)) copyFileSync(source, copy);
    mkdirSync(join(dir, 'objects'));
    const set = { GIT_INDEX_FILE: copy };
    const elsewhere = {
      GIT_OBJECT_DIRECTORY: join(dir, 'objects'),
      GIT_ALTERNATE_OBJECT_DIRECTORIES: resolve(path, objects),
    };
    const add = ['add', '--intent-to-add', '--ignore-errors', '--', '.'];
    const call = { dir: path, args: add, env, set: { ...set, ...elsewhere }, withinMs: INDEX_BUDGET_MS };
    const added = await tryGit(call, signal);
    return { set, gap: added.kind === 'done' ? undefined : added.why, [Symbol.dispose]: index[Symbol.dispose] };
  } catch (thrown) {
    index[Symbol.dispose]();
    throw thrown;
  }
};

const STAT = ['--stat=100', '--stat-count=50'] as const;
/** What a person configured to look at single files does not change what is counted. */
const PLAIN = ['--no-ext-diff', '--no-textconv', '--no-color', '-M'] as const;
const TOTAL = /^ (\d+) files? changed(?:, (\d+) insertions?\(\+\))?(?:, (\d+) deletions?\(-\))?$/m;

const countsIn = (stat: string): Omit<ChangeCounts, 'commits'> => {
  const [, files = 0, insertions = 0, deletions = 0] = TOTAL.exec(stat) ?? [];
  return { files: Number(files), insertions: Number(insertions), deletions: Number(deletions) };
};

const readCommits = async (dir: string, range: string, env: Env, signal: AbortSignal): Promise<number> =>
  Number(await askGit({ dir, args: ['rev-list', '--count', range, '--'], env }, signal));

/** All of it. @throws {NikaError} `NIKA_WORKTREE_FAILED`, or a system error */
export const readChanges = async (
  { path: dir, base }: WorktreeRef,
  head: string,
  env: Env,
  signal: AbortSignal,
): Promise<Changes> => {
  const commits = await readCommits(dir, `${base}..${head}`, env, signal);
  using index = await openWholeIndex(dir, env, signal);
  const args = ['diff', ...PLAIN, ...STAT, base, '--'];
  const summary = await askGit({ dir, args, env, set: index.set, withinMs: DIFF_BUDGET_MS }, signal);
  return { commits, ...countsIn(summary), summary };
};

/** Only what is committed, without looking at any file. @throws {NikaError} `NIKA_WORKTREE_FAILED` */
export const readCommitted = async (
  { git_dir: dir, base }: WorktreeRef,
  head: string,
  env: Env,
  signal: AbortSignal,
): Promise<Changes> => {
  const commits = await readCommits(dir, `${base}..${head}`, env, signal);
  const summary = await askGit({ dir, args: ['diff', ...PLAIN, ...STAT, base, head, '--'], env }, signal);
  return { commits, ...countsIn(summary), summary };
};

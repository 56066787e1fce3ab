/** Owns what is told of a worktree when a session ends: looked at in bounded time, whatever git does (G1). */
import { bestEffort, type Outcome } from '../../failopen/best-effort.ts';
import type { MessageData } from '../../model/message.ts';
import type { WorktreeRecord } from '../registry/pod-record.ts';
import { type Changes, readChanges, readCommitted } from './git/changes.ts';
import { readTip, type WorktreeTip } from './git/worktree-tip.ts';

type Env = Readonly<Record<string, string | undefined>>;

export type WorktreeEnd = NonNullable<MessageData<'session_end_summary'>['worktree']>;

export interface WorktreeLook {
  readonly tip: WorktreeTip;
  readonly changes: Changes;
}

/** What is committed is told at once by git, however many files there are. */
const COMMITTED_BUDGET_MS = 2_000;
const UNCOUNTED = 'What is not committed was not counted: git took too long.';
const NOTHING: Changes = { commits: 0, files: 0, insertions: 0, deletions: 0, summary: '' };

const countChanges = async (
  worktree: WorktreeRecord,
  { head, uncommitted }: WorktreeTip,
  env: Env,
  withinMs: number,
): Promise<Changes> => {
  if (head === worktree.base && uncommitted.length === 0) return NOTHING;
  const counted = await bestEffort('worktree.changes', { withinMs }, (signal) =>
    readChanges(worktree, head, env, signal),
  );
  if (counted.kind === 'done') return counted.value;
  const committed = await bestEffort('worktree.committed', { withinMs: COMMITTED_BUDGET_MS }, (signal) =>
    readCommitted(worktree, head, env, signal),
  );
  const { summary, ...counts } = committed.kind === 'done' ? committed.value : NOTHING;
  return { ...counts, summary: `${summary}\n${UNCOUNTED}`.trim() };
};

/** How it stands, and what was changed in it. Never rejects; `done` within about twice the time, else it is not `done`. */
export const lookAtWorktree = async (
  worktree: WorktreeRecord,
  env: Env,
  withinMs: number,
): Promise<Outcome<WorktreeLook>> => {
  const tip = await bestEffort('worktree.look', { withinMs }, (signal) => readTip(worktree, env, signal));
  if (tip.kind !== 'done') return tip;
  return { kind: 'done', value: { tip: tip.value, changes: await countChanges(worktree, tip.value, env, withinMs) } };
};

/** For the record of the pod. */
export const seenWorktree = (
  worktree: WorktreeRecord,
  { tip, changes }: WorktreeLook,
  kept: boolean,
): WorktreeRecord => {
  const { commits, files, insertions, deletions } = changes;
  return { ...worktree, head: tip.head, kept, changes: { commits, files, insertions, deletions } };
};

/** For the bus. */
export const worktreeEnd = (
  { path, branch, base }: WorktreeRecord,
  { tip, changes }: WorktreeLook,
  kept: boolean,
): WorktreeEnd => ({ path, branch, base, head: tip.head, kept, ...changes });

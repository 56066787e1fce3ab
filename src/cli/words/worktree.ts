/** Owns how a pod's worktree, and what was changed in it, is said. */
import type { WorktreeRecord } from '../../pod/registry/pod-record.ts';
import type { WorktreeEnd } from '../../pod/worktree/worktree-end.ts';

type Counts = NonNullable<WorktreeRecord['changes']>;

const many = (count: number, noun: string, more = ''): string => `${count} ${noun}${count === 1 ? '' : 's'}${more}`;

/** As git says it: `1 commit, 2 files changed, 3 insertions(+)`. */
export const changesText = ({ commits, files, insertions, deletions }: Counts): string => {
  const parts = [
    ...(commits === 0 ? [] : [many(commits, 'commit')]),
    ...(files === 0 ? [] : [many(files, 'file', ' changed')]),
    ...(insertions === 0 ? [] : [many(insertions, 'insertion', '(+)')]),
    ...(deletions === 0 ? [] : [many(deletions, 'deletion', '(-)')]),
  ];
  return parts.length === 0 ? 'nothing changed' : parts.join(', ');
};

export const worktreeEndText = (end: WorktreeEnd): string => {
  const { branch, kept, commits, files } = end;
  if (kept) return `${changesText(end)}, on the branch ${branch}`;
  if (commits === 0 && files === 0) return 'nothing changed; removed, with its branch';
  return `${changesText(end)}; thrown away, with its branch (keep: never)`;
};

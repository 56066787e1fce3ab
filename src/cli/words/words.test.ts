import { describe, expect, it } from 'vitest';
import { droppedText } from './dropped.ts';
import { outcomeText, stateText } from './outcome.ts';
import { changesText, worktreeEndText } from './worktree.ts';

describe('what was dropped', () => {
  it('is told in words, each counter that is not zero', () => {
    const counts = { bus_lines_dropped: 3, bodies_cut: 1, log_entries_dropped: 0, later_counter: 2 };
    expect(droppedText(counts)).toBe(
      '3 lines of the bus were lost, 1 long input or output was cut on the record, later counter: 2',
    );
    expect(droppedText({})).toBe('');
    expect(droppedText(undefined)).toBe('');
  });
});

describe('the end of a job', () => {
  it('is its state, and why where the state alone does not tell', () => {
    expect(['completed', 'failed', 'timed_out', 'limit', 'interrupted'].map(outcomeText)).toEqual([
      'completed',
      'failed',
      'failed (timed out)',
      'failed (over a limit)',
      'cancelled (interrupted)',
    ]);
    expect(stateText('failed', 'timed_out')).toBe('failed (timed out)');
    expect(stateText('in_progress', 'timed_out')).toBe('in progress');
    expect(stateText('failed', 'failed')).toBe('failed');
    expect(stateText('completed')).toBe('completed');
  });
});

describe('what was changed in a worktree', () => {
  const end = { path: '/w', branch: 'nika/x', base: 'a', head: 'b', kept: true, summary: '' };

  it('is said as git says it, and whether it is still there', () => {
    const some = { commits: 2, files: 1, insertions: 3, deletions: 1 };
    const none = { commits: 0, files: 0, insertions: 0, deletions: 0 };
    expect(changesText(some)).toBe('2 commits, 1 file changed, 3 insertions(+), 1 deletion(-)');
    expect(changesText({ ...none, files: 2 })).toBe('2 files changed');
    expect(worktreeEndText({ ...end, ...none })).toBe('nothing changed, on the branch nika/x');
    expect(worktreeEndText({ ...end, ...none, kept: false })).toBe('nothing changed; removed, with its branch');
    expect(worktreeEndText({ ...end, ...some, kept: false })).toContain('thrown away, with its branch (keep: never)');
  });
});

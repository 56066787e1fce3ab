/** Owns which worktree is meant where a pod is named, and that it is still there. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { NikaError } from '../../model/error.ts';
import type { PodRecord, WorktreeRecord } from '../registry/pod-record.ts';
import { isFolder } from './git/checkout.ts';

/** Whether its folder is there; one without `.git` is none. */
export const isStanding = ({ path }: WorktreeRecord): boolean => existsSync(join(path, '.git'));

/**
 * The worktree that a pod works or worked in.
 * @throws {NikaError} `NIKA_WORKTREE_NONE`
 */
export const worktreeOf = ({ entity, worktree, process: by }: PodRecord): WorktreeRecord => {
  if (worktree === null) {
    throw new NikaError('NIKA_WORKTREE_NONE', `${entity} has no git worktree: it runs where it was started`, {
      subject: entity,
    });
  }
  if (isFolder(worktree.git_dir)) return worktree;
  throw new NikaError('NIKA_WORKTREE_NONE', `the repository of ${entity} is not there: ${worktree.git_dir}`, {
    subject: worktree.git_dir,
    remedy: `It ran on ${by.host}; where it was moved, "git worktree repair" helps.`,
  });
};

/** Owns `nika pod merge`. */
import type { Command } from 'commander';
import { NikaError } from '../../model/error.ts';
import type { PodRecord, WorktreeRecord } from '../../pod/registry/pod-record.ts';
import type { MergeTarget } from '../../pod/worktree/merge-target.ts';
import { printable } from '../format.ts';
import type { Terminal } from '../terminal.ts';
import { namedPods, openPodContext, type PodContext } from './pod-context.ts';

interface MergeFlags {
  readonly squash?: true;
  readonly message?: string;
  /** What is not committed in the worktree is committed first, with this message. */
  readonly commitFirst?: string;
  /** False: `--no-commit`. */
  readonly commit: boolean;
  readonly keep?: true;
  readonly force?: true;
  readonly json?: true;
  readonly home?: string;
}

interface Wish {
  readonly record: PodRecord;
  readonly worktree: WorktreeRecord;
  readonly flags: MergeFlags;
  readonly terminal: Terminal;
  readonly context: PodContext;
}

/** What is merged, and whether the pod may still be at work on it. */
interface Source {
  readonly tip: string;
  readonly isInUse: boolean;
}

const NEVER = new AbortController().signal;
const SHOWN_PATHS = 10;
const REMOVE_BUDGET_MS = 60_000;

const loadTarget = () => import('../../pod/worktree/merge-target.ts');
const loadGit = () => import('../../pod/worktree/git/git.ts');

const pathList = (paths: readonly string[]): string => {
  const shown = paths.slice(0, SHOWN_PATHS).map((path) => printable(path));
  return `${shown.join(', ')}${paths.length > SHOWN_PATHS ? ` and ${paths.length - SHOWN_PATHS} more` : ''}`;
};

/** git's own words go to the person; where standard output is for JSON, beside it. */
const pass = async ({ flags, terminal }: Wish, dir: string, args: readonly string[]): Promise<number> => {
  const { passGit } = await import('../../pod/worktree/git/pass-git.ts');
  return passGit({ dir, args, env: terminal.env, output: flags.json === true ? 'stderr' : 'stdout' });
};

const isClean = async (dir: string, args: readonly string[], { env }: Terminal): Promise<boolean> => {
  const { tryGit } = await loadGit();
  return (await tryGit({ dir, args, env }, NEVER)).kind === 'done';
};

/** @throws {NikaError} `NIKA_MERGE_REFUSED`: it runs, or is not its own */
const refuseWrongPod = async ({ record, worktree, flags, context }: Wish): Promise<boolean> => {
  const [{ mergeRefused }, { isOver }, { otherPodIn }] = await Promise.all([
    loadTarget(),
    import('../../pod/registry/pod-status.ts'),
    import('../../pod/worktree/remove-worktree.ts'),
  ]);
  const { entity } = record;
  const { owner, path } = worktree;
  if (owner !== entity) {
    throw mergeRefused(
      `${entity} works in the worktree of ${owner}`,
      entity,
      `Merge that one: nika pod merge ${owner}`,
    );
  }
  const runs = isOver(record) ? otherPodIn(context.home.runDir, path, owner) : entity;
  if (runs === undefined) return false;
  if (flags.force === true) return true;
  const remedy = `Wait for it, "nika pod wait ${runs}"; or merge what it has committed so far: --force.`;
  throw mergeRefused(`${runs} still works in ${worktree.branch}`, runs, remedy);
};

/** @throws {NikaError} `NIKA_MERGE_REFUSED`: something is not committed */
const settleUncommitted = async (wish: Wish, paths: readonly string[]): Promise<void> => {
  const { record, worktree, flags, terminal } = wish;
  const what = `${paths.length} ${paths.length === 1 ? 'path is' : 'paths are'} not committed: ${pathList(paths)}`;
  const { mergeRefused } = await loadTarget();
  if (flags.commitFirst !== undefined) {
    const committed =
      (await pass(wish, worktree.path, ['add', '--all'])) === 0 &&
      (await pass(wish, worktree.path, ['commit', '--quiet', '--message', flags.commitFirst])) === 0;
    if (!committed) throw mergeRefused(`git did not commit in ${worktree.path}`, worktree.path);
  } else if (flags.keep === true) terminal.warn(`not merged, since not committed: ${what}`);
  else {
    const remedy = `Commit it first: nika pod merge ${record.entity} --commit-first "<message>"; or leave it in the worktree: --keep.`;
    throw mergeRefused(`in the worktree of ${record.entity} ${what}`, worktree.path, remedy);
  }
};

/** The commit to merge. @throws {NikaError} `NIKA_MERGE_REFUSED`, `NIKA_WORKTREE_NONE`, `NIKA_WORKTREE_FAILED` */
const readSource = async (wish: Wish): Promise<Source> => {
  const [{ readBranch, readTip }, { isStanding }, { mergeRefused }] = await Promise.all([
    import('../../pod/worktree/git/worktree-tip.ts'),
    import('../../pod/worktree/named-worktree.ts'),
    loadTarget(),
  ]);
  const { worktree, record, terminal } = wish;
  const isInUse = await refuseWrongPod(wish);
  if (isStanding(worktree)) {
    const before = await readTip(worktree, terminal.env, NEVER);
    if (before.head !== before.tip) {
      const remedy = 'See "git log --all --oneline", and merge with git what is to be merged.';
      throw mergeRefused(
        `${worktree.path} has something else checked out than ${worktree.branch}`,
        worktree.path,
        remedy,
      );
    }
    if (before.uncommitted.length > 0) await settleUncommitted(wish, before.uncommitted);
  }
  const tip = await readBranch(worktree, terminal.env, NEVER);
  if (tip !== undefined) return { tip, isInUse };
  throw new NikaError('NIKA_WORKTREE_NONE', `the branch ${worktree.branch} of ${record.entity} is gone`, {
    subject: worktree.branch,
  });
};

/** @throws {NikaError} `NIKA_MERGE_CONFLICT`, `NIKA_MERGE_REFUSED` */
const throwUnmerged = async ({ record, worktree, flags, terminal }: Wish, { top }: MergeTarget): Promise<never> => {
  const { mergeRefused, readUnmerged } = await loadTarget();
  const paths = await readUnmerged(top, terminal.env);
  if (paths.length === 0) {
    throw mergeRefused(
      `git did not merge ${worktree.branch}`,
      top,
      'git says why above; "git status" shows how it stands.',
    );
  }
  if (flags.json === true)
    terminal.print(`${JSON.stringify({ id: record.entity, merged: false, conflicts: paths })}\n`);
  const [undo, after] =
    flags.squash === true
      ? ['git reset --merge', `git worktree remove ${worktree.path} && git branch -D ${worktree.branch}`]
      : ['git merge --abort', `nika pod merge ${record.entity}`];
  throw new NikaError(
    'NIKA_MERGE_CONFLICT',
    `${paths.length} ${paths.length === 1 ? 'file has' : 'files have'} conflicts: ${pathList(paths)}`,
    {
      subject: top,
      remedy: `Solve them, "git add" them and "git commit"; then "${after}" removes the worktree. Or undo it: "${undo}".`,
    },
  );
};

const mergeSquashed = async (wish: Wish, target: MergeTarget): Promise<void> => {
  const { flags, worktree, terminal } = wish;
  const { mergeRefused } = await loadTarget();
  const { top } = target;
  if (flags.commit && !(await isClean(top, ['diff', '--cached', '--quiet'], terminal))) {
    throw mergeRefused(
      `what is staged in ${top} would be committed with it`,
      top,
      'Commit or unstage it first; or --no-commit.',
    );
  }
  if ((await pass(wish, top, ['merge', '--squash', '--ff', worktree.branch])) !== 0) await throwUnmerged(wish, target);
  if (!flags.commit || (await isClean(top, ['diff', '--cached', '--quiet'], terminal))) return; // all of it was there already
  const message = flags.message === undefined ? ['--no-edit'] : ['--message', flags.message];
  if ((await pass(wish, top, ['commit', ...message])) !== 0) await throwUnmerged(wish, target);
};

const mergeWhole = async (wish: Wish, target: MergeTarget): Promise<void> => {
  const { message, commit } = wish.flags;
  // Somebody who has something to say wants a commit that says it, also where the branch could just be moved forward.
  const form = message === undefined ? ['--no-edit'] : ['--no-ff', '-m', message];
  const args = ['merge', ...form, ...(commit ? [] : ['--no-ff', '--no-commit']), wish.worktree.branch];
  if ((await pass(wish, target.top, args)) !== 0) await throwUnmerged(wish, target);
};

/** What was merged is no longer needed. Whether it is gone. */
const removeMerged = async ({ record, worktree, terminal, context }: Wish, tip: string): Promise<boolean> => {
  const [{ removeWorktree }, { writeRecord }, { bestEffort, bestEffortSync }] = await Promise.all([
    import('../../pod/worktree/remove-worktree.ts'),
    import('../../pod/registry/record-file.ts'),
    import('../../failopen/best-effort.ts'),
  ]);
  const removed = await bestEffort('worktree.remove', { withinMs: REMOVE_BUDGET_MS }, (signal) =>
    removeWorktree(worktree, { env: terminal.env, tip }, signal),
  );
  if (removed.kind === 'done') {
    const known = { ...record, worktree: { ...worktree, head: tip, kept: false } };
    bestEffortSync('pod.record', () => writeRecord(context.home.runDir, known));
    return true;
  }
  terminal.warn(`the worktree stays: ${removed.kind === 'failed' ? removed.why : 'it took too long to remove it'}`);
  return false;
};

const tell = (
  wish: Wish,
  target: MergeTarget,
  said: { readonly commit: string; readonly isMerged: boolean; readonly isRemoved: boolean },
): void => {
  const { record, worktree, flags, terminal } = wish;
  const { commit, isMerged, isRemoved } = said;
  if (flags.json === true) {
    const merge = { id: record.entity, merged: true, branch: worktree.branch, into: target.branch };
    const how = { commit: flags.commit ? commit : null, already: !isMerged, removed: isRemoved, conflicts: [] };
    terminal.print(`${JSON.stringify({ ...merge, ...how })}\n`);
    return;
  }
  const rest = isRemoved ? '; its worktree and branch are removed' : `; ${worktree.path} stays`;
  const done = isMerged ? (flags.commit ? 'merged' : 'merged, not committed yet:') : 'merged already:';
  terminal.print(`${done} ${worktree.branch} into ${target.branch}, ${commit.slice(0, 12)}${rest}\n`);
};

const merge = async (name: string, flags: MergeFlags, terminal: Terminal): Promise<void> => {
  const [{ readMergeTarget }, { worktreeOf }, { askGit }] = await Promise.all([
    loadTarget(),
    import('../../pod/worktree/named-worktree.ts'),
    loadGit(),
  ]);
  const context = await openPodContext(flags.home, terminal);
  const [record] = await namedPods([name], context);
  if (record === undefined) return;
  const wish: Wish = { record, worktree: worktreeOf(record), flags, terminal, context };
  const target = await readMergeTarget(terminal.cwd, wish.worktree, terminal.env);
  const { tip, isInUse } = await readSource(wish);
  const { top } = target;
  const isMerged = await isClean(top, ['merge-base', '--is-ancestor', tip, 'HEAD'], terminal);
  if (!isMerged) await (flags.squash === true ? mergeSquashed(wish, target) : mergeWhole(wish, target));
  const commit = await askGit({ dir: top, args: ['rev-parse', 'HEAD'], env: terminal.env }, NEVER);
  const mayGo = flags.keep !== true && !isInUse && (flags.commit || isMerged);
  const isRemoved = mayGo && (await removeMerged(wish, tip));
  tell(wish, target, { commit, isMerged: !isMerged, isRemoved });
};

export const addMergeCommand = (pod: Command, terminal: Terminal): void => {
  pod
    .command('merge')
    .description("Merges a pod's branch into the branch that is checked out here, and removes the pod's worktree.")
    .argument('<id>', 'id, unique prefix, name of a job, or @last')
    .option('--squash', 'as one commit')
    .option('-m, --message <text>', 'of the commit, which then is made in any case (no fast-forward)')
    .option('--no-commit', 'merge, and leave the commit to you')
    .option('--commit-first <message>', 'commit first what is not committed in the worktree')
    .option('--keep', 'keep worktree and branch')
    .option('--force', 'also while the pod runs: what it has committed so far')
    .option('--json', 'one JSON object: merged, branch, into, commit, removed, conflicts')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
It is git's own merge, with your configuration and hooks. Where both changed the same places, it stops as git does (exit
1): solve and commit, or "git merge --abort". Once all is merged, the same command removes the worktree.

Examples:
  $ nika pod diff k3f9 --stat && nika pod merge k3f9
  $ nika pod merge k3f9 --squash --message "Fix the flaky test"
  $ nika pod merge k3f9 --commit-first "What the agent left"`,
    )
    .action((name: string, flags: MergeFlags) => merge(name, flags, terminal));
};

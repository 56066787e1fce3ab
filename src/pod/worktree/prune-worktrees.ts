/**
 * Owns what becomes of worktrees when the pods they belong to are forgotten: those that hold nothing go, those with work
 * stay, and with them the record that knows of them.
 *
 * U1. Work is thrown away only where a person said so (`force`). Work that another branch, tag or remote has as well is not
 *     lost with the worktree.
 */
import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bestEffort, bestEffortSync, type Outcome } from '../../failopen/best-effort.ts';
import { entityIdSchema } from '../../model/id.ts';
import type { PodRecord, WorktreeRecord } from '../registry/pod-record.ts';
import { isOver } from '../registry/pod-status.ts';
import { prunable, type PruneOptions, prunePods } from '../registry/prune.ts';
import { readRecords } from '../registry/record-file.ts';
import { latestOfEach } from '../registry/resolve-pod.ts';
import { isFolder, realOf } from './git/checkout.ts';
import { askGit } from './git/git.ts';
import { readBranch, readTip, whyHeld } from './git/worktree-tip.ts';
import { otherPodIn, removeWorktree, sweepRemoved } from './remove-worktree.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface WorktreePruneOptions extends PruneOptions {
  readonly env: Env;
  /** Also those that hold work. */
  readonly force: boolean;
  /** Asks git only of those in which nothing was done when their pod ended; of the others none goes. */
  readonly isQuick?: boolean;
  readonly signal?: AbortSignal;
}

/** What became, or would become, of one: `held`: it stays, and why. `lost`: what goes with it. */
export interface PrunedWorktree {
  readonly entity: string;
  readonly path: string;
  readonly branch: string;
  readonly held?: string;
  readonly lost?: string;
}

export interface WorktreePrune {
  /** Records that were, or would be, removed. */
  readonly forgotten: readonly PodRecord[];
  readonly worktrees: readonly PrunedWorktree[];
}

const LOOK_BUDGET_MS = 10_000;
const REMOVE_BUDGET_MS = 5 * 60_000;
/** A worktree that no record knows may be one that is being made. */
const ORPHAN_AFTER_MS = 3_600_000;

/** Whether a commit is on something else than the branch itself (U1). */
const isElsewhere = async (
  { branch, git_dir: dir }: WorktreeRecord,
  commit: string,
  env: Env,
  signal: AbortSignal,
): Promise<boolean> => {
  const where = ['refs/heads', 'refs/remotes', 'refs/tags'];
  const args = ['for-each-ref', '--contains', commit, '--count=2', '--format=%(refname)', ...where];
  const refs = (await askGit({ dir, args, env }, signal)).split('\n');
  return refs.some((ref) => ref !== '' && ref !== `refs/heads/${branch}`);
};

interface Judged {
  /** Where its branch is; `undefined`: there is none, or it stays. */
  readonly tip: string | undefined;
  /** What would be lost with it; `undefined`: nothing. */
  readonly work: string | undefined;
}

const judge = async (worktree: WorktreeRecord, env: Env, signal: AbortSignal): Promise<Judged> => {
  if (!isFolder(worktree.git_dir)) {
    return { tip: undefined, work: isFolder(worktree.path) ? 'its repository is gone' : undefined };
  }
  if (!isFolder(worktree.path)) {
    const tip = await readBranch(worktree, env, signal); // somebody removed the folder: what was committed stays
    return { tip: tip === worktree.base ? tip : undefined, work: undefined };
  }
  const tip = await readTip(worktree, env, signal);
  const work = whyHeld(worktree, tip);
  const isCommitted = tip.uncommitted.length === 0 && tip.guard === undefined && tip.head === tip.tip;
  if (work !== undefined && isCommitted && (await isElsewhere(worktree, tip.head, env, signal))) {
    return { tip: tip.tip, work: undefined };
  }
  return { tip: tip.tip, work };
};

/** Ended too where nobody wants it any more. */
const within = <T>(
  name: string,
  withinMs: number,
  { signal: outer }: WorktreePruneOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<Outcome<T>> =>
  bestEffort(name, { withinMs }, (signal) => work(outer === undefined ? signal : AbortSignal.any([outer, signal])));

const mayHoldWork = ({ path, changes }: WorktreeRecord): boolean =>
  isFolder(path) && (changes === null || changes.commits > 0 || changes.files > 0);

const release = async (worktree: WorktreeRecord, options: WorktreePruneOptions): Promise<PrunedWorktree> => {
  const { runDir, env, force, isDryRun = false, isQuick = false, signal: outer } = options;
  const { owner: entity, path, branch } = worktree;
  const about = { entity, path, branch };
  if (outer?.aborted === true || (isQuick && mayHoldWork(worktree))) return { ...about, held: 'it was not looked at' };
  const user = otherPodIn(runDir, path, entity);
  if (user !== undefined) return { ...about, held: `${user} works in it` };
  const judged = await within('worktree.look', LOOK_BUDGET_MS, options, (signal) => judge(worktree, env, signal));
  if (judged.kind === 'late') return { ...about, held: 'git took too long to say what is in it' };
  const { tip, work } = judged.kind === 'done' ? judged.value : { tip: undefined, work: judged.why };
  if (work !== undefined && !force) return { ...about, held: work };
  const lost = work === undefined ? {} : { lost: `${work}; ${branch} was at ${tip ?? 'no commit'}` };
  if (isDryRun) return { ...about, ...lost };
  const removed = await within('worktree.remove', REMOVE_BUDGET_MS, options, (signal) =>
    removeWorktree(worktree, { env, tip }, signal),
  );
  if (removed.kind === 'done') return { ...about, ...lost };
  return { ...about, held: removed.kind === 'failed' ? removed.why : 'it took too long to remove it' };
};

/** Of pods all of whose records are to go. */
const worktreesOf = (options: WorktreePruneOptions): readonly WorktreeRecord[] => {
  const chosen = new Set(prunable(options).map(({ session }) => session));
  return latestOfEach(readRecords(options.runDir)).flatMap((record) => {
    const { worktree, entity, session } = record;
    if (worktree === null || worktree.owner !== entity || !worktree.kept) return [];
    return chosen.has(session) && isOver(record) ? [worktree] : [];
  });
};

/** One whose pod never began: its supervisor was killed while git made it. */
const tryReadOrphan = async (path: string, entity: string, env: Env): Promise<WorktreeRecord | undefined> => {
  const owner = entityIdSchema.safeParse(entity);
  const madeAtMs = bestEffortSync('worktree.orphan', () => statSync(path).mtimeMs) ?? Infinity;
  if (!owner.success || madeAtMs > Date.now() - ORPHAN_AFTER_MS) return undefined;
  const read = await bestEffort('worktree.orphan', { withinMs: LOOK_BUDGET_MS }, async (signal) => {
    const common = await askGit({ dir: path, args: ['rev-parse', '--git-common-dir'], env }, signal);
    const branch = await askGit({ dir: path, args: ['symbolic-ref', '--short', 'HEAD'], env }, signal);
    const head = await askGit({ dir: path, args: ['rev-parse', 'HEAD'], env }, signal);
    const about = { path, branch, git_dir: realOf(resolve(path, common)), owner: owner.data };
    // Its base is not known: it holds nothing where its commit is elsewhere as well.
    return { ...about, base: '', head, kept: true, changes: null };
  });
  return read.kind === 'done' ? read.value : undefined;
};

/** Only in the home's own folder: others may be shared with other homes. */
const orphansIn = async (options: WorktreePruneOptions): Promise<readonly WorktreeRecord[]> => {
  const dir = join(options.runDir, 'worktrees');
  if (!isFolder(dir)) return [];
  const known = new Set(readRecords(options.runDir).map(({ entity }): string => entity));
  const names = bestEffortSync('worktree.orphans', () => readdirSync(dir)) ?? [];
  const orphans: WorktreeRecord[] = [];
  for (const name of names) {
    const orphan = known.has(name) ? undefined : await tryReadOrphan(realOf(join(dir, name)), name, options.env);
    if (orphan !== undefined) orphans.push(orphan);
  }
  return orphans;
};

/** Removes what ended pods leave, their worktrees included; what has work in it stays, with its record. Best effort. */
export const prunePodsAndWorktrees = async (options: WorktreePruneOptions): Promise<WorktreePrune> => {
  const worktrees: PrunedWorktree[] = [];
  for (const worktree of [...worktreesOf(options), ...(options.isQuick === true ? [] : await orphansIn(options))]) {
    worktrees.push(await release(worktree, options));
  }
  const held = worktrees.filter(({ held: why }) => why !== undefined);
  const except = new Set([...(options.except ?? []), ...held.map(({ entity }) => entity)]);
  const forgotten = prunePods({ ...options, except });
  if (options.isDryRun !== true) {
    await within('worktree.sweep', REMOVE_BUDGET_MS, options, (signal) =>
      sweepRemoved(join(options.runDir, 'worktrees'), options.env, signal),
    );
  }
  return { forgotten, worktrees };
};

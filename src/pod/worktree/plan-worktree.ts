/**
 * Owns which git worktree a pod is to run in, and all that can be wrong with it, found before anything is written: it is
 * the pod's own, or, where the job says so, that of its parent.
 *
 * L1. Two pods never share a worktree unless one of them was told to.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { busPath, channelName } from '../../bus/layout.ts';
import { stateDir } from '../../config/home.ts';
import type { KeepWorktree } from '../../config/job/worktree-field.ts';
import { NikaError } from '../../model/error.ts';
import type { EntityId } from '../../model/id.ts';
import type { WorktreeWish } from '../mission.ts';
import type { PodRecord, WorktreeRecord } from '../registry/pod-record.ts';
import { readRecords } from '../registry/record-file.ts';
import { shortPodId } from '../registry/resolve-pod.ts';
import type { PodWish } from '../plan.ts';
import { isInLinkedCheckout } from './linked-checkout.ts';
import {
  type Checkout,
  checkBranch,
  isFolder,
  isWithin,
  readBase,
  readCheckout,
  readLeftBehind,
  readPrefix,
  realOf,
  refused,
} from './git/checkout.ts';
import { withoutRepository } from './git/git.ts';

export interface WorktreePlan {
  readonly worktree: WorktreeRecord;
  readonly keep: KeepWorktree;
  /** Absolute: where in it the pod runs. */
  readonly cwd: string;
  /** Of the pod itself: `new`, or made by an earlier attempt; `shared`: of another pod. */
  readonly kind: 'new' | 'earlier' | 'shared';
  /** Whether its folder is one that nika chose, among others of nika's. */
  readonly isInDir: boolean;
  /** That of the caller, without what names another repository. */
  readonly env: Readonly<Record<string, string>>;
  /** What is not committed where the pod was started, and so is not in it. */
  readonly leftBehind: string | undefined;
}

export interface WorktreeRequest {
  readonly wish: PodWish;
  readonly id: EntityId;
  /** Where the pod would run without a worktree. Absolute. */
  readonly cwd: string;
  /** `undefined`: nobody said. */
  readonly wanted: WorktreeWish | 'parent' | false | undefined;
}

/** A name that git takes as a branch: an id may end in what git does not take. */
const defaultBranch = (job: string, id: EntityId): string =>
  `nika/${job}-${shortPodId(id)}`.replace(/\.(?=lock$|$)/, '-');

/** Where nika's worktrees of this repository are: not inside of its own checkout, unless the settings say so. */
const dirFor = ({ home, settings, env }: PodWish, { top }: Checkout): string => {
  const { dir } = settings.worktrees;
  if (dir !== undefined) return realOf(dir);
  const own = realOf(join(home.runDir, 'worktrees'));
  return isWithin(own, top) ? realOf(join(stateDir(env), 'worktrees')) : own;
};

const planNew = async ({ wish, id, cwd }: WorktreeRequest, wanted: WorktreeWish): Promise<WorktreePlan> => {
  const { env, settings, job, calledIn, home } = wish;
  if (wish.resumes !== true && existsSync(busPath(home.busDir, channelName(id)))) {
    throw new NikaError('NIKA_ENTITY_EXISTS', `${id} is on the bus already`, { subject: id });
  }
  if (!isFolder(cwd)) throw refused(`the folder ${cwd} does not exist`, cwd);
  const checkout = await readCheckout(cwd, env);
  const { top, gitDir, prefix } = checkout;
  const base = await readBase(top, wanted.base, env);
  const branch = wanted.branch ?? defaultBranch(job.name, id);
  await checkBranch(branch, gitDir, env);
  const isInDir = wanted.path === undefined;
  const path = realOf(isInDir ? join(dirFor(wish, checkout), id) : resolve(calledIn, wanted.path ?? ''));
  if (existsSync(path))
    throw refused(`the folder ${path} is there already`, path, 'Remove it, or name another: worktree.path of the job.');
  const worktree = { path, branch, base, git_dir: gitDir, owner: id, head: null, kept: true, changes: null };
  const leftBehind = await readLeftBehind(top, env);
  const keep = wanted.keep ?? settings.worktrees.keep;
  return { worktree, keep, cwd: join(path, prefix), kind: 'new', isInDir, leftBehind, env: withoutRepository(env) };
};

const latestOf = (records: readonly PodRecord[], entity: string): PodRecord | undefined =>
  records.findLast((record) => record.entity === entity);

/** The same folder in it as before; its top where that is gone. */
const planEarlier = ({ wish, id, wanted }: WorktreeRequest): WorktreePlan | undefined => {
  if (wish.resumes !== true || wanted === false) return undefined;
  const before = readRecords(wish.home.runDir).findLast(
    ({ entity, worktree }) => entity === id && worktree?.owner === id,
  );
  if (before?.worktree === undefined || before.worktree === null) return undefined;
  const { cwd, worktree } = before;
  const keep = (typeof wanted === 'object' ? wanted.keep : undefined) ?? wish.settings.worktrees.keep;
  const at = isWithin(cwd, worktree.path) ? cwd : worktree.path;
  const anew = { ...worktree, head: null, kept: true, changes: null };
  return {
    worktree: anew,
    keep,
    cwd: at,
    kind: 'earlier',
    isInDir: false,
    leftBehind: undefined,
    env: withoutRepository(wish.env),
  };
};

/** The nearest of the pods above that has a worktree. */
const worktreeAbove = (runDir: string, parent: EntityId | undefined): WorktreeRecord | undefined => {
  const records = readRecords(runDir);
  const seen = new Set<string>();
  for (let above: string | null | undefined = parent; typeof above === 'string' && !seen.has(above);) {
    seen.add(above);
    const record = latestOf(records, above);
    if (record?.worktree !== undefined && record.worktree !== null && isFolder(record.worktree.path))
      return record.worktree;
    above = record?.parent;
  }
  return undefined;
};

const planShared = async ({ wish, cwd }: WorktreeRequest): Promise<WorktreePlan> => {
  const { parent, home, settings } = wish;
  const worktree = worktreeAbove(home.runDir, parent);
  if (worktree === undefined) {
    const whose = parent === undefined ? 'it has no parent (--parent)' : `neither ${parent} nor a pod above it has one`;
    throw refused(
      `there is no worktree of a parent: ${whose}`,
      parent ?? 'worktree',
      'Say "worktree: true" for one of its own.',
    );
  }
  const at = isWithin(realOf(cwd), worktree.path)
    ? realOf(cwd)
    : join(worktree.path, await readPrefix(cwd, worktree.git_dir, wish.env));
  const where = isFolder(at) ? at : worktree.path;
  return {
    worktree,
    keep: settings.worktrees.keep,
    cwd: where,
    kind: 'shared',
    isInDir: false,
    leftBehind: undefined,
    env: withoutRepository(wish.env),
  };
};

/**
 * A child that is started from within its parent's worktree, and of which nobody said where it is to run, gets one of its
 * own, from what the parent has committed (L1).
 */
const isToBeIsolated = ({ wish, cwd }: WorktreeRequest): boolean => {
  const { parent, job, home } = wish;
  if (parent === undefined || job.cwd !== undefined || !isInLinkedCheckout(cwd)) return false;
  const above = worktreeAbove(home.runDir, parent);
  return above !== undefined && isWithin(realOf(cwd), above.path);
};

/** Started in the worktree of another pod, and told so by that: it works in that one. */
const planWhereItIs = ({ wish, cwd }: WorktreeRequest): WorktreePlan | undefined => {
  const real = realOf(cwd);
  const worktree = isInLinkedCheckout(cwd)
    ? readRecords(wish.home.runDir).findLast((record) => isWithin(real, record.worktree?.path ?? 'none'))?.worktree
    : undefined;
  if (worktree === undefined || worktree === null) return undefined;
  const { keep } = wish.settings.worktrees;
  const env = withoutRepository(wish.env);
  return { worktree, keep, cwd, kind: 'shared', isInDir: false, leftBehind: undefined, env };
};

/**
 * `undefined`: the pod runs where it was started.
 * @throws {NikaError} `NIKA_WORKTREE_REFUSED`, `NIKA_ENTITY_EXISTS`, `NIKA_WORKTREE_FAILED`: git does not answer
 */
export const planWorktree = async (request: WorktreeRequest): Promise<WorktreePlan | undefined> => {
  const { wanted } = request;
  if (wanted === 'parent') return planShared(request);
  const earlier = planEarlier(request);
  if (earlier !== undefined) return earlier;
  const wished = wanted ?? (isToBeIsolated(request) ? {} : false);
  return wished === false ? planWhereItIs(request) : planNew(request, wished);
};

/**
 * Owns the worktree of a pod while it lives. It belongs to the entity: all attempts work in the same one, and the last of
 * them keeps or removes it.
 *
 * N1. Nothing that was done in it is lost, unless the job says `keep: never`; then it is told.
 * N2. The end of the pod waits for git in bounded time; where git does not answer, the worktree stays (G1, G9).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bestEffort } from '../../failopen/best-effort.ts';
import type { PodEntity } from '../entity.ts';
import type { WorktreeRecord } from '../registry/pod-record.ts';
import type { Session } from '../session.ts';
import { refused } from './git/checkout.ts';
import { whyHeld, type WorktreeTip } from './git/worktree-tip.ts';
import { makeWorktree } from './make-worktree.ts';
import type { WorktreePlan } from './plan-worktree.ts';
import { otherPodIn, removeWorktree } from './remove-worktree.ts';
import { lookAtWorktree, seenWorktree, type WorktreeEnd, worktreeEnd, type WorktreeLook } from './worktree-end.ts';

export interface OpenOptions {
  readonly runDir: string;
  /** How long git may take to make it. */
  readonly withinMs: number;
}

/** Who is told. */
export interface Told {
  readonly session: Session;
  readonly entity: PodEntity;
}

const LOOK_BUDGET_MS = 10_000;
const REMOVE_BUDGET_MS = 10_000;
/** Of a pod that somebody stops, and waits for. */
const STOPPED_BUDGET_MS = 2_000;

const isThere = ({ path }: WorktreeRecord): boolean => existsSync(join(path, '.git'));

export class PodWorktree implements AsyncDisposable {
  readonly #plan: WorktreePlan;
  readonly #runDir: string;
  #record: WorktreeRecord;
  /** `open`: not settled yet. `none`: it was stopped before it was made. */
  #state: 'open' | 'settled' | 'none' = 'open';
  #isTold = false;

  private constructor(plan: WorktreePlan, runDir: string) {
    this.#plan = plan;
    this.#runDir = runDir;
    this.#record = plan.worktree;
  }

  /**
   * Makes it, or finds the one of the attempt before.
   * @throws {NikaError} `NIKA_WORKTREE_REFUSED`, `NIKA_WORKTREE_FAILED`; nothing of it is left then
   */
  static async open(plan: WorktreePlan, { runDir, withinMs }: OpenOptions, signal: AbortSignal): Promise<PodWorktree> {
    const pod = new PodWorktree(plan, runDir);
    const { kind, worktree, env } = plan;
    if (kind === 'shared' || (kind === 'earlier' && isThere(worktree))) return pod;
    if (kind === 'earlier' && existsSync(worktree.path)) {
      throw refused(
        `${worktree.path} is no git worktree any more`,
        worktree.path,
        'Move the folder away: the worktree is made again.',
      );
    }
    const made = await makeWorktree(plan, { env, withinMs }, signal);
    if (made === 'aborted') pod.#state = 'none';
    return pod;
  }

  /** As the record of the pod has it. */
  get record(): WorktreeRecord | null {
    return this.#state === 'none' ? null : this.#record;
  }

  /** An attempt begins to work in it. */
  tellStart({ session, entity }: Told): void {
    if (this.#state === 'none') return;
    const { kind, leftBehind } = this.#plan;
    const { path, branch, base, owner } = this.#record;
    const whose = kind === 'shared' ? `the git worktree of ${owner}` : 'a git worktree of its own';
    const left = this.#isTold ? undefined : leftBehind;
    this.#isTold = true;
    const missing = left === undefined ? '' : `; not in it, since not committed: ${left}`;
    const text = `works in ${whose}: ${path}, branch ${branch}, from ${base.slice(0, 12)}${missing}`;
    entity.record('note', { text });
    session.tell({ event: 'worktree', path, branch, base, ...(left === undefined ? {} : { left_behind: left }) });
  }

  /** An attempt is over, and nothing of it runs any more (N1, N2). `isLast`: of the entity. */
  async settle(
    told: Told,
    { isLast, isStopped }: { readonly isLast: boolean; readonly isStopped: boolean },
  ): Promise<WorktreeEnd | undefined> {
    if (this.#plan.kind === 'shared' || this.#state === 'none') return undefined;
    this.#state = 'settled';
    const { path } = this.#record;
    const budgetMs = isStopped ? STOPPED_BUDGET_MS : LOOK_BUDGET_MS;
    const looked = await lookAtWorktree(this.#record, this.#plan.env, budgetMs);
    if (looked.kind !== 'done') {
      const why = looked.kind === 'late' ? `git did not answer within ${looked.withinMs / 1000} s` : looked.why;
      told.session.degrade('git', `${why}; the worktree ${path} stays as it is`);
      told.session.countDrops(() => ({ worktree_untold: 1 })); // G3
      return undefined;
    }
    const look = looked.value;
    const isKept = !isLast || !this.#mayGo(look.tip) || !(await this.#remove(told.session, look.tip, isStopped));
    if (!isKept) this.#tellLoss(told, look);
    this.#record = seenWorktree(this.#record, look, isKept);
    return worktreeEnd(this.#record, look, isKept);
  }

  /** The pod could not begin: what was made for it goes, unless somebody already did something in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state !== 'open' || this.#plan.kind !== 'new') return;
    const looked = await lookAtWorktree(this.#record, this.#plan.env, LOOK_BUDGET_MS);
    if (looked.kind !== 'done' || whyHeld(this.#record, looked.value.tip) !== undefined) return;
    await this.#tryRemove(looked.value.tip, REMOVE_BUDGET_MS);
  }

  #mayGo(tip: WorktreeTip): boolean {
    const { path, owner } = this.#record;
    const { keep } = this.#plan;
    if (keep === 'always' || otherPodIn(this.#runDir, path, owner) !== undefined) return false;
    return keep === 'never' || whyHeld(this.#record, tip) === undefined;
  }

  /** Whether it is gone: once git has forgotten it, it is, also where its files are not all deleted in time. */
  async #tryRemove(
    { tip }: WorktreeTip,
    withinMs: number,
  ): Promise<{ readonly isGone: boolean; readonly why: string }> {
    const { env } = this.#plan;
    let isGone = false;
    const onForgotten = (): void => {
      isGone = true;
    };
    const removed = await bestEffort('worktree.remove', { withinMs }, (signal) =>
      removeWorktree(this.#record, { env, tip, onForgotten }, signal),
    );
    return { isGone, why: removed.kind === 'failed' ? removed.why : 'git took too long to remove it' };
  }

  async #remove(session: Session, tip: WorktreeTip, isStopped: boolean): Promise<boolean> {
    const { isGone, why } = await this.#tryRemove(tip, isStopped ? STOPPED_BUDGET_MS : REMOVE_BUDGET_MS);
    if (!isGone) session.degrade('git', `${why}; the worktree ${this.#record.path} stays`);
    return isGone;
  }

  #tellLoss({ session, entity }: Told, { tip, changes }: WorktreeLook): void {
    const { commits, files } = changes;
    if (commits === 0 && files === 0 && tip.uncommitted.length === 0) return;
    const { branch } = this.#record;
    const parts = [`commits: ${commits}`, `changed files: ${files}`, `${branch} was at ${tip.head}`];
    const text = `thrown away with the worktree, as "keep: never" says; ${parts.join(', ')}`;
    entity.record('note', { text, level: 'warn' });
    session.tell({ event: 'note', text });
  }
}

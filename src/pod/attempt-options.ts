/** Owns what an attempt is given, and what comes of it. */
import type { SessionId } from '../model/id.ts';
import type { Budget } from './budget/budget.ts';
import type { Stop } from './ending.ts';
import type { EntityStanding } from './entity.ts';
import type { PodLease } from './lease/pod-lease.ts';
import type { PodPlan, PodWish } from './plan.ts';
import type { PodControl } from './pod-control.ts';
import type { PodEnded, PodListener } from './pod-event.ts';
import type { PodRecord } from './registry/pod-record.ts';
import type { PodReview } from './review/pod-review.ts';
import type { Runner } from './runner/runner.ts';
import type { PodWorktree } from './worktree/pod-worktree.ts';

export interface AttemptOptions {
  readonly wish: PodWish;
  readonly plan: PodPlan;
  readonly worktree: PodWorktree | undefined;
  readonly sessionId: SessionId;
  /** From 1; of how many. */
  readonly attempt: number;
  readonly attempts: number;
  /** How the entity stands where an earlier session began it; `undefined`: this attempt begins it. */
  readonly standing: EntityStanding | undefined;
  readonly runnerKind: PodRecord['runner'];
  readonly run: Runner;
  readonly outerStop: Stop;
  readonly budget: Budget | undefined;
  /** Of what it comes to; `undefined`: the job wants none. */
  readonly review: PodReview | undefined;
  /** By which it runs a job of the queue. */
  readonly lease: PodLease | undefined;
  readonly listener: PodListener;
  readonly detached: boolean;
  readonly tmux: string | undefined;
  readonly passTerminal: boolean;
  readonly viewerRoom: (() => Promise<unknown> | undefined) | undefined;
  /** Told once the pod can be steered. */
  readonly onControl: ((control: PodControl) => void) | undefined;
  /** What is waited for before the work begins: a free slot of the host, the time between two tries. */
  readonly beforeBegin: (control: PodControl, signal: AbortSignal) => Promise<void>;
}

export interface AttemptRun {
  readonly ended: PodEnded;
  readonly standing: EntityStanding;
  /** It failed, and may be tried again. */
  readonly goesOn: boolean;
  /** A disk hangs: the process has to be ended by force, or Node waits for it. */
  readonly isHeldUp: boolean;
}

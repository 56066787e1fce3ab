/**
 * Owns the life of a pod: its attempts one after the other, within the limits that hold for all of them.
 *
 * P1. Nothing is written before everything is validated.
 */
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { archiveBus } from '../bus/archive.ts';
import { bestEffort, bestEffortSync } from '../failopen/best-effort.ts';
import { ensureHome } from '../config/home.ts';
import { runnerOf } from '../config/job/job.ts';
import { NikaError } from '../model/error.ts';
import { type SessionId, sessionIdSchema } from '../model/id.ts';
import { runAttempt } from './attempt.ts';
import type { AttemptOptions, AttemptRun } from './attempt-options.ts';
import type { Budget } from './budget/budget.ts';
import type { Stop } from './ending.ts';
import { claimEntity, type EntityHold } from './claim-entity.ts';
import type { PodLease } from './lease/pod-lease.ts';
import type { PodNotices } from './notify/pod-notices.ts';
import { type PodPlan, type PodWish, planPod } from './plan.ts';
import type { PodControl } from './pod-control.ts';
import type { PodListener } from './pod-event.ts';
import type { PodReview } from './review/pod-review.ts';
import { takeSlot, tryTakeSlot } from './registry/slots.ts';
import type { OpenAgentRunner, Runner } from './runner/runner.ts';
import type { PodWorktree } from './worktree/pod-worktree.ts';

export interface SuperviseOptions extends PodWish {
  readonly stop: Stop;
  readonly listener: PodListener;
  readonly detached: boolean;
  readonly tmux?: string;
  /** The program of a `command` job gets the terminal itself. */
  readonly passTerminal?: boolean;
  /** Whoever shows the output has enough for now: resolves when there is room again. */
  readonly viewerRoom?: () => Promise<unknown> | undefined;
  /** False: an error where the host has no room for another pod. */
  readonly mayWait: boolean;
  /** Default true: it is one of `limits.pods`. */
  readonly takesRoom?: boolean;
  /** Of the first attempt; else one is made. */
  readonly sessionId?: SessionId;
  readonly onControl?: (control: PodControl) => void;
  /** What does the work, of a program that is a pod itself; else what the job says. */
  readonly runner?: Runner;
  /** Of jobs with `agent`. */
  readonly openAgentRunner?: OpenAgentRunner;
}

const HOUSEKEEPING_BUDGET_MS = 10 * 60_000;
/** The start of the pod goes first. */
const LATER_MS = 1_000;
const MAX_BACKOFF_MS = 3_600_000;

const loadRunner = async (
  { job, calledIn, openAgentRunner }: SuperviseOptions,
  { mission, env }: PodPlan,
): Promise<Runner> => {
  switch (runnerOf(job)) {
    case 'agent':
      if (openAgentRunner !== undefined && job.agent !== undefined) {
        const cwd = existsSync(mission.cwd) ? mission.cwd : calledIn; // a worktree is still to be made
        return openAgentRunner(job.agent, { cwd, env });
      }
      throw new NikaError('NIKA_POD_NOT_STARTED', 'a pod of this kind runs no agents', { subject: job.name });
    case 'steps':
      return (await import('./runner/steps-runner.ts')).runStepsJob;
    case 'command':
      return (await import('./runner/command-runner.ts')).runCommandJob;
    case 'module':
      return (await import('./runner/module-runner.ts')).runModuleJob;
  }
};

const createSessionId = (): SessionId => sessionIdSchema.parse(crypto.randomUUID());

/**
 * What others left behind is seen to while the pod works: notifications are sent, pods that died closed, the oldest ended
 * ones forgotten, old files of the bus compressed. The pod's end ends that too.
 */
const startHousekeeping = ({ home, settings, env }: PodWish): AsyncDisposable => {
  const controller = new AbortController();
  const { signal } = controller;
  const { busDir, runDir } = home;
  const { archiveAfterDays: olderThanDays } = settings.bus;
  const keep = settings.pods.keepEnded;
  const keepHouse = async (): Promise<void> => {
    await bestEffort('bus.archive', { withinMs: HOUSEKEEPING_BUDGET_MS }, () =>
      archiveBus({ busDir, runDir, olderThanDays, signal }),
    );
    if (await endsWithin(LATER_MS, signal)) return; // a short pod leaves the rest to others
    const [{ closeAllLost }, { pruneUnreadable }, { prunePodsAndWorktrees }, { resumeSender }] = await Promise.all([
      import('./registry/lost.ts'),
      import('./registry/prune.ts'),
      import('./worktree/prune-worktrees.ts'),
      import('./notify/start-sender.ts'),
    ]);
    await resumeSender(home, env);
    await bestEffort('pod.close-lost', { withinMs: HOUSEKEEPING_BUDGET_MS }, () => closeAllLost({ home, settings }));
    await bestEffort('pod.prune', { withinMs: HOUSEKEEPING_BUDGET_MS }, () =>
      prunePodsAndWorktrees({ runDir, keep, env, force: false, isQuick: true, signal }),
    );
    bestEffortSync('pod.prune', () => pruneUnreadable(runDir, false));
    const [{ tidyMemory }, { tidySignals }] = await Promise.all([
      import('./memory/tidy-memory.ts'),
      import('./signals/tidy-signals.ts'),
    ]);
    await bestEffort('wm.tidy', { withinMs: HOUSEKEEPING_BUDGET_MS }, () => tidyMemory(runDir));
    await bestEffort('signals.tidy', { withinMs: HOUSEKEEPING_BUDGET_MS }, () => tidySignals(runDir));
  };
  // With no descriptor left its modules cannot be loaded; the pod goes on (G1).
  const keeping = bestEffort('pod.housekeeping', { withinMs: 2 * HOUSEKEEPING_BUDGET_MS }, keepHouse);
  return {
    [Symbol.asyncDispose]: async () => {
      controller.abort();
      await keeping;
    },
  };
};

const endsWithin = async (ms: number, signal: AbortSignal): Promise<boolean> => {
  try {
    await delay(ms, undefined, { signal });
    return false;
  } catch {
    return true;
  }
};

/** A slot of the host, held until the pod is over. */
class HostRoom implements Disposable {
  readonly #count: number;
  readonly #mayWait: boolean;
  readonly #listener: PodListener;
  #slot: Disposable | undefined;

  constructor({ settings, mayWait, listener, takesRoom }: SuperviseOptions) {
    this.#count = settings.limits.pods;
    if (takesRoom === false) this.#slot = { [Symbol.dispose]: () => undefined };
    this.#mayWait = mayWait;
    this.#listener = listener;
  }

  get #many(): string {
    return this.#count === 1 ? '1 pod runs' : `${this.#count} pods run`;
  }

  /** @throws {NikaError} `NIKA_POD_LIMIT` */
  async claimAtOnce(): Promise<void> {
    this.#slot ??= await tryTakeSlot(this.#count);
    if (this.#slot !== undefined || this.#mayWait) return;
    throw new NikaError('NIKA_POD_LIMIT', `${this.#many} on this host already`, { subject: 'limits.pods' });
  }

  async wait(id: string, control: PodControl, signal: AbortSignal): Promise<void> {
    if (this.#slot !== undefined) return;
    const why = `${this.#many} on this host already (limits.pods): it begins when one of them ends`;
    const onWait = (): void => {
      control.wait(why);
      this.#listener({ event: 'queued', id, why }, 0);
    };
    this.#slot = await takeSlot(this.#count, onWait, signal);
  }

  [Symbol.dispose](): void {
    this.#slot?.[Symbol.dispose]();
  }
}

const waitBetween = async (control: PodControl, ms: number, signal: AbortSignal): Promise<void> => {
  control.wait(`the next attempt begins in ${ms / 1000} s`);
  try {
    await delay(ms, undefined, { signal });
  } catch {
    // stopped: the attempt is written as ended before it began
  }
};

/** Who tells people of it; nobody where the settings name no way. */
const openNotices = async (options: SuperviseOptions, plan: PodPlan): Promise<PodNotices | undefined> => {
  if (options.settings.notify.length === 0) return undefined;
  const { PodNotices } = await import('./notify/pod-notices.ts');
  return new PodNotices(options, plan, options.listener);
};

const backoffOf = ({ mission }: PodPlan, triesDone: number): number =>
  Math.min(MAX_BACKOFF_MS, mission.backoffMs * 2 ** (triesDone - 1));

/** What asks for review at its end; loaded where the job wants one. */
const openReview = async (
  options: SuperviseOptions,
  plan: PodPlan,
  hold: EntityHold,
): Promise<PodReview | undefined> => {
  if (options.job.review === undefined) return undefined;
  const { createReview } = await import('./review/pod-review.ts');
  return createReview(options, plan, hold);
};

/** In which its attempts work; loaded where there is one. */
const openWorktree = async (
  { worktree }: PodPlan,
  { home, settings, stop }: SuperviseOptions,
): Promise<PodWorktree | undefined> => {
  if (worktree === undefined) return undefined;
  const { PodWorktree: Opened } = await import('./worktree/pod-worktree.ts');
  const { timeoutMs: withinMs } = settings.worktrees;
  return Opened.open(worktree, { runDir: home.runDir, withinMs }, stop.signal);
};

/**
 * Runs the job to its end: as many attempts as it takes, or may take.
 * @throws {NikaError} before anything was written (P1): a wrong id, parent, key or field, an id that is taken, a budget
 * that is used up.
 */
export const superviseJob = async (options: SuperviseOptions): Promise<AttemptRun> => {
  const { stop } = options;
  const plan = await planPod(options);
  const kind = options.runner === undefined ? runnerOf(options.job) : 'library';
  const run = options.runner ?? (await loadRunner(options, plan));
  const budget = await openBudget(options, plan);
  using _budget = budget;
  using room = new HostRoom(options);
  await room.claimAtOnce();
  ensureHome(options.home); // what could not be made is told by the attempt
  await using hold = await claimEntity(options.home, plan.id, options.resumes === true, options);
  const review = await openReview(options, plan, hold);
  await using lease = await openLease(options, plan);
  await using worktree = await openWorktree(plan, options);
  budget?.limitWall(stop, hold.workedMs);
  await using _house = startHousekeeping(options);
  await using notices = await openNotices(options, plan);
  const first = hold.attempt;
  const attempts = Math.max(first, options.attempts ?? plan.mission.maxAttempts);
  let { standing } = hold;
  for (let attempt = first; ; attempt += 1) {
    const before: AttemptOptions['beforeBegin'] = async (control, signal) => {
      if (attempt > first) await waitBetween(control, backoffOf(plan, attempt - first), signal);
      await room.wait(plan.id, control, signal);
    };
    const attempted = await runAttempt({
      ...ofAll(options),
      listener: notices?.listener ?? options.listener,
      plan,
      worktree,
      budget,
      review,
      lease,
      runnerKind: kind,
      run,
      sessionId: attempt === first ? (options.sessionId ?? createSessionId()) : createSessionId(),
      attempt,
      attempts,
      standing,
      beforeBegin: before,
    });
    standing = attempted.standing;
    // A stop in between is told by the next attempt, which ends before it begins to work: the entity is never left open.
    const { ended } = attempted;
    const isHeard = ended.outcome === 'awaiting_review' && (await review?.tell(ended)) === true;
    await notices?.end(attempted, isHeard);
    if (!attempted.goesOn) return attempted;
  }
};

/** `undefined`: none is set, and nothing of it is loaded. @throws {NikaError} `NIKA_BUDGET_USED_UP` */
const openBudget = async (options: SuperviseOptions, plan: PodPlan): Promise<Budget | undefined> => {
  const { limits, projects } = options.settings;
  const { maxCostUsd, maxTokens, maxToolCalls, wallMs } = plan.mission;
  const limited = [maxCostUsd, maxTokens, maxToolCalls, wallMs, ...Object.values(limits.perDay)];
  const mayBeOfProject = plan.parent !== undefined && Object.keys(projects).length > 0;
  if (limited.every((limit) => limit === undefined) && !mayBeOfProject) return undefined;
  const opening = await import('./budget/open-budget.ts');
  const { stop, resumes = false } = options;
  return opening.openBudget({ wish: options, plan, stop, resumes });
};

/** Of a job of the queue; loaded where there is one. */
const openLease = async (
  { settings, lease, stop, home }: SuperviseOptions,
  { id: entity }: PodPlan,
): Promise<PodLease | undefined> => {
  if (lease === undefined) return undefined;
  const { PodLease: Opened } = await import('./lease/pod-lease.ts');
  return Opened.open({ settings, lease, stop, busDir: home.busDir, entity });
};

const ofAll = (options: SuperviseOptions) => ({
  wish: options,
  outerStop: options.stop,
  listener: options.listener,
  detached: options.detached,
  tmux: options.tmux,
  passTerminal: options.passTerminal ?? false,
  viewerRoom: options.viewerRoom,
  onControl: options.onControl,
});

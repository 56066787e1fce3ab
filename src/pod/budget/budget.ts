/**
 * Owns the budgets that hold for a pod, over all its attempts: of its job with all that it starts, of its project, of the
 * day. What the pod uses itself counts at once; what others use is read from the bus every few seconds.
 *
 * B1. Where no budget is set nothing is done. No tool call waits for what others use (G1).
 * B2. What others use and cannot be read is said once (G9); what the pod uses itself is held to the limits all the same.
 */
import type { Home } from '../../config/home.ts';
import { bestEffort, bestEffortSync } from '../../failopen/best-effort.ts';
import type { Usage } from '../../model/usage.ts';
import { explain, type Stop, type StopReason } from '../ending.ts';
import type { PodEntity } from '../entity.ts';
import type { Session } from '../session.ts';
import type { Account, Work } from './account.ts';
import { isFirstToWarn } from './budget-files.ts';
import type { OthersReader } from './others-reader.ts';
import { refusal } from './refusal.ts';
import { isNear, isOver, isUsedUp, type Reached, WARN_SHARE } from './scope.ts';
import { nearText } from './words.ts';

export interface BudgetOptions {
  readonly home: Home;
  /** Of the pod. */
  readonly job: string;
  readonly stop: Stop;
  /** None: no budget is set. */
  readonly accounts: readonly Account[];
  /** Opens the account of another day. */
  readonly nextDay: (account: Account, work: Work) => Account | undefined;
  readonly reader: OthersReader;
  /** Of the job, from start to end: that has a timer of its own. */
  readonly wallMs: number | undefined;
  /** Told of the sessions of the pod. */
  readonly onSession: (session: string) => void;
}

/** The attempt that is at work. */
export interface BudgetAttempt {
  readonly session: Session;
  readonly entity: PodEntity;
  /** Of the attempt. */
  readonly stop: Stop;
}

const LOOK_EVERY_MS = 2_000;
const LOOK_BUDGET_MS = 20_000;
const STOP_BUDGET_MS = 3_000;
const SERVICE = 'budget';

export class Budget implements Disposable {
  readonly #options: BudgetOptions;
  #accounts: readonly Account[];
  readonly #warned = new Set<string>();
  readonly #over = new AbortController();
  #attempt: BudgetAttempt | undefined;
  /** Of the attempts that are over. */
  #done: Work = { toolCalls: 0, wallMs: 0 };
  #isLooking = false;
  #timer: NodeJS.Timeout | undefined;
  #stopping: Promise<unknown> | undefined;
  #trouble: string | undefined;
  #isTroubleTold = false;
  /** Warnings from before the first attempt began. */
  #untold: Reached[] = [];

  constructor(options: BudgetOptions) {
    this.#options = options;
    this.#accounts = options.accounts;
  }

  /**
   * Ends the job when its time from start to end is over. `workedMs`: of that its sessions of before had already.
   * @throws {NikaError} `NIKA_BUDGET_USED_UP`
   */
  limitWall(stop: Stop, workedMs: number): void {
    const { wallMs: max, job: of } = this.#options;
    if (max === undefined) return;
    const wall = { scope: 'job', of, limit: 'wall', max, isAbout: false } as const;
    if (workedMs >= max) throw refusal({ ...wall, used: workedMs });
    stop.after(max - workedMs, { kind: 'limit', limit: 'wall', value: max });
    const used = WARN_SHARE * max;
    stop.later(Math.max(0, used - workedMs), () => this.#warn({ ...wall, used }));
  }

  /** The limits that are used up already, the first time that others are looked at. */
  async open(): Promise<readonly Reached[]> {
    if (this.#accounts.length === 0) return [];
    await this.#look();
    this.#plan();
    return this.#limits().filter(isUsedUp);
  }

  /** An attempt is at work. */
  begin(attempt: BudgetAttempt): void {
    const { session, stop } = attempt;
    this.#attempt = attempt;
    this.#options.onSession(session.id);
    const onStop = (): void => this.#stopDescendants(stop.reason);
    stop.signal.addEventListener('abort', onStop, { once: true });
    this.#tellTrouble();
    for (const reached of this.#untold.splice(0)) this.#warn(reached);
    this.check();
  }

  /** The attempt is over: what it started and was told to stop has had its time for that. */
  async end(): Promise<void> {
    await this.#stopping;
    this.#done = this.#work;
    this.#attempt = undefined;
  }

  /** The pod used something. */
  use(usage: Usage): void {
    const { session } = this.#attempt ?? {};
    if (session === undefined || this.#accounts.length === 0) return;
    this.#rollDay();
    for (const account of this.#accounts) account.add(session.id, usage);
    this.check();
  }

  /** Tool calls of earlier attempts, and of all that the job has started, as far as it is known. */
  get callsElsewhere(): number {
    const job = this.#accounts.find(({ scope }) => scope.kind === 'job');
    return this.#done.toolCalls + (job?.others.toolCalls ?? 0);
  }

  /** Why no further tool call may begin; `undefined`: it may. */
  callsOver(): StopReason | undefined {
    if (this.#accounts.length === 0) return undefined;
    const over = this.#limits().find((reached) => reached.limit === 'tool_calls' && isUsedUp(reached));
    return over === undefined || over.scope === 'job' ? undefined : reasonOf(over);
  }

  /** Warns, and stops the pod, where it is time for that. */
  check(): void {
    if (this.#accounts.length === 0 || this.#options.stop.signal.aborted) return;
    for (const reached of this.#limits()) {
      if (isOver(reached)) this.#options.stop.now(reasonOf(reached));
      else if (isNear(reached)) this.#warn(reached);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#over.abort();
  }

  get #work(): Work {
    const { session } = this.#attempt ?? {};
    if (session === undefined) return this.#done;
    const { toolCalls, wallMs } = this.#done;
    return { toolCalls: toolCalls + session.recorder.counts.calls, wallMs: wallMs + session.atMs };
  }

  #limits(): readonly Reached[] {
    return this.#accounts.flatMap((account) => account.limits(this.#work));
  }

  #plan(): void {
    const everyMs = LOOK_EVERY_MS * (0.75 + Math.random() / 2); // pods of a fleet do not look all at once
    this.#timer = setTimeout(() => {
      this.#look().then(
        () => this.#plan(),
        () => this.#plan(), // it does not reject
      );
    }, everyMs).unref();
  }

  async #look(): Promise<void> {
    if (this.#isLooking || this.#over.signal.aborted) return; // a disk that hangs holds one look, not one each time
    this.#isLooking = true;
    this.#rollDay();
    const looked = await bestEffort('budget.look', { withinMs: LOOK_BUDGET_MS }, async (late) => {
      try {
        await this.#options.reader.read(this.#accounts, AbortSignal.any([late, this.#over.signal]));
      } finally {
        this.#isLooking = false;
      }
    });
    if (this.#over.signal.aborted) return;
    if (looked.kind === 'done') this.#recover();
    else this.#suffer(looked.kind === 'failed' ? looked.why : `it takes more than ${LOOK_BUDGET_MS / 1000} s`);
    this.check();
  }

  #rollDay(): void {
    const today = new Date().toISOString().slice(0, 10);
    if (this.#accounts.every(({ scope }) => scope.kind !== 'day' || scope.of === today)) return;
    const { nextDay } = this.#options;
    this.#accounts = this.#accounts.map((account) =>
      account.scope.kind === 'day' ? (nextDay(account, this.#work) ?? account) : account,
    );
  }

  #suffer(why: string): void {
    if (this.#trouble !== undefined) return;
    this.#trouble = `what others use cannot be read (${why}): limits hold for what this pod uses itself`;
    this.#tellTrouble();
  }

  #tellTrouble(): void {
    if (this.#trouble === undefined || this.#isTroubleTold || this.#attempt === undefined) return;
    this.#isTroubleTold = true;
    this.#attempt.session.degrade(SERVICE, this.#trouble);
  }

  #recover(): void {
    if (this.#isTroubleTold) this.#attempt?.session.recover(SERVICE, 'what others use counts again');
    this.#trouble = undefined;
    this.#isTroubleTold = false;
  }

  /** Once for each limit; on the bus by one pod of all that it holds for. */
  #warn(reached: Reached): void {
    const { scope, of, limit, max, used } = reached;
    const key = `${of} ${limit}`;
    if (this.#warned.has(key)) return;
    if (this.#attempt === undefined) {
      this.#untold.push(reached);
      return;
    }
    this.#warned.add(key);
    const { session, entity } = this.#attempt;
    const detail = nearText(reached);
    const budget = { scope, of, limit, used, max };
    const { runDir } = this.#options.home;
    const isFirst = scope === 'job' || (bestEffortSync('budget.mark', () => isFirstToWarn(runDir, reached)) ?? true);
    session.tell({ event: 'budget', ...budget, detail, is_first: isFirst });
    if (isFirst) entity.record('condition', { condition: 'budget_warning', detail, budget });
  }

  #stopDescendants(reason: StopReason | undefined): void {
    if (reason?.kind !== 'limit' || (reason.scope ?? 'job') !== 'job') return;
    const { home, job } = this.#options;
    this.#stopping = bestEffort('budget.descendants', { withinMs: STOP_BUDGET_MS }, async (signal) => {
      const { stopDescendants } = await import('./stop-descendants.ts');
      await stopDescendants(home, job, `${job} ended: ${explain(reason)}`, signal);
    });
  }
}

const reasonOf = ({ scope, of, limit, used, max }: Reached): StopReason => ({
  kind: 'limit',
  limit,
  value: max,
  used,
  scope,
  of,
});

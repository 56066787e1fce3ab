/**
 * Owns a job that a worker has taken, until it leaves the worker: whose it is, its pod, and what is said of it.
 *
 * C1. A pod is started by who holds the job's lease alone; where no Redis is, by who has the lock of this host.
 * C2. A pod that lives is watched, whoever started it.
 * C3. What is over is taken off the queue, however often it is given out again.
 * C4. The end of a job without a pod is written by who has settled its lease.
 */
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { EntityReader } from '../../bus/query/entity-reader.ts';
import { holderOf, jobLeaseName } from '../../ipc/lease/job-lease.ts';
import type { LeaseHold } from '../../ipc/lease/lease.ts';
import type { HeldLease } from '../../model/held-lease.ts';
import { type SessionId, sessionIdSchema } from '../../model/id.ts';
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import { statusOf } from '../../pod/registry/pod-status.ts';
import { waitFor } from '../../pod/registry/wait-for.ts';
import type { Claim, QueuedJob } from '../queue/work-queue.ts';
import type { SwarmSession } from '../session/swarm-session.ts';
import {
  hasLostItsLease,
  isDeadHere,
  type JobStanding,
  latestPod,
  livingPod,
  needsNoPod,
  standingOf,
} from './job-standing.ts';
import type { LeaseDesk } from './lease-desk.ts';
import { type PreparedJob, prepareJob, startJob, type StartPlace } from './start-job.ts';
import { SettledElsewhere } from './settled-elsewhere.ts';
import { endToldBy, failed, type WrittenEnd, writeJobEnd } from './write-end.ts';

export interface ClaimedJobOptions extends StartPlace {
  readonly session: SwarmSession;
  /** `undefined`: no Redis is configured. */
  readonly desk: LeaseDesk | undefined;
  /** What this worker does with the job now, for people. */
  readonly onChange: (what: string) => void;
  /** How often this worker has put the job back because it does not know it, with this time. */
  readonly countUnknown: () => number;
  /** A job of this worker's is completed: what its result wants next is dispatched. */
  readonly onCompleted: (job: QueuedJob) => Promise<void>;
}

/** How it left the worker. */
export type JobLeft = 'done' | 'failed' | 'put back';

type Step =
  | { readonly kind: 'left'; readonly how: JobLeft }
  /** Look again. */
  | { readonly kind: 'again' };

const AGAIN: Step = { kind: 'again' };
const LOOK_EVERY_MS = 100;
const FOREIGN_LOOK_MS = 1_000;
const LOOKS_PER_LEASE = 3;
const NOT_NOW_MS = 2_000;
const UNKNOWN_MS = 1_000;
const MAX_UNKNOWN = 4;
const SAY_AGAIN_MS = 1_000;
const SILENT_LEASES = 2;

export class ClaimedJob {
  readonly #claim: Claim;
  readonly #options: ClaimedJobOptions;
  /** Aborted: the job is handed over, whatever its pod does. */
  readonly #handOver: AbortSignal;
  #attemptTold = -1;
  readonly #channel: EntityReader;
  #elsewhere: SettledElsewhere | undefined;
  /** Of the pod that it may start: the same until it has. */
  #session: SessionId | undefined;

  constructor(claim: Claim, options: ClaimedJobOptions, handOver: AbortSignal) {
    this.#claim = claim;
    this.#options = options;
    this.#channel = new EntityReader(options.home.busDir, claim.job.entity);
    this.#handOver = handOver;
  }

  /** Until the job has left the worker. */
  async run(): Promise<JobLeft> {
    for (;;) {
      if (this.#handOver.aborted) return this.#putBack(0, 'its worker ended; its pod, if it has one, lives on');
      const step = await this.#step();
      if (step.kind === 'left') return step.how;
    }
  }

  get #job(): QueuedJob {
    return this.#claim.job;
  }

  async #standing(): Promise<JobStanding> {
    return standingOf(await this.#channel.read(), this.#job);
  }

  async #step(): Promise<Step> {
    const { home, desk } = this.#options;
    const living = livingPod(home.runDir, this.#job.entity);
    const standing = await this.#standing();
    if (needsNoPod(standing.standing)) return this.#over(standing); // C3
    if (desk !== undefined) return this.#acquire(standing, living, desk);
    return living === undefined ? this.#begin(standing, undefined) : this.#watch(living, Infinity); // C2
  }

  /** C1 */
  async #acquire(standing: JobStanding, living: PodRecord | undefined, desk: LeaseDesk): Promise<Step> {
    const gate = await desk.gate(this.#handOver);
    const shownMs = desk.leaseMs / LOOKS_PER_LEASE;
    if (gate.kind === 'shut') {
      if (living !== undefined) return this.#watch(living, Math.min(gate.forMs, shownMs));
      return this.#wait(Math.min(gate.forMs, FOREIGN_LOOK_MS), gate.why);
    }
    if (living !== undefined && !hasLostItsLease(living, desk.leaseMs)) return this.#watch(living, shownMs); // C2
    const session = (this.#session ??= createSession());
    const holder = holderOf(hostname(), session);
    const name = jobLeaseName(this.#job.entity, standing.standing.rev);
    const seen = await desk.look(name);
    const isOpen = seen.kind === 'free' || (seen.kind === 'taken' && seen.holder === holder);
    const acquired = isOpen ? await desk.acquire(name, holder) : seen;
    if (acquired.kind === 'held') return this.#begin(standing, { session, name, hold: acquired.hold, desk });
    if (acquired.kind === 'unknown') return this.#wait(FOREIGN_LOOK_MS, `Redis is away: ${acquired.why}`);
    return living === undefined ? this.#taken({ name, ...acquired }, desk) : this.#watch(living, shownMs);
  }

  async #taken(taken: HeldLease & { isSettled: boolean }, desk: LeaseDesk): Promise<Step> {
    const { holder, isSettled } = taken;
    const { runDir } = this.#options.home;
    const isDead = isDeadHere(runDir, holder);
    const hold = desk.holdOf(taken);
    if (isSettled) {
      const end = isDead ? endToldBy(latestPod(runDir, this.#job.entity)) : await this.#endElsewhere(taken, desk);
      if (end.kind === 'left' || end.kind === 'again') return end;
      const now = await this.#standing(); // it may have ended since the last look
      return needsNoPod(now.standing) ? AGAIN : this.#end(now, hold, end);
    }
    if (!isDead) return this.#wait(FOREIGN_LOOK_MS, `runs with ${holder}`);
    await desk.release(hold); // nobody waits for the time of a lease whose holder is known to be gone
    return AGAIN;
  }

  /** E1. What its holder said of it elsewhere; where it says nothing for two leases, that is what there is to say. */
  async #endElsewhere({ holder, token }: HeldLease, desk: LeaseDesk): Promise<Step | WrittenEnd> {
    if (this.#elsewhere?.token !== token) this.#elsewhere = new SettledElsewhere(this.#job.entity, token);
    const by = await this.#elsewhere.look(desk);
    if (by.kind === 'unknown') return this.#wait(FOREIGN_LOOK_MS, `Redis is away: ${by.why}`);
    if (by.kind === 'told' && by.state === 'failed')
      return this.#leave(() => this.#claim.fail(by.why ?? `failed with ${holder}`), 'failed');
    if (by.kind === 'told') return this.#leave(() => this.#claim.done(`${by.state} with ${holder}`), 'done');
    if (by.ms < SILENT_LEASES * desk.leaseMs)
      return this.#wait(FOREIGN_LOOK_MS, `ended by ${holder}, which has not told how`);
    return failed(`${holder} ended it, and never told how: it died, or its host is cut off`);
  }

  async #wait(ms: number, what: string): Promise<Step> {
    this.#options.onChange(what);
    await this.#pause(ms);
    return AGAIN;
  }

  async #begin(standing: JobStanding, lease: Leased | undefined): Promise<Step> {
    const { home } = this.#options;
    const latest = latestPod(home.runDir, this.#job.entity);
    if (
      latest?.end?.outcome === 'cancelled' &&
      standing.view !== undefined &&
      latest.attempt >= standing.standing.attempt
    ) {
      return this.#end(standing, lease?.hold, { kind: 'cancelled', reason: latest.end.error ?? 'stopped' });
    }
    const outcome = await prepareJob(this.#job, standing.standing, this.#options);
    if (outcome.kind === 'unknown') {
      if (this.#options.countUnknown() >= MAX_UNKNOWN) {
        return this.#end(standing, lease?.hold, failed(outcome.why, 'NIKA_JOB_NOT_FOUND'));
      }
      await this.#release(lease);
      return this.#later(UNKNOWN_MS, outcome.why);
    }
    if (outcome.kind === 'impossible') {
      return this.#end(standing, lease?.hold, failed(outcome.error.message, outcome.error.code));
    }
    const { attempt, before = 0 } = standing.standing;
    const attempts = before + outcome.prepared.attempts;
    if (attempt >= attempts) {
      const why = latest?.end?.error ?? 'its pod died without a word, with its worker';
      return this.#end(standing, lease?.hold, failed(`attempt ${attempt} of ${attempts}: ${why}`, 'lost'));
    }
    return this.#start(standing, { ...outcome.prepared, attempts }, lease);
  }

  async #start(standing: JobStanding, prepared: PreparedJob, lease: Leased | undefined): Promise<Step> {
    const session = lease?.session ?? createSession();
    const wish = { queued: this.#job, prepared, standing, session, lease: lease === undefined ? null : orderOf(lease) };
    this.#options.onChange('starts its pod');
    // Started whole, or not at all: a drain waits for that.
    const start = await startJob(wish, this.#options, new AbortController().signal);
    if (start.kind === 'impossible')
      return this.#end(standing, lease?.hold, failed(start.error.message, start.error.code));
    if (start.kind === 'later') {
      if (livingPod(this.#options.home.runDir, this.#job.entity) !== undefined) return AGAIN;
      await this.#release(lease);
      return this.#later(NOT_NOW_MS, start.why);
    }
    this.#session = undefined;
    await this.#tell(standing.standing.attempt + 1, standing.standing);
    return AGAIN; // its record is there now: it is watched, or over already
  }

  /** For so long at most, or until it is over. */
  async #watch(record: PodRecord, forMs: number): Promise<Step> {
    const { home, settings, onChange } = this.#options;
    const wish = {
      isAny: false,
      untilMs: performance.now() + forMs,
      lookEveryMs: LOOK_EVERY_MS,
      onLook: ([now]: readonly PodRecord[]) => {
        if (now === undefined) return;
        onChange(`${statusOf(now)}${now.attempts > 1 ? `, attempt ${now.attempt} of ${now.attempts}` : ''}`);
        this.#tell(now.attempt, this.#job.standing).catch(() => undefined); // it does not reject
      },
    };
    await waitFor([record], { home, settings }, wish, this.#handOver);
    return AGAIN;
  }

  /** What the next one must know who gets the job. */
  async #tell(attempt: number, { state, rev, ...standing }: QueuedJob['standing']): Promise<void> {
    if (this.#attemptTold >= attempt) return;
    this.#attemptTold = attempt;
    const begun = state === 'created' ? { state: 'in_progress' as const, rev: rev + 1 } : { state, rev };
    await this.#claim.update({ ...standing, ...begun, attempt });
  }

  /** C3 */
  async #over({ standing, view }: JobStanding): Promise<Step> {
    if (standing.state === 'completed') await this.#options.onCompleted(this.#job);
    if (standing.state === 'failed') return this.#leave(() => this.#claim.fail(view?.error ?? 'it failed'), 'failed');
    return this.#leave(() => this.#claim.done(view?.summary ?? standing.state), 'done');
  }

  /** C4 */
  async #end(standing: JobStanding, hold: LeaseHold | undefined, end: WrittenEnd): Promise<Step> {
    const { desk, session } = this.#options;
    if (hold !== undefined && desk !== undefined) {
      const settled = await desk.settle(hold);
      if (settled === 'taken') return AGAIN;
      if (settled === 'unknown') return this.#later(NOT_NOW_MS, 'Redis is away');
    }
    writeJobEnd(session, this.#job, standing, end);
    if (end.kind === 'cancelled') return this.#leave(() => this.#claim.done(end.reason), 'done');
    return this.#leave(() => this.#claim.fail(end.error), 'failed');
  }

  async #release(lease: Leased | undefined): Promise<void> {
    if (lease !== undefined) await lease.desk.release(lease.hold);
  }

  async #later(delayMs: number, why: string): Promise<Step> {
    return { kind: 'left', how: await this.#putBack(delayMs, why) };
  }

  async #putBack(delayMs: number, why: string): Promise<JobLeft> {
    await this.#claim.putBack(delayMs, why); // where the queue is away the job stalls, and comes back by that
    return 'put back';
  }

  /** Said until the queue has heard it, or the worker ends. */
  async #leave(say: () => Promise<unknown>, how: JobLeft): Promise<Step> {
    while ((await say()) !== 'ok' && !this.#handOver.aborted) await this.#pause(SAY_AGAIN_MS);
    return { kind: 'left', how };
  }

  async #pause(ms: number): Promise<void> {
    try {
      await delay(ms, undefined, { signal: this.#handOver });
    } catch {
      // handed over
    }
  }
}

/** The lease of a job, held for a pod that is still to be started. */
interface Leased {
  readonly session: SessionId;
  readonly name: string;
  readonly hold: LeaseHold;
  readonly desk: LeaseDesk;
}

const createSession = (): SessionId => sessionIdSchema.parse(crypto.randomUUID());

const orderOf = ({ name, hold: { holder, token } }: Leased): HeldLease => ({ name, holder, token });

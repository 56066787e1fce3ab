/**
 * Owns how a job is given to the swarm: its line on the bus of this home, the feed, the queue. Each of the three may fail
 * alone.
 *
 * D1. Whatever can be wrong of job and inputs is told before anything is written.
 * D2. A job that stands on the bus as created is in a queue, or in the outbox of its home: first the outbox, then the bus,
 *     then the queue. Where neither takes it, it is closed as failed.
 * D3. What differs for the reader of the bus or the feed (a secret that is redacted, inputs that are long, a job whose file
 *     is here) is left out there: only the queue has it.
 * D4. Killed at any point it leaves nothing, or an order in the outbox from which whoever comes next makes the rest: the
 *     line on the bus, and the place in the queue.
 */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { busPath, channelName } from '../../bus/layout.ts';
import type { Home } from '../../config/home.ts';
import type { Job } from '../../config/job/job.ts';
import type { InputValues } from '../../config/job/job-inputs.ts';
import type { Settings } from '../../config/settings.ts';
import type { Dispatch } from '../../model/dispatch.ts';
import { NikaError } from '../../model/error.ts';
import type { EntityId } from '../../model/id.ts';
import { createProject } from '../../pod/create-project.ts';
import { inlineForm } from '../../pod/launch/inline-form.ts';
import { type PodPlan, planPod } from '../../pod/plan.ts';
import { createBodyEncoder } from '../../recorder/body.ts';
import { openWorkQueue } from '../queue/open-work-queue.ts';
import type { QueuedJob, WorkQueue } from '../queue/work-queue.ts';
import { SwarmSession } from '../session/swarm-session.ts';
import { moveToDispatched, removeDispatched, tryAddToOutbox } from './dispatch-files.ts';
import { lockDispatch, writeFirstLine } from './first-line.ts';
import { flushOutbox } from './flush-outbox.ts';

export interface DispatchWish {
  readonly home: Home;
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly job: Job;
  /** Absolute; `undefined`: it has none. */
  readonly jobFile: string | undefined;
  /** A worker finds it by its name: a job of the home, or one that nika ships. Else it travels with the order. */
  readonly isByName: boolean;
  readonly inputs: InputValues;
  readonly parent: EntityId | undefined;
  readonly id: EntityId | undefined;
  /** Absolute: where expressions of the job see themselves called. */
  readonly calledIn: string;
  readonly priority: number;
  readonly capability: string;
  readonly notBeforeMs: number | undefined;
  readonly deadlineMs: number | undefined;
}

export interface Dispatched {
  readonly id: EntityId;
  readonly root: EntityId;
  readonly job: QueuedJob;
  /** `outbox`: no queue took it, and it waits in this home. */
  readonly kind: 'queued' | 'outbox';
  /** What could not be done, for people. */
  readonly troubles: readonly string[];
}

/** With more, an entry of the feed would have no room for the rest. */
const INPUT_BYTES = 1_000;

/** For the first connection. */
const CONNECT_MS = 1_000;

const isoOf = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

const queuedJob = (wish: DispatchWish, plan: PodPlan): QueuedJob => ({
  v: 1,
  entity: plan.id,
  root: plan.lineage.root_id,
  parent: plan.parent ?? null,
  job: wish.isByName ? { kind: 'name', name: wish.job.name } : { kind: 'inline', job: inlineForm(wish.job) },
  name: wish.job.name,
  inputs: wish.inputs,
  capability: wish.capability,
  priority: wish.priority,
  dispatched_at: new Date().toISOString(),
  not_before: isoOf(wish.notBeforeMs),
  deadline: isoOf(wish.deadlineMs),
  from: { host: hostname(), home: wish.home.dir },
  attempts: plan.mission.maxAttempts,
  standing: { state: 'created', rev: 1, attempt: 0 },
});

/** D3 */
const mayBeTold = ({ settings, isByName, inputs }: DispatchWish): boolean => {
  const json = JSON.stringify(inputs);
  if (!isByName || json.length > INPUT_BYTES) return false;
  const { maxBodyBytes, redact } = settings.recorder;
  const encoder = createBodyEncoder({ maxBodyBytes, patterns: redact });
  return encoder.encode(inputs).json === json && encoder.encodeText(json).text === json;
};

const dispatchOf = (wish: DispatchWish, { name, priority, capability, not_before, deadline }: QueuedJob): Dispatch => ({
  job: name,
  ...(mayBeTold(wish) ? { inputs: { ...wish.inputs } } : {}),
  capability,
  priority,
  ...(not_before === null ? {} : { not_before }),
  ...(deadline === null ? {} : { deadline }),
  from: hostname(),
});

class Dispatching {
  readonly #wish: DispatchWish;
  readonly #plan: PodPlan;
  readonly #queue: WorkQueue;
  readonly #troubles: string[] = [];

  constructor(wish: DispatchWish, plan: PodPlan, queue: WorkQueue) {
    this.#wish = wish;
    this.#plan = plan;
    this.#queue = queue;
  }

  /** @throws {NikaError} `NIKA_ENTITY_EXISTS`, `NIKA_DISPATCH_FAILED` */
  async run(): Promise<Dispatched> {
    const { home, settings, env } = this.#wish;
    const { id, lineage } = this.#plan;
    const listener = (event: { readonly event: string; readonly service?: string; readonly why?: string }): void => {
      if (event.event === 'degraded') this.#trouble(`${event.service}: ${event.why}`);
    };
    const session = SwarmSession.open({ home, settings, env, kind: 'command', job: 'nika-dispatch', listener });
    await using _session = session;
    const { bus } = session.session;
    if (existsSync(busPath(home.busDir, channelName(id)))) throw await this.#exists();
    const parent = createProject(session.session, this.#plan);
    const job = { ...queuedJob(this.#wish, this.#plan), parent: parent ?? null };
    const isKept = await this.#write(session, job);
    const kind = await this.#give(job, isKept);
    if (kind === undefined) {
      const error = 'it could be put into no queue, nor into the outbox of its home';
      const entity = session.entity(id, job.parent ?? undefined, lineage, { state: 'created', rev: 1 });
      entity.transition('failed', 'job_failed', { error });
      throw new NikaError('NIKA_DISPATCH_FAILED', `${id}: ${error} (${this.#troubles.join('; ')})`, { subject: id });
    }
    if (kind === 'outbox' && bus.isFailing) {
      bestEffortSync('dispatch.outbox', () => removeDispatched(home.runDir, id)); // its line goes with this process
      throw new NikaError(
        'NIKA_DISPATCH_FAILED',
        `${id}: neither bus nor queue takes it (${this.#troubles.join('; ')})`,
      );
    }
    if (bus.isFailing) this.#troubles.push('the bus of this home does not have it yet: its disk refuses to be written');
    return { id, root: lineage.root_id, job, kind, troubles: this.#troubles };
  }

  /** Feed and queue of one Redis say the same. */
  #trouble(why: string): void {
    if (!this.#troubles.includes(why)) this.#troubles.push(why);
  }

  /** D2, D4. True: the outbox has it. @throws {NikaError} `NIKA_ENTITY_EXISTS`, `NIKA_DISPATCH_FAILED` */
  async #write(session: SwarmSession, job: QueuedJob): Promise<boolean> {
    const { home, job: definition } = this.#wish;
    const { id, lineage } = this.#plan;
    await using lock = await lockDispatch(home, id);
    if (lock === undefined) throw await this.#exists();
    const { name, description } = definition;
    const line = { name, description, dispatch: dispatchOf(this.#wish, job), lineage };
    const kept = bestEffortSync('dispatch.outbox', () => tryAddToOutbox(home.runDir, job, line));
    if (kept === 'exists') throw await this.#exists(lock);
    if (kept === undefined) this.#troubles.push(`the outbox of this home cannot be written`);
    const isNew = session.session.bus.createChannel(id) === 'created';
    const isThere = existsSync(busPath(home.busDir, channelName(id)));
    if (isNew && isThere) writeFirstLine(session, job, line);
    else bestEffortSync('dispatch.outbox', () => removeDispatched(home.runDir, id));
    if (!isNew) throw await this.#exists();
    if (isThere) return kept === 'added';
    throw new NikaError('NIKA_DISPATCH_FAILED', `nothing was dispatched: ${home.busDir} cannot be written`);
  }

  /** What a dispatch of the same id left that was killed is brought now. */
  async #exists(lock?: AsyncDisposable): Promise<NikaError> {
    const { home, settings } = this.#wish;
    const { id } = this.#plan;
    await lock?.[Symbol.asyncDispose]();
    await this.#queue.untilKnown(CONNECT_MS);
    await flushOutbox({ home, settings, queue: this.#queue });
    return new NikaError('NIKA_ENTITY_EXISTS', `${id} is on the bus already`, { subject: id });
  }

  async #give(job: QueuedJob, isKept: boolean): Promise<Dispatched['kind'] | undefined> {
    const { home, settings } = this.#wish;
    await this.#queue.untilKnown(CONNECT_MS);
    const added = await this.#queue.add(job);
    if (added.kind !== 'away') {
      if (isKept) bestEffortSync('dispatch.outbox', () => moveToDispatched(home.runDir, job.entity));
      await flushOutbox({ home, settings, queue: this.#queue });
      return 'queued';
    }
    this.#trouble(this.#queue.kind === 'redis' ? `redis: ${added.why}` : added.why);
    return isKept ? 'outbox' : undefined;
  }
}

/**
 * Writes the job on the bus of this home, tells the feed, and puts it into the queue (D1).
 * @throws {NikaError} what is wrong with it, before anything was written; `NIKA_ENTITY_EXISTS`; `NIKA_DISPATCH_FAILED`
 */
export const dispatchJob = async (wish: DispatchWish): Promise<Dispatched> => {
  const { home, settings, job, inputs, calledIn, env, jobFile, parent, id } = wish;
  await using queue = await openWorkQueue({ home, settings }); // it connects meanwhile
  // Where it works is the worker's to say: no worktree is made here.
  const here = { ...job, worktree: false };
  const plan = await planPod({ home, settings, job: here, jobFile, inputs, parent, id, calledIn, env });
  return await new Dispatching(wish, plan, queue).run(); // awaited here: the queue is closed below
};

/** It is over, or was cancelled: this home need not know how to give it again. */
export const forgetDispatched = (runDir: string, entity: string): void => {
  bestEffortSync('dispatch.forget', () => removeDispatched(runDir, entity));
};

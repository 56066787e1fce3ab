/**
 * Owns a worker: it takes jobs from the queue, runs each as a pod of its home, and sees to them until they are over.
 *
 * R1. Its pods live on when it ends, however it ends; another worker of the home sees to them.
 * R2. It takes nothing while nobody can tell whose a job is (K1), and says why.
 */
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { bestEffort, bestEffortSync } from '../../failopen/best-effort.ts';
import { errorMessage } from '../../model/error.ts';
import type { SessionId } from '../../model/id.ts';
import { thisPodProcess } from '../../pod/registry/pod-status.ts';
import type { Claim, WorkQueue } from '../queue/work-queue.ts';
import type { SwarmSession } from '../session/swarm-session.ts';
import { ClaimedJob } from './claimed-job.ts';
import type { LeaseDesk } from './lease-desk.ts';
import type { StartPlace } from './start-job.ts';
import type { WorkerSignals } from './worker-signals.ts';
import { removeWorkerRecord, type WorkerRecord, type WorkerState, writeWorkerRecord } from './worker-record.ts';

export interface WorkerOptions extends StartPlace {
  readonly home: Home;
  readonly settings: Settings;
  readonly session: SwarmSession;
  readonly queue: WorkQueue;
  /** `undefined`: no Redis is configured. */
  readonly desk: LeaseDesk | undefined;
  readonly capabilities: readonly string[];
  readonly concurrency: number;
  readonly onCompleted: (claim: Claim['job']) => Promise<void>;
  /** Each change of what it does, as a line. */
  readonly say: (line: string) => void;
}

export interface WorkerCounts {
  readonly done: number;
  readonly failed: number;
  readonly handedOver: number;
}

const BEAT_EVERY_MS = 5_000;
const SOON_MS = 250;
const GATE_LOOK_MS = 1_000;
const EMPTY_PAUSE_MS = 100;
const PUT_BACK_WITHIN_MS = 2_000;

interface Held {
  readonly claim: Claim;
  readonly since: string;
  what: string;
  readonly left: Promise<void>;
}

export class Worker {
  readonly #options: WorkerOptions;
  readonly #signals: Pick<WorkerSignals, 'drain' | 'handOver'>;
  readonly #held = new Map<string, Held>();
  /** How often each job was not known here. */
  readonly #unknown = new Map<string, number>();
  readonly #startedAt = new Date().toISOString();
  #counts = { done: 0, failed: 0, handedOver: 0 };
  #why: string | null = null;
  #freed = Promise.withResolvers<void>();
  #soon: NodeJS.Timeout | undefined;

  constructor(options: WorkerOptions, signals: Pick<WorkerSignals, 'drain' | 'handOver'>) {
    this.#options = options;
    this.#signals = signals;
  }

  get id(): SessionId {
    return this.#options.session.session.id;
  }

  get name(): string {
    return `${hostname()}/${this.id}`;
  }

  /** Until it is drained, or has handed over what it had. Never rejects. */
  async run(): Promise<WorkerCounts> {
    const { drain, handOver } = this.#signals;
    const { runDir } = this.#options.home;
    this.#write();
    const beat = setInterval(() => this.#write(), BEAT_EVERY_MS);
    const onDrain = (): void => {
      this.#touch();
      this.#freed.resolve();
    };
    const unwatch = this.#options.desk?.link.onStatus(() => this.#touch());
    drain.addEventListener('abort', onDrain, { once: true });
    while (!drain.aborted) {
      const taken = await bestEffort('worker.take', { withinMs: 2 ** 31 - 1 }, () => this.#takeOne());
      if (taken.kind !== 'done') await pause(GATE_LOOK_MS, drain);
    }
    while (this.#held.size > 0) {
      await Promise.all([...this.#held.values()].map(({ left }) => left));
    }
    clearInterval(beat);
    clearTimeout(this.#soon);
    unwatch?.();
    drain.removeEventListener('abort', onDrain);
    if (handOver.aborted) this.#options.say('its pods live on');
    bestEffortSync('worker.record', () => removeWorkerRecord(runDir, this.id));
    return this.#counts;
  }

  async #takeOne(): Promise<void> {
    const { queue, capabilities, concurrency } = this.#options;
    const { drain } = this.#signals;
    if (this.#held.size >= concurrency) {
      await this.#freed.promise; // or drained
      return;
    }
    if (!(await this.#mayTake())) return; // R2
    const claim = await queue.take(capabilities, this.name, drain);
    if (claim === undefined) {
      await pause(EMPTY_PAUSE_MS, drain);
      return;
    }
    const gate = await this.#options.desk?.gate(drain);
    if (drain.aborted || gate?.kind === 'shut' || this.#held.has(claim.job.entity)) {
      const forMs = gate?.kind === 'shut' ? gate.forMs : this.#held.has(claim.job.entity) ? GATE_LOOK_MS : 0;
      const why = gate?.kind === 'shut' ? gate.why : 'its worker ends';
      await bestEffort('worker.put-back', { withinMs: PUT_BACK_WITHIN_MS }, () => claim.putBack(forMs, why));
      return;
    }
    this.#hold(claim);
  }

  /** R2 */
  async #mayTake(): Promise<boolean> {
    const { desk } = this.#options;
    const { drain } = this.#signals;
    const gate = await desk?.gate(drain);
    const why = gate?.kind === 'shut' ? gate.why : null;
    if (why !== this.#why) {
      this.#why = why;
      this.#options.say(why === null ? 'takes jobs' : `takes nothing: ${why}`);
      this.#touch();
    }
    if (gate?.kind !== 'shut') return true;
    await pause(Math.min(gate.forMs, GATE_LOOK_MS), drain);
    return false;
  }

  #hold(claim: Claim): void {
    const { entity } = claim.job;
    const held: Held = { claim, since: new Date().toISOString(), what: 'taken', left: this.#see(claim) };
    this.#held.set(entity, held);
    this.#touch();
  }

  async #see(claim: Claim): Promise<void> {
    const { entity, name } = claim.job;
    const { say, onCompleted } = this.#options;
    await Promise.resolve(); // it is held first
    say(`${entity} ${name}: taken`);
    const job = new ClaimedJob(
      claim,
      {
        ...this.#options,
        onChange: (what) => this.#change(entity, what),
        countUnknown: () => this.#countUnknown(entity),
        onCompleted,
      },
      this.#signals.handOver,
    );
    try {
      const how = await job.run();
      if (how === 'done') this.#counts.done += 1;
      if (how === 'failed') this.#counts.failed += 1;
      if (how === 'put back' && this.#signals.handOver.aborted) this.#counts.handedOver += 1;
      say(`${entity} ${name}: ${how}`);
    } catch (thrown) {
      // A bus that cannot be read, a bug: the job comes back, to whoever can.
      say(`${entity} ${name}: ${errorMessage(thrown)}`);
      await bestEffort('worker.put-back', { withinMs: PUT_BACK_WITHIN_MS }, () =>
        claim.putBack(BEAT_EVERY_MS, errorMessage(thrown)),
      );
    }
    this.#held.delete(entity);
    this.#freed.resolve();
    this.#freed = Promise.withResolvers();
    this.#touch();
  }

  #countUnknown(entity: string): number {
    const count = (this.#unknown.get(entity) ?? 0) + 1;
    this.#unknown.set(entity, count);
    return count;
  }

  #change(entity: string, what: string): void {
    const held = this.#held.get(entity);
    if (held === undefined || held.what === what) return;
    held.what = what;
    this.#touch();
  }

  /** What changed is seen soon, however much changes. */
  #touch(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#write();
    }, SOON_MS).unref();
  }

  get #state(): WorkerState {
    if (this.#signals.drain.aborted) return 'draining';
    return this.#shownWhy === null ? 'working' : 'waiting';
  }

  /** While it waits for a job it asks nothing: what the connection says counts as well. */
  get #shownWhy(): string | null {
    return this.#options.desk?.shutWhy ?? this.#why;
  }

  #write(): void {
    const { home, queue, capabilities, concurrency, session } = this.#options;
    const record: WorkerRecord = {
      v: 1,
      session: this.id,
      process: thisPodProcess(),
      started_at: this.#startedAt,
      capabilities: [...capabilities],
      concurrency,
      queue: queue.kind,
      state: this.#state,
      why: this.#shownWhy,
      jobs: [...this.#held.values()].map(({ claim: { job }, since, what }) => ({
        entity: job.entity,
        job: job.name,
        since,
        what,
      })),
      done: this.#counts.done,
      failed: this.#counts.failed,
      beat: { at: new Date().toISOString(), mono_ms: Number(process.hrtime.bigint() / 1_000_000n) },
      log: session.session.log.path,
    };
    bestEffortSync('worker.record', () => writeWorkerRecord(home.runDir, record));
  }
}

const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  try {
    await delay(ms, undefined, { signal });
  } catch {
    // told to end
  }
};

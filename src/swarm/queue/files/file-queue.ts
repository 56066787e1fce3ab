/**
 * Owns the queue of a home where no Redis is configured: by files, for the workers of one machine. By priority, then age.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf, errorMessage } from '../../../model/error.ts';
import type { Claim, QueueAway, QueuedJob, QueueFilter, QueueRow, QueueState, WorkQueue } from '../work-queue.ts';
import { QUEUE_STATES } from '../work-queue.ts';
import { FileJobClaim } from './file-claim.ts';
import { type FileJob, QueueFolder } from './queue-folder.ts';

const LOOK_EVERY_MS = 200;

interface Standing {
  readonly found: FileJob;
  readonly state: QueueState;
  readonly number: number;
}

const isDue = ({ not_before }: FileJob): boolean => not_before === null || Date.parse(not_before) <= Date.now();

const byTurn = (a: FileJob, b: FileJob): number =>
  b.job.priority - a.job.priority ||
  (a.job.dispatched_at < b.job.dispatched_at ? -1 : a.job.dispatched_at > b.job.dispatched_at ? 1 : 0);

/** A disk that is full, or may not be written, is as a Redis that is away. */
const tryDo = <T>(work: () => T): Promise<T | QueueAway> => {
  try {
    return Promise.resolve(work());
  } catch (thrown) {
    const why = `the queue of this home cannot be used: ${errnoOf(thrown) ?? errorMessage(thrown)}`;
    return Promise.resolve({ kind: 'away', why });
  }
};

export class FileWorkQueue implements WorkQueue {
  readonly kind = 'files';
  readonly #folder: QueueFolder;
  readonly #claims = new Set<FileJobClaim>();
  #isClosed = false;

  private constructor(runDir: string) {
    this.#folder = new QueueFolder(runDir);
  }

  static open(runDir: string): FileWorkQueue {
    return new FileWorkQueue(runDir);
  }

  untilKnown(): Promise<void> {
    return Promise.resolve();
  }

  add(job: QueuedJob): Promise<{ readonly kind: 'queued' | 'there' } | QueueAway> {
    return tryDo(() => {
      const kept = this.#folder.done(job.entity);
      if (kept !== undefined) {
        if (job.standing.rev <= kept.job.standing.rev) return { kind: 'there' } as const;
        this.#folder.removeDone(job.entity); // a later round of the same entity
      }
      const { not_before } = job;
      const isNew = this.#folder.tryAdd({ job, since: new Date().toISOString(), not_before, note: null });
      return { kind: isNew ? 'queued' : 'there' } as const;
    });
  }

  list({ capability, states = QUEUE_STATES }: QueueFilter = {}): Promise<readonly QueueRow[] | QueueAway> {
    return tryDo(() => {
      const claims = this.#folder.claims();
      const open = this.#folder.entities().flatMap((entity) => this.#standing(entity, claims) ?? []);
      const rows = open.toSorted((a, b) => byTurn(a.found, b.found)).map((standing) => this.#row(standing));
      const over = this.#folder
        .allDone()
        .map(doneRow)
        .toSorted((a, b) => (a.since < b.since ? -1 : 1));
      return [...rows, ...over].filter(
        ({ job, state }) => states.includes(state) && (capability === undefined || job.capability === capability),
      );
    });
  }

  show(entity: string): Promise<QueueRow | undefined | QueueAway> {
    return tryDo(() => {
      const standing = this.#standing(entity, this.#folder.claims());
      const done = standing === undefined ? this.#folder.done(entity) : undefined;
      return standing === undefined ? done && doneRow(done) : this.#row(standing);
    });
  }

  cancel(entity: string): Promise<'cancelled' | 'active' | 'unknown' | QueueAway> {
    return tryDo(() => {
      const standing = this.#standing(entity, this.#folder.claims());
      if (standing === undefined) return 'unknown';
      if (standing.state === 'active') return 'active';
      // By a claim, so that no worker has it at the same time.
      if (this.#folder.tryClaim(entity, 'cancel', standing.number + 1) === undefined) return 'active';
      this.#folder.remove(entity);
      return 'cancelled';
    });
  }

  clear(states: readonly ('completed' | 'failed')[]): Promise<number | QueueAway> {
    return tryDo(() => {
      const over = this.#folder.allDone().filter(({ state }) => states.includes(state));
      for (const { job } of over) this.#folder.removeDone(job.entity);
      return over.length;
    });
  }

  retry(entity: string): Promise<'retried' | 'active' | 'unknown' | QueueAway> {
    return tryDo(() => {
      const standing = this.#standing(entity, this.#folder.claims());
      const since = new Date().toISOString();
      if (standing?.state === 'active') return 'active';
      if (standing !== undefined) {
        this.#folder.write({ ...standing.found, not_before: null });
        return 'retried';
      }
      const done = this.#folder.done(entity);
      if (done?.state !== 'failed') return 'unknown';
      this.#folder.removeDone(entity);
      this.#folder.tryAdd({ job: done.job, since, not_before: null, note: null });
      return 'retried';
    });
  }

  async take(capabilities: readonly string[], worker: string, signal: AbortSignal): Promise<Claim | undefined> {
    while (!signal.aborted && !this.#isClosed) {
      const claim = await tryDo(() => this.#next(capabilities, worker));
      if (claim instanceof FileJobClaim) return claim;
      try {
        await delay(LOOK_EVERY_MS, undefined, { signal });
      } catch {
        return undefined;
      }
    }
    return undefined;
  }

  depths(): Promise<Readonly<Record<string, number>> | QueueAway> {
    return tryDo(() => {
      const claims = this.#folder.claims();
      const depths: Record<string, number> = {};
      for (const entity of this.#folder.entities()) {
        const standing = this.#standing(entity, claims);
        if (standing === undefined) continue;
        const { capability } = standing.found.job;
        depths[capability] = (depths[capability] ?? 0) + (standing.state === 'waiting' ? 1 : 0);
      }
      return depths;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const claim of this.#claims) claim.giveUp();
    return Promise.resolve();
  }

  #next(capabilities: readonly string[], worker: string): FileJobClaim | undefined {
    const claims = this.#folder.claims();
    const waiting = this.#folder
      .entities()
      .flatMap((entity) => this.#standing(entity, claims) ?? [])
      .filter(({ found, state }) => state === 'waiting' && capabilities.includes(found.job.capability))
      .toSorted((a, b) => byTurn(a.found, b.found));
    for (const { found, number } of waiting) {
      const { entity } = found.job;
      const claim = this.#folder.tryClaim(entity, worker, number + 1);
      if (claim === undefined) continue;
      const now = this.#folder.job(entity);
      if (now === undefined) {
        this.#folder.remove(entity); // it was over before the claim: the number began again
        continue;
      }
      const held = { folder: this.#folder, found: now, claim, number: number + 1 };
      const taken = new FileJobClaim(held, () => this.#claims.delete(taken));
      this.#claims.add(taken);
      return taken;
    }
    return undefined;
  }

  #standing(entity: string, claims: ReadonlyMap<string, number>): Standing | undefined {
    const found = this.#folder.job(entity);
    if (found === undefined) return undefined;
    const number = claims.get(entity) ?? 0;
    const isHeld = number > 0 && this.#folder.isHeld(entity, number);
    return { found, number, state: isHeld ? 'active' : isDue(found) ? 'waiting' : 'delayed' };
  }

  #row({ found: { job, since, note }, state, number }: Standing): QueueRow {
    const claim = state === 'active' ? this.#folder.claim(job.entity, number) : undefined;
    return { job, state, since: claim?.since ?? since, worker: claim?.worker, error: note ?? undefined };
  }
}

const doneRow = ({ job, state, since, note }: ReturnType<QueueFolder['allDone']>[number]): QueueRow => ({
  job,
  state,
  since,
  worker: undefined,
  error: state === 'failed' ? (note ?? undefined) : undefined,
});

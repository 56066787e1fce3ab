/** Owns a job that this process has from the queue of files: its claim is touched as long as the process runs. */
import { bestEffortSync } from '../../../failopen/best-effort.ts';
import { errnoOf, errorMessage } from '../../../model/error.ts';
import type { Claim, QueueAway, QueuedJob } from '../work-queue.ts';
import type { FileClaim, FileJob, QueueFolder } from './queue-folder.ts';

const TOUCH_EVERY_MS = 10_000;
const GIVE_BACK_AGAIN_MS = 1_000;

interface Held {
  readonly folder: QueueFolder;
  readonly found: FileJob;
  readonly claim: FileClaim;
  readonly number: number;
}

export class FileJobClaim implements Claim {
  readonly #held: Held;
  readonly #onEnd: () => void;
  #timer: NodeJS.Timeout;
  #found: FileJob;

  constructor(held: Held, onEnd: () => void) {
    this.#held = held;
    this.#onEnd = onEnd;
    this.#found = held.found;
    const { folder, claim, number } = held;
    this.#timer = setInterval(() => {
      bestEffortSync('queue.touch', () => folder.writeClaim(this.job.entity, number, claim));
    }, TOUCH_EVERY_MS).unref();
  }

  get job(): QueuedJob {
    return this.#found.job;
  }

  /** Whoever comes next may have it, as if the process had ended. */
  giveUp(): void {
    const { folder, claim, number } = this.#held;
    bestEffortSync('queue.give-up', () => folder.writeClaim(this.job.entity, number, { ...claim, is_free: true }));
    this.#drop();
  }

  #drop(): void {
    clearInterval(this.#timer);
    this.#onEnd();
  }

  done(summary: string): Promise<'ok' | QueueAway> {
    return this.#end(() => this.#writeDone('completed', summary));
  }

  fail(why: string): Promise<'ok' | QueueAway> {
    return this.#end(() => this.#writeDone('failed', why));
  }

  /** Where that cannot be written it is tried again: nobody sees to the job, and its claim lives as long as the process. */
  async putBack(delayMs: number, why: string): Promise<'ok' | QueueAway> {
    const { folder, claim, number } = this.#held;
    const dueMs = Date.now() + delayMs;
    const give = (): void => {
      folder.write({ ...this.#found, note: why, not_before: delayMs > 0 ? new Date(dueMs).toISOString() : null });
      folder.writeClaim(this.job.entity, number, { ...claim, is_free: true });
    };
    const said = await this.#end(give);
    if (said === 'ok') return said;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => void this.#end(give), GIVE_BACK_AGAIN_MS).unref();
    return said;
  }

  update(standing: QueuedJob['standing']): Promise<'ok' | QueueAway> {
    return this.#say(() => {
      this.#found = { ...this.#found, job: { ...this.job, standing } };
      this.#held.folder.write(this.#found);
    });
  }

  #writeDone(state: 'completed' | 'failed', note: string): void {
    const { folder, claim } = this.#held;
    folder.writeDone({ ...this.#found, note, state, worker: claim.worker, since: new Date().toISOString() });
  }

  async #end(say: () => void): Promise<'ok' | QueueAway> {
    const said = await this.#say(say);
    if (said === 'ok') this.#drop();
    return said;
  }

  #say(say: () => void): Promise<'ok' | QueueAway> {
    try {
      say();
      return Promise.resolve('ok');
    } catch (thrown) {
      const why = `the queue of this home cannot be written: ${errnoOf(thrown) ?? errorMessage(thrown)}`;
      return Promise.resolve({ kind: 'away', why });
    }
  }
}

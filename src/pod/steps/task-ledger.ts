/**
 * Owns how the tasks of a job stand: begun with the first of their steps that runs, ended with the last of their steps,
 * wherever those stand in the job.
 */
import type { StepsHost } from './host.ts';

type TaskStand =
  | { readonly kind: 'well' }
  | { readonly kind: 'failed'; readonly why: string }
  /** Some of its steps were left out, because a step elsewhere failed. */
  | { readonly kind: 'cut short'; readonly why: string };

export class TaskLedger {
  readonly #host: StepsHost;
  /** Place of the last step of each task. */
  readonly #lastAt = new Map<string, number>();
  readonly #begun = new Map<string, TaskStand>();

  constructor(tasks: readonly (string | undefined)[], host: StepsHost) {
    this.#host = host;
    for (const [at, task] of tasks.entries()) if (task !== undefined) this.#lastAt.set(task, at);
  }

  begin(task: string | undefined): void {
    if (task === undefined || this.#begun.has(task)) return;
    this.#begun.set(task, { kind: 'well' });
    this.#host.startTask(task);
  }

  fail(task: string | undefined, why: string): void {
    if (task !== undefined && this.#begun.get(task)?.kind !== 'failed') this.#begun.set(task, { kind: 'failed', why });
  }

  /** A step of it does not run, because another step failed. */
  leaveOut(task: string | undefined, why: string): void {
    if (task !== undefined && this.#begun.get(task)?.kind === 'well') this.#begun.set(task, { kind: 'cut short', why });
  }

  /** The step at this place is done with, whether it ran or not. */
  pass(at: number, task: string | undefined): void {
    if (task === undefined || this.#lastAt.get(task) !== at) return;
    const stand = this.#begun.get(task);
    this.#begun.delete(task);
    switch (stand?.kind) {
      case 'well':
        this.#host.endTask(task, 'completed');
        return;
      case 'failed':
        this.#host.endTask(task, 'failed', stand.why);
        return;
      case 'cut short':
        this.#host.endTask(task, 'cancelled', stand.why);
        return;
      case undefined: // none of its steps ran
    }
  }

  /** The job is ended from outside: so are the tasks that have begun. */
  cancelAll(): void {
    for (const [task, stand] of this.#begun) {
      if (stand.kind === 'failed') this.#host.endTask(task, 'failed', stand.why);
      else this.#host.endTask(task, 'cancelled');
    }
    this.#begun.clear();
  }
}

/**
 * Owns what is done while a role is held: its chores and tasks, and the following of the swarm. It ends when the role goes.
 *
 * K1. A chore that hangs or fails costs its own turn, and no other's; one that is told of a change and hangs is given it
 *     again, as after any failure, instead of holding up the following while the lease goes on being renewed.
 * K2. Nobody does anything before it is known what was before: limits go by it. The end does not wait for that.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { bestEffort } from '../../failopen/best-effort.ts';
import { errorMessage } from '../../model/error.ts';
import { type Followed, Follower, type FollowerOptions } from '../follow/follower.ts';
import type { AlphaContext, ChangeListener, Chore, Duties, DutyRole, Task } from './duty.ts';

export interface RoleWorkOptions {
  readonly role: DutyRole;
  readonly duties: Duties;
  readonly context: AlphaContext;
  /** What was before is known then (K2). Must not reject. */
  readonly ready: Promise<void>;
  /** `undefined`: the role does not follow. */
  readonly follow: Omit<FollowerOptions, 'handle' | 'signal'> | undefined;
  /** Told of what fails, each time. */
  readonly onFailure: (name: string, why: string) => void;
  /** How long one that is told of a change may take. */
  readonly listenerWithinMs?: number;
}

const CHORE_WITHIN_MS = 30_000;
const TASK_PAUSE_MS = 1_000;

const untilAborted = (signal: AbortSignal): Promise<void> => {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
};

const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  await delay(ms, undefined, { signal, ref: false }).catch(() => undefined);
};

export class RoleWork {
  readonly #options: RoleWorkOptions;
  readonly #end = new AbortController();
  readonly follower: Follower | undefined;
  readonly #ready: Promise<unknown>;
  readonly #running: readonly Promise<void>[];
  /** Who of those that are told has heard of the change already that is given again. */
  readonly #told = { id: '', names: new Set<string>() };

  constructor(options: RoleWorkOptions) {
    this.#options = options;
    const { role, duties, follow } = options;
    const { signal } = this.#end;
    this.#ready = Promise.race([options.ready, untilAborted(signal)]); // K2
    const listeners = duties.listeners.filter((one) => one.role === role);
    this.follower =
      follow === undefined
        ? undefined
        : new Follower({ ...follow, signal, handle: (followed, until) => this.#tell(listeners, followed, until) });
    this.#running = [
      ...duties.chores.filter((one) => one.role === role).map((chore) => this.#runChore(chore)),
      ...duties.tasks.filter((one) => one.role === role).map((task) => this.#runTask(task)),
    ];
  }

  async end(): Promise<void> {
    this.#end.abort();
    await Promise.all([...this.#running, this.follower?.ended]);
  }

  async #tell(listeners: readonly ChangeListener[], followed: Followed, signal: AbortSignal): Promise<void> {
    const { context, listenerWithinMs = CHORE_WITHIN_MS } = this.#options;
    if (!(await context.mayAct())) {
      await untilAborted(signal); // it is not ours any more, and goes to who has the role
      signal.throwIfAborted();
    }
    const { change } = followed;
    context.view.apply(change);
    if (this.#told.id !== change.id) {
      this.#told.id = change.id;
      this.#told.names.clear();
    }
    await this.#ready;
    signal.throwIfAborted();
    const failures: Error[] = [];
    for (const listener of listeners) {
      if (this.#told.names.has(listener.name)) continue;
      const told = await bestEffort(`alpha.${listener.name}`, { withinMs: listenerWithinMs }, (late) =>
        listener.onChange(followed, context, AbortSignal.any([late, signal])),
      );
      if (told.kind === 'done') {
        this.#told.names.add(listener.name);
        continue;
      }
      const why = told.kind === 'failed' ? told.why : `not done within ${told.withinMs} ms`;
      failures.push(new Error(why)); // the change is given again; K1
      if (!signal.aborted) this.#options.onFailure(listener.name, why);
    }
    const [failure] = failures;
    if (failure !== undefined) throw failure;
  }

  async #runChore(chore: Chore): Promise<void> {
    const { name, everyMs, withinMs = CHORE_WITHIN_MS } = chore;
    const { signal } = this.#end;
    const { context, onFailure } = this.#options;
    await this.#ready;
    while (!signal.aborted) {
      if (await context.mayAct()) {
        const outcome = await bestEffort(`alpha.${name}`, { withinMs }, (late) =>
          chore.run(context, AbortSignal.any([late, signal])),
        );
        if (outcome.kind !== 'done' && !signal.aborted)
          onFailure(name, outcome.kind === 'failed' ? outcome.why : `not done within ${withinMs} ms`); // K1
      }
      await pause(everyMs, signal);
    }
  }

  async #runTask(task: Task): Promise<void> {
    const { signal } = this.#end;
    const { context, onFailure } = this.#options;
    while (!signal.aborted) {
      try {
        await task.run(context, signal);
      } catch (thrown) {
        if (!signal.aborted) onFailure(task.name, errorMessage(thrown));
      }
      await pause(TASK_PAUSE_MS, signal);
    }
  }
}

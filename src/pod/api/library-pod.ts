/** Owns `Pod.start` of the library: any program as a pod itself, with all that a pod has. */
import { resolveHome } from '../../config/home.ts';
import { jobSchema } from '../../config/job/job.ts';
import { loadSettings } from '../../config/settings.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
import { errorMessage, NikaError } from '../../model/error.ts';
import { parseEntityId } from '../../model/id.ts';
import type { AttemptRun } from '../attempt-options.ts';
import { Stop, STOP_SIGNALS } from '../ending.ts';
import type { RunnerContext, RunnerOutcome } from '../runner/runner.ts';
import type { ContractApi } from '../memory/contract-api.ts';
import type { MemoryApi } from '../memory/memory-api.ts';
import { superviseJob } from '../supervise.ts';
import { HostPort } from './host-port.ts';
import { inheritedParent } from './inherited-parent.ts';
import { KeepAlive } from './keep-alive.ts';
import { jobOf, type PodOptions } from './pod-options.ts';
import { plainResult } from './plain-result.ts';
import {
  createPodApi,
  type HookedTools,
  type HookedTool,
  type IncomingMessage,
  type ModelUsage,
  type PodApi,
} from './pod-api.ts';
import type { IncomingSignal, RequestOptions, SendOptions, SentSignal, SignalsOptions } from './signal-api.ts';

export type { PodOptions } from './pod-options.ts';

/** How a pod of the library ended. */
export interface PodEnding {
  readonly outcome: string;
  readonly exitCode: number;
  readonly calls: number;
  readonly errors: number;
  readonly dropped: Readonly<Record<string, number>>;
}

/** What hooks of calls that were overtaken by the end may still take. */
const CALLS_BUDGET_MS = 2_000;

type Fn = (...args: never[]) => unknown;

/** The first signal ends the pod; then the signal does what it would have done. */
const endAtSignals = (pod: Pod, stop: Stop): Disposable => {
  const handlers = STOP_SIGNALS.map((signal) => {
    const handler = (): void => {
      stop.now({ kind: 'interrupted', signal });
      pod.fail(`interrupted by ${signal}`).then(
        () => {
          process.removeListener(signal, handler);
          if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
        },
        () => undefined, // fail() does not reject
      );
    };
    return [signal, handler] as const;
  });
  for (const [signal, handler] of handlers) process.once(signal, handler);
  return {
    [Symbol.dispose]: () => {
      for (const [signal, handler] of handlers) process.removeListener(signal, handler);
    },
  };
};

/** A program that has nothing left to do and did not end its pod. Its exit code, where it set none, is the pod's. */
const failAtExit = (pod: Pod): Disposable => {
  const handler = (): void => {
    pod.fail('the program ended without complete()').then(
      ({ exitCode }) => {
        process.exitCode ??= exitCode;
      },
      () => undefined, // fail() does not reject
    );
  };
  process.once('beforeExit', handler);
  return { [Symbol.dispose]: () => process.removeListener('beforeExit', handler) };
};

/** What there is of a pod once it has begun. */
interface Begun {
  readonly port: HostPort;
  readonly alive: KeepAlive;
  readonly stop: Stop;
  readonly end: (outcome: RunnerOutcome) => void;
  readonly ended: Promise<AttemptRun>;
  readonly context: RunnerContext;
  /** What is to be closed before it ends. */
  readonly closers: (() => Promise<void>)[];
}

/** For what is built upon the library's pod: its context, and a place among what is closed before its end. */
export let insideOf: (pod: Pod) => Pick<Begun, 'context' | 'closers'>;

/**
 * A pod that is this program itself. It ends with {@link complete} or {@link fail}; leaving the scope of
 * `await using` without either is a failure, as a transaction that was not committed is rolled back, and so is a program
 * that comes to its end without. A pod keeps its process alive while a tool call waits for it or somebody listens for
 * messages; else it does not. After the end all that is done with it throws `NIKA_POD_OVER`.
 */
export class Pod implements PodApi, AsyncDisposable {
  static {
    insideOf = (pod) => pod.#begun;
  }

  readonly #api: PodApi;
  readonly #begun: Begun;
  readonly #handlers = new DisposableStack();
  #ending: Promise<PodEnding> | undefined;

  private constructor(begun: Begun, handlesSignals: boolean) {
    this.#api = createPodApi(begun.port);
    this.#begun = begun;
    if (handlesSignals) this.#handlers.use(endAtSignals(this, begun.stop));
    this.#handlers.use(failAtExit(this));
  }

  /**
   * Begins a pod; it is on the bus when this resolves.
   * @throws {NikaError} what is wrong with the options, the home or its settings, or an id that is taken
   */
  static async start(options: PodOptions): Promise<Pod> {
    const { env } = process;
    const home = resolveHome({ flag: options.home, env, cwd: process.cwd() });
    const settings = loadSettings(home, env);
    const parsed = jobSchema.safeParse(jobOf(options));
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      const field = issue?.path.join('.') ?? '';
      throw new NikaError('NIKA_JOB_INVALID', `${field}: ${issue?.message ?? 'is wrong'}`, { subject: field });
    }
    const { parent, project } = options;
    const inherited = parent === undefined && project === undefined ? await inheritedParent(home, env) : undefined;
    const stop = new Stop();
    const alive = new KeepAlive();
    using _alive = alive.hold(); // it may wait for its turn
    const started = Promise.withResolvers<RunnerContext>();
    const outcome = Promise.withResolvers<RunnerOutcome>();
    const ended = superviseJob({
      home,
      settings,
      job: parsed.data,
      jobFile: undefined,
      inputs: options.inputs ?? {},
      parent: parent === undefined ? inherited : parseEntityId(parent),
      id: options.id === undefined ? undefined : parseEntityId(options.id),
      calledIn: process.cwd(),
      env,
      stop,
      listener: (event) => options.onEvent?.(event),
      detached: false,
      mayWait: true,
      runner: (context) => {
        started.resolve(context);
        return outcome.promise;
      },
    });
    ended.then(() => started.reject(new Error('the pod ended before it began')), started.reject);
    const context = await started.promise;
    const begun: Begun = {
      port: new HostPort(context, alive),
      alive,
      stop: context.stop,
      end: outcome.resolve,
      ended,
      context,
      closers: [],
    };
    return new Pod(begun, options.handleSignals !== false);
  }

  /** Runs `fn` in a pod: completed with what it returns, failed with what it throws, which is thrown on. */
  static async run<T>(options: PodOptions, fn: (pod: Pod) => T | Promise<T>): Promise<T> {
    await using pod = await Pod.start(options);
    try {
      const value = await fn(pod);
      await pod.complete(value);
      return value;
    } catch (thrown) {
      await pod.fail(thrown);
      throw thrown;
    }
  }

  get id(): string {
    return this.#api.id;
  }

  get session(): string {
    return this.#api.session;
  }

  get signal(): AbortSignal {
    return this.#api.signal;
  }

  tool<F extends Fn>(name: string, fn: F): HookedTool<F> {
    return this.#api.tool(name, fn);
  }

  tools<T extends Readonly<Record<string, Fn>>>(fns: T): HookedTools<T> {
    return this.#api.tools(fns);
  }

  task<T>(name: string, fn: () => T | Promise<T>): Promise<T> {
    return this.#api.task(name, fn);
  }

  usage(usage: ModelUsage): void {
    this.#api.usage(usage);
  }

  note(text: string, level?: 'info' | 'warn' | 'error'): void {
    this.#api.note(text, level);
  }

  result(value: unknown): void {
    this.#api.result(value);
  }

  onMessage(listener: (message: IncomingMessage) => void): () => void {
    return this.#api.onMessage(listener);
  }

  send(job: string, name: string, body?: unknown, options?: SendOptions): Promise<SentSignal> {
    return this.#api.send(job, name, body, options);
  }

  request(job: string, name: string, body?: unknown, options?: RequestOptions): Promise<unknown> {
    return this.#api.request(job, name, body, options);
  }

  signals(options?: SignalsOptions): AsyncGenerator<IncomingSignal, void, undefined> {
    return this.#api.signals(options);
  }

  get memory(): MemoryApi {
    return this.#api.memory;
  }

  get contract(): ContractApi {
    return this.#api.contract;
  }

  /**
   * Ends the pod well, unless it was stopped before: by a timeout, a limit, a person. `value`: its result, where none was
   * set by {@link result}. The first end stands: later ones change nothing, and give the same.
   * @throws {NikaError} `NIKA_POD_RESULT`; the pod goes on then
   */
  async complete(value?: unknown): Promise<PodEnding> {
    return this.#finish({ kind: 'completed', result: plainResult(value) });
  }

  /** Ends the pod as failed, with the reason. Does not reject. */
  fail(reason: unknown): Promise<PodEnding> {
    return this.#finish({ kind: 'failed', error: errorMessage(reason) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fail('its scope was left without complete()');
  }

  #finish(outcome: RunnerOutcome): Promise<PodEnding> {
    this.#ending ??= this.#endWith(outcome);
    return this.#ending;
  }

  async #endWith(outcome: RunnerOutcome): Promise<PodEnding> {
    const { port, alive, stop, end, ended, closers } = this.#begun;
    using _alive = alive.hold();
    const isStopped = stop.reason !== undefined;
    await bestEffort('pod.calls', { withinMs: CALLS_BUDGET_MS }, () =>
      Promise.all([port.close(), ...closers.map((close) => close())]),
    );
    end(isStopped ? { kind: 'cancelled' } : outcome); // for the reason of the stop, whatever the program makes of it
    const run = await ended;
    this.#handlers.dispose();
    const { calls, errors, dropped, exit_code: exitCode } = run.ended;
    return { outcome: run.ended.outcome, exitCode, calls, errors, dropped };
  }
}

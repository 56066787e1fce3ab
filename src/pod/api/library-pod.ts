/** Owns `Pod.start` of the library: any program as a pod itself, with all that a pod has. */
import { resolveHome } from '../../config/home.ts';
import { jobSchema } from '../../config/job/job.ts';
import { loadSettings } from '../../config/settings.ts';
import type { CallResult } from '../../hooks/tool-call.ts';
import { errorMessage, NikaError } from '../../model/error.ts';
import { parseEntityId } from '../../model/id.ts';
import type { AttemptRun } from '../attempt.ts';
import { explain, Stop, type StopSignal } from '../ending.ts';
import type { PodEvent } from '../pod-event.ts';
import type { RunnerContext, RunnerOutcome } from '../runner/runner.ts';
import { superviseJob } from '../supervise.ts';
import {
  createPodApi,
  type HookedTools,
  type HookedTool,
  type IncomingMessage,
  type PodApi,
  type PodPort,
} from './pod-api.ts';
import { describeInput } from '../host/describe-input.ts';

export interface PodOptions {
  /** What the job is called: letters, digits and `. _ -`. */
  readonly job: string;
  /** What it is about. */
  readonly domain: string;
  /** What it is for. */
  readonly intent: string;
  readonly description?: string;
  readonly role?: string;
  readonly tags?: readonly string[];
  /** `PROJ-…` it belongs to. */
  readonly project?: string;
  /** `JOB-…` or `TASK-…` that started it; default: `NIKA_ENTITY_ID` of the environment, where that is of the same home. */
  readonly parent?: string;
  /** `JOB-…`; default: one is made. */
  readonly id?: string;
  /** Default: as the command line finds it. */
  readonly home?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Such as `10m`: then {@link PodApi.signal} is aborted and the pod fails. */
  readonly timeout?: string;
  /** Told of every event of the pod. */
  readonly onEvent?: (event: PodEvent) => void;
  /** Default true: SIGINT, SIGTERM and SIGHUP end the pod with its story before they end the program. */
  readonly handleSignals?: boolean;
}

/** How a pod of the library ended. */
export interface PodEnding {
  readonly outcome: string;
  readonly exitCode: number;
  readonly calls: number;
  readonly errors: number;
  readonly dropped: Readonly<Record<string, number>>;
}

const STOP_SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
type Fn = (...args: never[]) => unknown;

const hostPort = ({ host, stop, cwd, control }: RunnerContext, session: string, id: string): PodPort => ({
  id,
  session,
  signal: stop.signal,
  call: async ({ tool, input, task }, run) => {
    let value: unknown;
    let thrown: { readonly error: unknown } | undefined;
    const wanted = { tool, input, task, what: describeInput(input), cwd, source: 'hook' } as const;
    const result = await host.call<CallResult>(wanted, async (given) => {
      try {
        value = await run(given);
        return { ok: true, response: value };
      } catch (error) {
        thrown = { error };
        return { ok: false, error: errorMessage(error), isInterrupt: stop.signal.aborted };
      }
    });
    if (thrown !== undefined) throw thrown.error;
    if (!result.ok) throw new NikaError('NIKA_POD_DENIED', result.error, { subject: tool });
    return value;
  },
  note: (text, level) => host.note(text, level),
  startTask: async (name) => {
    host.startTask(name);
  },
  endTask: async (name, outcome, summary) => host.endTask(name, outcome, summary),
  result: (value) => control.setResult(value),
  onMessage: (listener) =>
    control.listen((push) => {
      if (push.push === 'message') {
        const { push: _kind, ...message } = push;
        listener(message);
      }
    }),
});

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

/**
 * A pod that is this program itself. It ends with {@link complete} or {@link fail}; leaving the scope of
 * `await using` without either is a failure, as a transaction that was not committed is rolled back.
 */
export class Pod implements PodApi, AsyncDisposable {
  readonly #api: PodApi;
  readonly #end: (outcome: RunnerOutcome) => void;
  readonly #ended: Promise<AttemptRun>;
  readonly #stop: Stop;
  #signals: Disposable | undefined;

  private constructor(api: PodApi, end: (outcome: RunnerOutcome) => void, ended: Promise<AttemptRun>, stop: Stop) {
    this.#api = api;
    this.#end = end;
    this.#ended = ended;
    this.#stop = stop;
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
    const stop = new Stop();
    const started = Promise.withResolvers<RunnerContext>();
    const outcome = Promise.withResolvers<RunnerOutcome>();
    const ended = superviseJob({
      home,
      settings,
      job: parsed.data,
      jobFile: undefined,
      inputs: options.inputs ?? {},
      parent: options.parent === undefined ? undefined : parseEntityId(options.parent),
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
    const session = context.env['NIKA_SESSION_ID'] ?? '';
    const port = hostPort(context, session, context.scope.job.id);
    const pod = new Pod(createPodApi(port), outcome.resolve, ended, stop);
    if (options.handleSignals !== false) pod.#signals = endAtSignals(pod, stop);
    return pod;
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

  note(text: string, level?: 'info' | 'warn' | 'error'): void {
    this.#api.note(text, level);
  }

  result(value: unknown): void {
    this.#api.result(value);
  }

  onMessage(listener: (message: IncomingMessage) => void): () => void {
    return this.#api.onMessage(listener);
  }

  /** Ends the pod well. `value`: its result, where none was set by {@link result}. */
  complete(value?: unknown): Promise<PodEnding> {
    return this.#finish({ kind: 'completed', result: value ?? null });
  }

  /** Ends the pod as failed, with the reason. Does not reject. */
  fail(reason: unknown): Promise<PodEnding> {
    const { reason: stopped } = this.#stop;
    const error = stopped === undefined ? errorMessage(reason) : explain(stopped);
    return this.#finish({ kind: 'failed', error });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fail('its scope was left without complete()');
  }

  /** The first end stands. */
  async #finish(outcome: RunnerOutcome): Promise<PodEnding> {
    this.#end(outcome);
    const { ended } = await this.#ended;
    this.#signals?.[Symbol.dispose]();
    const { calls, errors, dropped, exit_code: exitCode } = ended;
    return { outcome: ended.outcome, exitCode, calls, errors, dropped };
  }
}

const jobOf = ({ job, domain, intent, description, role, tags, project, timeout }: PodOptions) => ({
  name: job,
  description: description ?? `A program that calls itself ${job}.`,
  domain,
  intent,
  ...(role === undefined ? {} : { role }),
  ...(tags === undefined ? {} : { tags: [...tags] }),
  ...(project === undefined ? {} : { project }),
  ...(timeout === undefined ? {} : { timeout }),
});

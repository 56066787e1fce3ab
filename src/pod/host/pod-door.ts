/**
 * Owns what a pod does for those who speak to it: programs inside that report their calls, notes and tasks, the module
 * that it runs, and people who steer it.
 */
import type { CallResult } from '../../hooks/tool-call.ts';
import { NikaError } from '../../model/error.ts';
import { oneLine } from '../tools/tool.ts';
import { reportedUsage } from '../budget/reported-usage.ts';
import type { MemoryHandlers } from '../memory/memory-desk.ts';
import type { PodControl } from '../pod-control.ts';
import type { Answers, CallVerdict, DoorConnection, Op, PodDoor, PodFacts, RequestOf } from '../socket/protocol.ts';
import { DoorSignals } from '../signals/door-signals.ts';
import type { SignalStation } from '../signals/signal-station.ts';
import { describeInput } from './describe-input.ts';
import type { PodHost } from './pod-host.ts';
import type { FinishedCall, WantedCall } from './wanted-call.ts';

export interface PodDoorOptions {
  readonly host: PodHost;
  readonly control: PodControl;
  readonly facts: () => PodFacts;
  readonly signals: SignalStation;
  readonly memory: MemoryHandlers;
}

interface Outcome {
  readonly ok: boolean;
  readonly response?: unknown;
  readonly error?: string | undefined;
}

type Untold = NonNullable<RequestOf<'run_end'>['untold']>;

/** What a connection has begun and not ended. */
interface Open {
  /** Aborted when the connection is. */
  readonly gone: AbortController;
  /** Of its calls. */
  readonly signal: AbortSignal;
  readonly calls: Map<string, (result: CallResult) => void>;
  readonly tasks: Set<string>;
  readonly stopListening: (() => void)[];
}

/** More calls at once are a mistake of the program that makes them (G6). */
const MAX_OPEN_CALLS = 10_000;
const NOTHING: Record<string, never> = {};

const resultOf = ({ ok, response, error }: Outcome): CallResult => {
  if (ok) return { ok, response: response ?? null };
  const why = error ?? 'it failed';
  return response === undefined ? { ok, error: why } : { ok, error: why, response };
};

const named = (untold: Untold): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(untold).map(([name, count]) => [`module_${name}`, count ?? 0]));

type Handlers = {
  readonly [O in Exclude<Op, 'hello'>]: (
    request: RequestOf<O>,
    connection: DoorConnection,
  ) => Promise<Answers[O]> | Answers[O];
};

class Door implements PodDoor {
  readonly #options: PodDoorOptions;
  readonly #open = new Map<number, Open>();
  readonly #handlers: Handlers;

  constructor(options: PodDoorOptions) {
    this.#options = options;
    this.#handlers = this.#createHandlers();
  }

  readonly handle = <O extends Exclude<Op, 'hello'>>(
    op: O,
    request: RequestOf<O>,
    connection: DoorConnection,
  ): Promise<Answers[O]> | Answers[O] => this.#handlers[op](request, connection);

  readonly facts = (): PodFacts => this.#options.facts();

  readonly closed = (connection: DoorConnection): void => {
    const open = this.#open.get(connection.number);
    if (open === undefined) return;
    this.#open.delete(connection.number);
    const error = `the program that made the call (${connection.client}) is gone`;
    open.gone.abort(new Error(error)); // calls that are held: by a pause, a hook, a question to a person
    for (const end of open.calls.values()) end({ ok: false, error, isInterrupt: true });
    for (const stop of open.stopListening) stop();
    if (connection.isOwn) return; // the runner ends the tasks of its module, as its outcome says
    for (const task of open.tasks) this.#options.host.endTask(task, 'cancelled', error);
  };

  #of({ number }: DoorConnection): Open {
    const known = this.#open.get(number);
    if (known !== undefined) return known;
    const gone = new AbortController();
    const signal = this.#options.host.signalOf(gone.signal);
    const open: Open = { gone, signal, calls: new Map(), tasks: new Set(), stopListening: [] };
    this.#open.set(number, open);
    return open;
  }

  #createHandlers(): Handlers {
    const { host, control, signals } = this.#options;
    return {
      ...new DoorSignals(signals, (connection) => this.#of(connection)).handlers,
      ...this.#options.memory,
      tool_call: (request, connection) => this.#report(request, connection),
      tool_begin: (request, connection) => this.#begin(request, connection),
      tool_end: ({ call, ...outcome }, connection) => {
        this.#of(connection).calls.get(call)?.(resultOf(outcome));
        return NOTHING;
      },
      usage: (request) => ({ cost_usd: host.use(reportedUsage(request), request.task) }),
      note: ({ text, level }) => {
        host.note(text, level);
        return NOTHING;
      },
      task_start: ({ task, keep }, connection) => {
        const entity = host.startTask(task);
        if (keep !== true) this.#of(connection).tasks.add(task);
        return { entity };
      },
      task_end: ({ task, outcome, summary }, connection) => {
        this.#of(connection).tasks.delete(task);
        host.endTask(task, outcome, summary);
        return NOTHING;
      },
      result: ({ value }) => {
        control.setResult(value);
        return NOTHING;
      },
      run_end: ({ ok, value, error, untold }, { isOwn }) => {
        if (!isOwn) throw new NikaError('NIKA_POD_PROTOCOL', 'run_end is for the module that the pod runs');
        host.countUntold(named(untold ?? {}));
        control.endRun(ok ? { ok, value: value ?? null } : { ok, error: error ?? 'it failed' });
        return NOTHING;
      },
      facts: () => this.facts(),
      listen: (_request, connection) => {
        this.#of(connection).stopListening.push(control.listen((push) => connection.push(push)));
        return NOTHING;
      },
      send: ({ text, from }) => ({ listeners: host.receive(text, from) }),
      ...this.#createSteering(),
      answer: (request) => this.#answer(request),
    };
  }

  #createSteering(): Pick<Handlers, 'pause' | 'unpause' | 'stop' | 'kill'> {
    const { control } = this.#options;
    return {
      pause: () => {
        control.pause();
        return { status: control.status };
      },
      unpause: () => {
        control.unpause();
        return { status: control.status };
      },
      stop: ({ grace_ms: graceMs, reason: why, keep_open: keepsOpen }) => {
        control.stop({ graceMs, why, keepsOpen });
        return NOTHING;
      },
      kill: ({ reason }) => {
        control.kill(reason);
        return NOTHING;
      },
    };
  }

  #answer({ allow, reason, call }: RequestOf<'answer'>): Answers['answer'] {
    return { call: this.#options.control.answer(call, reason === undefined ? { allow } : { allow, reason }) };
  }

  #wanted(request: RequestOf<'tool_call'> | RequestOf<'tool_begin'>, { isOwn }: DoorConnection): WantedCall {
    const { tool, input, task } = request;
    const what = 'what' in request && request.what !== undefined ? oneLine(request.what) : describeInput(input);
    return { tool, input, task, what, source: isOwn ? 'hook' : 'reported' };
  }

  #report(request: RequestOf<'tool_call'>, connection: DoorConnection): Record<string, never> {
    const call: FinishedCall = {
      ...this.#wanted(request, connection),
      result: resultOf(request),
      durationMs: request.duration_ms ?? 0,
    };
    this.#options.host.report(call);
    return NOTHING;
  }

  /** The call runs at the other end: here it is a promise between its begin and its end. */
  #begin(request: RequestOf<'tool_begin'>, connection: DoorConnection): Promise<CallVerdict> {
    const { calls, signal } = this.#of(connection);
    if (calls.has(request.call) || calls.size >= MAX_OPEN_CALLS) {
      const reason = calls.has(request.call) ? 'a call of that id is under way' : 'too many calls at once';
      return Promise.resolve({ verdict: 'denied', reason });
    }
    const verdict = Promise.withResolvers<CallVerdict>();
    const ended = Promise.withResolvers<CallResult>(); // also while it is held: by one who no longer waits
    calls.set(request.call, ended.resolve);
    const run = (input: unknown): Promise<CallResult> => {
      verdict.resolve(input === request.input ? { verdict: 'go' } : { verdict: 'go', input });
      return ended.promise;
    };
    this.#options.host.call({ ...this.#wanted(request, connection), signal }, run).then(
      (result) => {
        calls.delete(request.call);
        verdict.resolve({ verdict: 'denied', reason: result.ok ? 'it is over' : result.error });
      },
      () => verdict.resolve({ verdict: 'denied', reason: 'the pod has a bug' }), // call() does not reject
    );
    return verdict.promise;
  }
}

export const createPodDoor = (options: PodDoorOptions): Door => new Door(options);

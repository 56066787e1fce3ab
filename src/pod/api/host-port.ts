/**
 * Owns what a program that is a pod itself does with its pod, until that is over.
 *
 * K1. What is done after the end is refused, never done without a record.
 * K2. A call that the end overtakes is ended on the bus as failed; its caller gets what the function gives all the same.
 */
import type { CallResult } from '../../hooks/tool-call.ts';
import { errorMessage, NikaError } from '../../model/error.ts';
import { describeInput } from '../host/describe-input.ts';
import { askDoor } from '../memory/ask-door.ts';
import type { AskMemory } from '../memory/memory-protocol.ts';
import type { RunnerContext } from '../runner/runner.ts';
import { HostSignals } from './host-signals.ts';
import type { KeepAlive } from './keep-alive.ts';
import { reportedUsage } from '../budget/reported-usage.ts';
import { REQUEST_SCHEMAS } from '../socket/protocol.ts';
import type { IncomingMessage, ModelUsage, PodPort, PortCall } from './pod-api.ts';
import { createSignalApi, type SignalApi } from './signal-api.ts';

type Made =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly error: unknown };

const make = async (run: () => Promise<unknown>): Promise<Made> => {
  try {
    return { kind: 'returned', value: await run() };
  } catch (error) {
    return { kind: 'threw', error };
  }
};

const OVERTAKEN = 'the pod ended before the call did';

export class HostPort implements PodPort {
  readonly id: string;
  readonly session: string;
  readonly pods: SignalApi;
  readonly #context: RunnerContext;
  readonly #alive: KeepAlive;
  readonly #over = new AbortController();
  /** Of its calls. */
  readonly #signal: AbortSignal;
  readonly #calling = new Set<Promise<unknown>>();
  /** Ends the calls that run (K2). */
  readonly #enders = new Set<(result: CallResult) => void>();
  readonly #listening = new Set<() => void>();

  constructor(context: RunnerContext, alive: KeepAlive) {
    this.id = context.scope.job.id;
    this.session = context.env['NIKA_SESSION_ID'] ?? '';
    this.#context = context;
    this.#alive = alive;
    this.#signal = context.host.signalOf(this.#over.signal);
    this.pods = createSignalApi(new HostSignals(context.signals, { alive, signal: this.#signal }));
  }

  get signal(): AbortSignal {
    return this.#context.stop.signal;
  }

  async call(wanted: PortCall, run: (input: unknown) => Promise<unknown>): Promise<unknown> {
    this.#refuseOver();
    const calling = this.#call(wanted, run);
    this.#calling.add(calling);
    try {
      const { making, result } = await calling;
      const made = await making;
      if (made?.kind === 'returned') return made.value;
      if (made?.kind === 'threw') throw made.error;
      this.#refuseOver();
      const why = result.ok ? 'it was not made' : result.error;
      throw new NikaError('NIKA_POD_DENIED', why, { subject: wanted.tool });
    } finally {
      this.#calling.delete(calling);
    }
  }

  usage(wish: ModelUsage): void {
    this.#refuseOver();
    const parsed = REQUEST_SCHEMAS.usage.safeParse(wish); // JavaScript may give anything
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new NikaError('NIKA_POD_PROTOCOL', `usage: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
    }
    const { task, ...usage } = parsed.data;
    this.#context.host.use(reportedUsage(usage), task);
  }

  note(text: string, level: 'info' | 'warn' | 'error' | undefined): void {
    this.#refuseOver();
    this.#context.host.note(text, level);
  }

  async startTask(name: string): Promise<void> {
    this.#refuseOver();
    this.#context.host.startTask(name);
  }

  /** After the end the task is ended already. */
  endTask(name: string, outcome: 'completed' | 'failed' | 'cancelled', summary?: string): Promise<void> {
    if (!this.#over.signal.aborted) this.#context.host.endTask(name, outcome, summary);
    return Promise.resolve();
  }

  result(value: unknown): void {
    this.#refuseOver();
    this.#context.control.setResult(value);
  }

  readonly askMemory: AskMemory = async (op, wish) => {
    this.#refuseOver();
    using _hold = this.#alive.hold();
    return await askDoor(this.#context.door, op, wish);
  };

  onMessage(listener: (message: IncomingMessage) => void): () => void {
    this.#refuseOver();
    const hold = this.#alive.hold(); // a program that waits for messages is not idle
    const unlisten = this.#context.control.listen((push) => {
      if (push.push !== 'message') {
        hold[Symbol.dispose](); // the pod stops: no more will come
        return;
      }
      const { push: _kind, ...message } = push;
      process.nextTick(listener, message); // what it throws is its author's affair, as in any callback
    });
    const end = (): void => {
      this.#listening.delete(end);
      unlisten();
      hold[Symbol.dispose]();
    };
    this.#listening.add(end);
    return end;
  }

  /** Nothing begins any more; resolves when every call has its end on the bus. */
  async close(): Promise<void> {
    this.#over.abort(new Error(OVERTAKEN));
    for (const end of this.#listening) end();
    for (const end of this.#enders) end({ ok: false, error: OVERTAKEN, isInterrupt: true });
    await Promise.allSettled(this.#calling);
  }

  async #call(
    { tool, input, task }: PortCall,
    run: (input: unknown) => Promise<unknown>,
  ): Promise<{ readonly making: Promise<Made> | undefined; readonly result: CallResult }> {
    const { host, cwd, stop } = this.#context;
    using hold = this.#alive.hold(); // also while a person is asked, or the pod is paused
    let making: Promise<Made> | undefined;
    const what = describeInput(input);
    const wanted = { tool, input, task, what, cwd, source: 'hook', signal: this.#signal } as const;
    const told = await host.call<CallResult>(wanted, async (given) => {
      hold[Symbol.dispose](); // what the function waits for keeps the process alive, or nothing does
      making = make(() => run(given));
      const ended = Promise.withResolvers<CallResult>();
      this.#enders.add(ended.resolve);
      const tell = (made: Made): void => {
        if (made.kind === 'returned') ended.resolve({ ok: true, response: made.value });
        else ended.resolve({ ok: false, error: errorMessage(made.error), isInterrupt: stop.signal.aborted });
      };
      making.then(tell, ended.reject); // it does not reject
      const result = await ended.promise;
      this.#enders.delete(ended.resolve);
      return result;
    });
    return { making, result: told };
  }

  /** K1 */
  #refuseOver(): void {
    if (!this.#over.signal.aborted) return;
    throw new NikaError('NIKA_POD_OVER', `${this.id} is over: complete() or fail() was called`, { subject: this.id });
  }
}

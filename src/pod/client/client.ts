/**
 * The library `nika/client`: how a program inside a pod tells its pod what it does, and asks it.
 *
 * It is loaded by programs that have other things to do: no dependencies, and an idle connection keeps no process alive.
 */
import { errorMessage, NikaError } from '../../model/error.ts';
import type { CallName } from './call-name.ts';
import { type ConnectOptions, openLink } from './connect.ts';
import { Inbox } from './inbox.ts';
import type { Signal } from '../../ipc/signals/signal.ts';
import { createSignalApi, type SignalApi } from '../api/signal-api.ts';
import { ClientSignals } from './client-signals.ts';
import { type ContractApi, createContractApi } from '../memory/contract-api.ts';
import { createMemoryApi, type MemoryApi } from '../memory/memory-api.ts';
import type { AskMemory } from '../memory/memory-protocol.ts';
import { createGoneLink, type Link } from './link.ts';
import type { Answers, Op, PodFacts, PodMessage, RequestOf, SignalReply, WishOf } from '../socket/protocol.ts';

export { NikaError } from '../../model/error.ts';
export type { CallName } from './call-name.ts';
export type { ConnectOptions } from './connect.ts';
export type { PodFacts, PodMessage } from '../socket/protocol.ts';

/** A call that was made. */
export type ReportedCall = RequestOf<'tool_call'>;
/** Tokens of a model that the program used, and what they cost where it knows that. */
export type ReportedUsage = WishOf<'usage'>;
export type PodTask = Pick<PodClient, 'tool' | 'report'>;

type Work<I, T> = (input: I, signal: AbortSignal | undefined) => T | Promise<T>;

const WHAT_MAX_CHARS = 200;

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;

/** What JSON leaves out altogether is null: the field has to be there. */
const sendable = (value: unknown): unknown =>
  value === undefined || typeof value === 'function' || typeof value === 'symbol' ? null : value;

interface Standing {
  readonly link: Link;
  readonly inbox: Inbox;
  readonly isFailOpen: boolean;
  readonly hello?: Answers['hello'] | undefined;
}

/** Every call is answered within its deadline or rejects; each takes a signal last. */
export class PodClient implements AsyncDisposable {
  readonly #link: Link;
  readonly #inbox: Inbox;
  readonly #isFailOpen: boolean;
  readonly #missed = new Map<string, number>();
  readonly #callPrefix = `${process.pid}-${Math.random().toString(36).slice(2, 8)}-`;
  #lastCall = 0;
  #isListening = false;
  /** Of the pod; `undefined` where none was reached. */
  readonly session: string | undefined;
  readonly entity: string | undefined;
  /** Signals to other pods, in the name of this one, and those that come. */
  readonly pods: SignalApi;
  /** What pods of a job share while they work. */
  readonly memory: MemoryApi;
  readonly contract: ContractApi;
  readonly askMemory: AskMemory = (op, wish, signal) => this.#link.request(op, wish, signal);

  /** Made by {@link connect}. */
  constructor({ link, inbox, isFailOpen, hello }: Standing) {
    this.#link = link;
    this.#inbox = inbox;
    this.#isFailOpen = isFailOpen;
    this.session = hello?.session;
    this.entity = hello?.entity;
    this.pods = createSignalApi(new ClientSignals(link, inbox.stopped));
    this.memory = createMemoryApi(this.askMemory);
    this.contract = createContractApi(this.askMemory);
  }

  get isConnected(): boolean {
    return this.#link.goneBecause === undefined;
  }

  /** What was not told because of `failOpen`, and messages that nobody took, by name. */
  missed(): Readonly<Record<string, number>> {
    const { refused } = this.#inbox;
    return { ...Object.fromEntries(this.#missed), ...(refused === 0 ? {} : { messages: refused }) };
  }

  /**
   * Asks the pod whether the call may be made, makes it with the input that the pod says, and tells how it ended. What
   * `work` throws is told and thrown on.
   * @throws {NikaError} `NIKA_POD_DENIED`; without `failOpen` also where the pod cannot be asked or told
   */
  tool<I, T>(call: string | CallName, input: I, work: Work<I, T>, signal?: AbortSignal): Promise<T> {
    return this.#call(typeof call === 'string' ? { tool: call } : call, input, work, signal);
  }

  /** Tells of a call that was made. */
  report(call: ReportedCall, signal?: AbortSignal): Promise<void> {
    return this.#tell('tool_call', { ...call, input: sendable(call.input) }, signal);
  }

  /** Tells of tokens that were used; each once. */
  usage(usage: ReportedUsage, signal?: AbortSignal): Promise<void> {
    return this.#tell('usage', usage, signal);
  }

  note(note: string | RequestOf<'note'>, signal?: AbortSignal): Promise<void> {
    return this.#tell('note', typeof note === 'string' ? { text: note } : note, signal);
  }

  /** Runs `work` as a TASK of the pod: calls made through what it is given belong to it. */
  async task<T>(task: string, work: (scope: PodTask) => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#tell('task_start', { task }, signal);
    const scope: PodTask = {
      tool: (call, input, fn, inner = signal) =>
        this.#call({ task, ...(typeof call === 'string' ? { tool: call } : call) }, input, fn, inner),
      report: (call, inner = signal) => this.report({ task, ...call }, inner),
    };
    let value: T;
    try {
      value = await work(scope);
    } catch (thrown) {
      const outcome = signal?.aborted === true ? 'cancelled' : 'failed';
      this.#link.tell('task_end', { task, outcome, summary: errorMessage(thrown) });
      throw thrown;
    }
    await this.#tell('task_end', { task, outcome: 'completed' }, undefined);
    return value;
  }

  /** A TASK that outlives this connection. */
  startTask(task: string, signal?: AbortSignal): Promise<void> {
    return this.#tell('task_start', { task, keep: true }, signal);
  }

  endTask(end: RequestOf<'task_end'>, signal?: AbortSignal): Promise<void> {
    return this.#tell('task_end', end, signal);
  }

  /** Sets the pod's result: any JSON. */
  result(value: unknown, signal?: AbortSignal): Promise<void> {
    return this.#tell('result', { value: sendable(value) }, signal);
  }

  /** Of a module that the pod runs: what `run` came to. */
  async runEnd(end: RequestOf<'run_end'>, signal?: AbortSignal): Promise<void> {
    await this.#link.request('run_end', end, signal);
  }

  facts(signal?: AbortSignal): Promise<PodFacts> {
    return this.#link.request('facts', {}, signal);
  }

  /** From now on messages are taken. The signal that is given back is aborted when the pod stops, or is gone. */
  async listen(signal?: AbortSignal): Promise<AbortSignal> {
    const { stopped } = this.#inbox;
    if (this.#isListening || stopped.aborted) return stopped;
    await this.#link.request('listen', {}, signal);
    this.#isListening = true;
    return stopped;
  }

  /** What others send to the pod, each once; for one reader. Ends when the pod stops or is gone, or by the signal. */
  async *messages(signal?: AbortSignal): AsyncGenerator<PodMessage, void, undefined> {
    await this.listen(signal);
    for (;;) {
      if (signal?.aborted === true) return;
      const message = this.#inbox.shift();
      if (message !== undefined) {
        yield message;
        continue;
      }
      if (this.#inbox.stopped.aborted) return;
      this.#link.hold();
      await this.#inbox.untilWoken(signal);
      this.#link.release();
    }
  }

  /** A message to the pod. Gives the number of those who listened. */
  async send(message: string | RequestOf<'send'>, signal?: AbortSignal): Promise<number> {
    const fields = typeof message === 'string' ? { text: message } : message;
    return (await this.#link.request('send', fields, signal)).listeners;
  }

  /** A signal, straight to this pod. `waits`: a request is answered with its reply. */
  deliver(delivered: Signal, wait: boolean, signal?: AbortSignal): Promise<Answers['signal_deliver']> {
    return this.#link.request('signal_deliver', { signal: delivered, wait }, signal);
  }

  /** The next signals to the pod, for who asks in turns; {@link pods} has them one by one. */
  async takeSignals(wish: WishOf<'signals'>, signal?: AbortSignal): Promise<readonly Signal[]> {
    return (await this.#link.request('signals', wish, signal)).signals;
  }

  async answerSignal(id: string, reply: SignalReply, signal?: AbortSignal): Promise<void> {
    await this.#link.request('signal_reply', { signal_id: id, ...reply }, signal);
  }

  async pause(signal?: AbortSignal): Promise<string> {
    return (await this.#link.request('pause', {}, signal)).status;
  }

  async unpause(signal?: AbortSignal): Promise<string> {
    return (await this.#link.request('unpause', {}, signal)).status;
  }

  async stop(how: RequestOf<'stop'> = {}, signal?: AbortSignal): Promise<void> {
    await this.#link.request('stop', how, signal);
  }

  async kill(how: RequestOf<'kill'> = {}, signal?: AbortSignal): Promise<void> {
    await this.#link.request('kill', how, signal);
  }

  /** To a call that waits for a person. Gives the call that was meant. */
  async answer(answer: RequestOf<'answer'>, signal?: AbortSignal): Promise<string> {
    return (await this.#link.request('answer', answer, signal)).call;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link.close();
  }

  async #call<I, T>(call: CallName, input: I, work: Work<I, T>, signal: AbortSignal | undefined): Promise<T> {
    this.#lastCall += 1;
    const id = `${this.#callPrefix}${this.#lastCall}`;
    const begun = await this.#begin(id, call, input, signal);
    const startedAtMs = performance.now();
    const took = (): number => rounded(performance.now() - startedAtMs);
    let response: T;
    try {
      response = await work(begun.input, signal);
    } catch (thrown) {
      this.#link.tell('tool_end', { call: id, ok: false, error: errorMessage(thrown), duration_ms: took() });
      throw thrown;
    }
    const end = { call: id, ok: true, response, duration_ms: took() };
    if (begun.isTold) await this.#tell('tool_end', end, undefined);
    else this.#link.tell('tool_end', end); // the pod may have begun it without our hearing of it
    return response;
  }

  async #begin<I>(
    id: string,
    call: CallName,
    input: I,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly input: I; readonly isTold: boolean }> {
    const what = call.what?.slice(0, WHAT_MAX_CHARS);
    const asked = { ...call, what, call: id, input: sendable(input) };
    const verdict = await this.#link.request('tool_begin', asked, signal).catch((thrown: unknown) => {
      const isDenied = thrown instanceof NikaError && thrown.code === 'NIKA_POD_DENIED';
      if (isDenied || !this.#mayGoOn('tool_begin', signal)) {
        this.#link.tell('tool_end', { call: id, ok: false, error: `not made: ${errorMessage(thrown)}` });
        throw thrown;
      }
      return undefined;
    });
    if (verdict?.verdict === 'denied') throw new NikaError('NIKA_POD_DENIED', `${call.tool}: ${verdict.reason}`);
    const isChanged = verdict !== undefined && 'input' in verdict;
    return { input: isChanged ? (verdict.input as I) : input, isTold: verdict !== undefined };
  }

  async #tell<O extends Op>(op: O, fields: WishOf<O>, signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#link.request(op, fields, signal);
    } catch (thrown) {
      if (!this.#mayGoOn(op, signal)) throw thrown;
    }
  }

  /** The one door through which a report fails without a throw: counted; each had its deadline. */
  #mayGoOn(op: Op, signal: AbortSignal | undefined): boolean {
    if (!this.#isFailOpen || (op === 'tool_begin' && signal?.aborted === true)) return false;
    this.#missed.set(op, (this.#missed.get(op) ?? 0) + 1);
    return true;
  }
}

/**
 * Connects to the pod that this program runs in.
 * @throws {NikaError} but with `failOpen`: `NIKA_POD_OUTSIDE`, `NIKA_POD_UNREACHABLE`, `NIKA_POD_LATE`,
 * `NIKA_POD_PROTOCOL`, `NIKA_POD_BUSY`
 */
export const connect = async (options: ConnectOptions = {}): Promise<PodClient> => {
  const inbox = new Inbox();
  const isFailOpen = options.failOpen === true;
  try {
    const opened = await openLink(options, {
      onPush: (push) => inbox.take(push),
      onGone: (error) => inbox.end(error),
    });
    return new PodClient({ ...opened, inbox, isFailOpen });
  } catch (thrown) {
    if (!isFailOpen || !(thrown instanceof NikaError)) throw thrown;
    inbox.end(thrown);
    return new PodClient({ link: createGoneLink(thrown), inbox, isFailOpen });
  }
};

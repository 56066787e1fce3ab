/**
 * Owns what code inside a pod can do with it, the same for a module that nika runs and for a program that is a pod itself.
 *
 * I1. What a tool throws reaches its caller as it is; the record has it too.
 * I2. Calls made inside of `task(name, fn)` belong to that TASK, also those of functions that it calls.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { ReportedUsage } from '../client/client.ts';
import { type ContractApi, createContractApi } from '../memory/contract-api.ts';
import { createMemoryApi, type MemoryApi } from '../memory/memory-api.ts';
import type { AskMemory } from '../memory/memory-protocol.ts';
import { plainResult } from './plain-result.ts';
import type { SignalApi } from './signal-api.ts';

/** A message that came by `nika pod send`. */
export interface IncomingMessage {
  readonly text: string;
  readonly from?: string;
  readonly at: string;
}

/** What a program used of a model: tokens, US dollars. */
export type ModelUsage = ReportedUsage;

type Fn = (...args: never[]) => unknown;

/** The same function, hooked: it gives a promise of what it gave. */
export type HookedTool<F extends Fn> = (...args: Parameters<F>) => Promise<Awaited<ReturnType<F>>>;
export type HookedTools<T extends Readonly<Record<string, Fn>>> = { readonly [K in keyof T]: HookedTool<T[K]> };

export interface PodApi extends SignalApi {
  /** `JOB-…` */
  readonly id: string;
  readonly session: string;
  /** Aborted when the pod is to end: stop what you do, soon. Its reason is an Error whose `cause` says why as data. */
  readonly signal: AbortSignal;
  /**
   * A function as a tool: each call goes through the hooks and onto the bus, with its input (the argument, or the list of
   * them where there are several), its outcome and how long it took.
   * @throws what the function throws; `NikaError` `NIKA_POD_DENIED` where a rule or a hook does not let it
   */
  tool<F extends Fn>(name: string, fn: F): HookedTool<F>;
  /** Several at once, each under its own name. */
  tools<T extends Readonly<Record<string, Fn>>>(fns: T): HookedTools<T>;
  /** A TASK: completed when `fn` returns, failed when it throws. */
  task<T>(name: string, fn: () => T | Promise<T>): Promise<T>;
  /**
   * Tokens that the program used of a model; what is told does not overlap. Without `cost_usd` the price table says what
   * they cost. Budgets count them.
   */
  usage(usage: ModelUsage): void;
  /**
   * A line on the bus that is no tool call. In a module: of at most 64 Ki characters, a longer one is cut; what does not
   * get through to the pod is lost. Both are counted in the session's `dropped`.
   */
  note(text: string, level?: 'info' | 'warn' | 'error'): void;
  /**
   * The pod's result: any JSON of less than 4 MiB, as it stands now. The last one stands.
   * @throws {NikaError} `NIKA_POD_RESULT` for what is no JSON (a bigint, a cycle), or longer
   */
  result(value: unknown): void;
  /** Told of each message that is sent to the pod. The function that comes back ends that. */
  onMessage(listener: (message: IncomingMessage) => void): () => void;
  /** What pods of a job share while they work: artifacts of less than 512 kB. */
  readonly memory: MemoryApi;
  /** The steps of a pipeline over several pods: who does what, from what, to what end. */
  readonly contract: ContractApi;
}

/** What the pod does for the code, wherever that runs. */
export interface PodPort {
  readonly id: string;
  readonly session: string;
  readonly signal: AbortSignal;
  /** Runs the call between its hooks; gives what `run` gives, throws what it throws. */
  call(wanted: PortCall, run: (input: unknown) => Promise<unknown>): Promise<unknown>;
  usage(usage: ModelUsage): void;
  note(text: string, level: 'info' | 'warn' | 'error' | undefined): void;
  startTask(name: string): Promise<void>;
  endTask(name: string, outcome: 'completed' | 'failed' | 'cancelled', summary?: string): Promise<void>;
  result(value: unknown): void;
  onMessage(listener: (message: IncomingMessage) => void): () => void;
  readonly pods: SignalApi;
  readonly askMemory: AskMemory;
}

export interface PortCall {
  readonly tool: string;
  readonly input: unknown;
  readonly task: string | undefined;
}

const inputOf = (args: readonly unknown[]): unknown => (args.length === 1 ? args[0] : args.length === 0 ? {} : args);

/** The arguments that an input stands for: the list itself where the call had several. */
const argsOf = (input: unknown, args: readonly unknown[]): readonly unknown[] => {
  if (args.length > 1 && Array.isArray(input)) return input;
  return args.length === 0 ? [] : [input];
};

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

/** The API over a port. */
export const createPodApi = (port: PodPort): PodApi => {
  const currentTask = new AsyncLocalStorage<string>();
  const tool = <F extends Fn>(name: string, fn: F): HookedTool<F> => {
    const hooked = (...args: Parameters<F>): Promise<unknown> => {
      const given = inputOf(args);
      return port.call({ tool: name, input: given, task: currentTask.getStore() }, async (input) =>
        // The very arguments, unless a hook changed the input: objects keep what JSON cannot say.
        fn(...(input === given ? args : (argsOf(input, args) as Parameters<F>))),
      );
    };
    return hooked as HookedTool<F>;
  };
  return {
    id: port.id,
    session: port.session,
    signal: port.signal,
    tool,
    tools: <T extends Readonly<Record<string, Fn>>>(fns: T) =>
      Object.fromEntries(Object.entries(fns).map(([name, fn]) => [name, tool(name, fn)])) as HookedTools<T>,
    task: async <T>(name: string, fn: () => T | Promise<T>): Promise<T> => {
      await port.startTask(name);
      try {
        const value = await currentTask.run(name, async () => fn());
        await port.endTask(name, 'completed');
        return value;
      } catch (thrown) {
        await port.endTask(name, port.signal.aborted ? 'cancelled' : 'failed', messageOf(thrown));
        throw thrown;
      }
    },
    usage: (usage) => port.usage({ task: currentTask.getStore(), ...usage }),
    note: (text: unknown, level) => port.note(String(text), level), // JavaScript may give anything
    result: (value) => port.result(plainResult(value)),
    onMessage: (listener) => port.onMessage(listener),
    ...port.pods,
    memory: createMemoryApi(port.askMemory),
    contract: createContractApi(port.askMemory),
  };
};

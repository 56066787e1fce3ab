/**
 * Owns the thread of a hook module, started at its first call and kept.
 *
 * M1. A call ends at its time limit, which begins when the module is loaded (that has a limit of its own); its thread is left to itself then and ended, and the next call gets a new one.
 * M2. A thread that crashes or exits fails the calls it had, and nothing else.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { bestEffort } from '../../failopen/best-effort.ts';
import { errorMessage } from '../../model/error.ts';
import type { HookCall, HookProcess } from './hook.ts';
import { answerOf, type HookAnswer } from './hook-answer.ts';
import type { ModuleReply, ModuleRequest, ModuleWork } from './module-hook-worker.ts';

export interface ModuleHookOptions {
  /** Absolute. */
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
}

/** For a late hook to see its signal and let go of what it holds. */
const ABORTED_WAIT_MS = 100;
const TERMINATE_BUDGET_MS = 1_000;
/** Threads start slowly on a machine that is busy, and modules may import much. */
const LOAD_LIMIT_MS = 10_000;
const MAX_HEAP_MB = 512;

/** Source and package name the thread's file differently. */
const threadUrl = new URL(
  import.meta.url.endsWith('.ts') ? './module-hook-worker.ts' : './module-hook-worker.js',
  import.meta.url,
);

interface WaitingCall {
  readonly settle: (answer: HookAnswer) => void;
  /** Its time begins. */
  readonly begin: () => void;
}

interface Thread {
  readonly worker: Worker;
  readonly send: (request: ModuleRequest) => void;
  readonly calls: Map<number, WaitingCall>;
  isLoaded: boolean;
}

/** A thread that cannot be ended (it is within a call of the system) is not waited for. */
const terminate = async ({ worker }: Thread): Promise<void> => {
  await bestEffort('hooks.module.terminate', { withinMs: TERMINATE_BUDGET_MS }, () => worker.terminate());
};

export class ModuleHook implements HookProcess {
  readonly #options: ModuleHookOptions;
  #thread: Thread | undefined;
  /** Those that were left, until they are gone. */
  readonly #ending = new Set<Promise<void>>();
  #lastId = 0;
  #isClosed = false;

  constructor(options: ModuleHookOptions) {
    this.#options = options;
  }

  async ask({ phase, event, timeoutMs }: HookCall, signal: AbortSignal): Promise<HookAnswer> {
    if (signal.aborted || this.#isClosed) return { kind: 'aborted' };
    this.#lastId += 1;
    const id = this.#lastId;
    const { promise, resolve: settle } = Promise.withResolvers<HookAnswer>();
    let timer: NodeJS.Timeout | undefined;
    let thread: Thread;
    const limit = (withinMs: number, what: string): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        settle({ kind: 'failed', why: `it ${what} within ${withinMs} ms` });
        this.#leave(thread); // M1
      }, withinMs);
    };
    const begin = (): void => limit(timeoutMs, 'did not answer');
    try {
      thread = this.#thread ?? this.#start();
      thread.calls.set(id, { settle, begin });
      thread.send({ kind: 'call', id, phase, event, timeoutMs });
    } catch (thrown) {
      this.#thread?.calls.delete(id);
      return { kind: 'failed', why: errorMessage(thrown) }; // an event that cannot be sent; no thread to be had
    }
    const onAbort = (): void => {
      thread.send({ kind: 'abort', id, reason: signal.reason });
      settle({ kind: 'aborted' });
    };
    if (thread.isLoaded) begin();
    else limit(LOAD_LIMIT_MS, 'was not loaded');
    signal.addEventListener('abort', onAbort, { once: true });
    const answer = await promise;
    thread.calls.delete(id);
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    return answer;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#thread !== undefined) this.#end(this.#thread, 0);
    await Promise.all(this.#ending);
  }

  #start(): Thread {
    const { file, env } = this.#options;
    const worker = new Worker(threadUrl, {
      workerData: { file } satisfies ModuleWork,
      env: { ...env },
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    const send: Thread['send'] = (request) => worker.postMessage(request);
    const thread: Thread = { worker, send, calls: new Map(), isLoaded: false };
    worker.on('message', (reply: ModuleReply) => this.#hear(thread, reply));
    worker.on('messageerror', (thrown) => {
      this.#failCalls(thread, errorMessage(thrown));
      this.#leave(thread);
    });
    worker.on('error', (thrown) => this.#crashed(thread, errorMessage(thrown)));
    worker.on('exit', (code) => this.#crashed(thread, `its thread ended with ${code}`));
    worker.unref(); // the process does not stay for it; a listener that is added later would undo this
    this.#thread = thread;
    return thread;
  }

  #hear(thread: Thread, reply: ModuleReply): void {
    if (reply.kind === 'loaded') {
      thread.isLoaded = true;
      for (const { begin } of thread.calls.values()) begin();
      return;
    }
    const answer: HookAnswer = reply.kind === 'answer' ? answerOf(reply.answer) : { kind: 'failed', why: reply.why };
    thread.calls.get(reply.id)?.settle(answer);
  }

  /** M2 */
  #crashed(thread: Thread, why: string): void {
    if (this.#thread === thread) this.#thread = undefined;
    this.#failCalls(thread, why);
  }

  #failCalls(thread: Thread, why: string): void {
    for (const { settle } of thread.calls.values()) settle({ kind: 'failed', why });
  }

  #leave(thread: Thread): void {
    if (this.#thread === thread) this.#end(thread, ABORTED_WAIT_MS);
  }

  #end(thread: Thread, waitMs: number): void {
    this.#thread = undefined;
    const end = async (): Promise<void> => {
      if (waitMs > 0) await delay(waitMs);
      await terminate(thread);
    };
    const gone = end().then(() => void this.#ending.delete(gone));
    this.#ending.add(gone);
  }
}

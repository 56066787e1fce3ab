/**
 * Owns the thread of a hook module, started at its first call and kept.
 *
 * M1. A call ends at its time limit; its thread is left to itself then and ended, and the next call gets a new one.
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
const MAX_HEAP_MB = 512;

/** Source and package name the thread's file differently. */
const threadUrl = new URL(
  import.meta.url.endsWith('.ts') ? './module-hook-worker.ts' : './module-hook-worker.js',
  import.meta.url,
);

type Settle = (answer: HookAnswer) => void;

interface Thread {
  readonly worker: Worker;
  readonly send: (request: ModuleRequest) => void;
  readonly calls: Map<number, Settle>;
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

  constructor(options: ModuleHookOptions) {
    this.#options = options;
  }

  async ask({ phase, event, timeoutMs }: HookCall, signal: AbortSignal): Promise<HookAnswer> {
    if (signal.aborted) return { kind: 'aborted' };
    this.#lastId += 1;
    const id = this.#lastId;
    const { promise, resolve } = Promise.withResolvers<HookAnswer>();
    let thread: Thread;
    try {
      thread = this.#thread ?? this.#start();
      thread.calls.set(id, resolve);
      thread.send({ kind: 'call', id, phase, event, timeoutMs });
    } catch (thrown) {
      this.#thread?.calls.delete(id);
      return { kind: 'failed', why: errorMessage(thrown) }; // an event that cannot be sent; no thread to be had
    }
    const onAbort = (): void => {
      thread.send({ kind: 'abort', id });
      resolve({ kind: 'aborted' });
    };
    const timer = setTimeout(() => {
      resolve({ kind: 'failed', why: `it did not answer within ${timeoutMs} ms` });
      this.#leave(thread); // M1
    }, timeoutMs);
    signal.addEventListener('abort', onAbort, { once: true });
    const answer = await promise;
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    thread.calls.delete(id);
    return answer;
  }

  async close(): Promise<void> {
    if (this.#thread !== undefined) this.#end(this.#thread, 0);
    await Promise.all(this.#ending);
  }

  #start(): Thread {
    const { file, env } = this.#options;
    const worker = new Worker(threadUrl, {
      workerData: { file } satisfies ModuleWork,
      env: { ...env },
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    const send: Thread['send'] = (request) => worker.postMessage(request);
    const thread: Thread = { worker, send, calls: new Map() };
    worker.unref(); // the process does not stay for it
    worker.stdout.resume(); // what it prints is nobody's: the terminal is the pod's
    worker.stderr.resume();
    worker.on('message', (reply: ModuleReply) => {
      const answer: HookAnswer = reply.kind === 'answer' ? answerOf(reply.answer) : { kind: 'failed', why: reply.why };
      thread.calls.get(reply.id)?.(answer);
    });
    worker.on('messageerror', (thrown) => this.#crashed(thread, errorMessage(thrown)));
    worker.on('error', (thrown) => this.#crashed(thread, errorMessage(thrown)));
    worker.on('exit', (code) => this.#crashed(thread, `its thread ended with ${code}`));
    this.#thread = thread;
    return thread;
  }

  /** M2 */
  #crashed(thread: Thread, why: string): void {
    if (this.#thread === thread) this.#thread = undefined;
    for (const settle of thread.calls.values()) settle({ kind: 'failed', why });
  }

  #leave(thread: Thread): void {
    if (this.#thread === thread) this.#end(thread, ABORTED_WAIT_MS);
  }

  #end(thread: Thread, waitMs: number): void {
    this.#thread = undefined;
    const end = async (): Promise<void> => {
      if (waitMs > 0) await delay(waitMs, undefined, { ref: false });
      await terminate(thread);
    };
    const gone = end().then(() => void this.#ending.delete(gone));
    this.#ending.add(gone);
  }
}

/** Owns the running of a user's hook module, in a thread of its own: it may loop, crash or exit, and hurts only itself. */
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';

export interface ModuleWork {
  /** Absolute. */
  readonly file: string;
}

export type ModuleRequest =
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly phase: string;
      readonly event: unknown;
      readonly timeoutMs: number;
    }
  /** `reason`: an Error, with the cause that the pod's own signal has. */
  | { readonly kind: 'abort'; readonly id: number; readonly reason: unknown };

export type ModuleReply =
  /** Or it could not be: each call is told why. */
  | { readonly kind: 'loaded' }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly why: string };

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

const running = new Map<number, AbortController>();

const call = async (exported: Promise<Record<string, unknown>>, request: ModuleRequest & { kind: 'call' }) => {
  const { id, phase, event, timeoutMs } = request;
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const hook = (await exported)[phase];
    if (typeof hook !== 'function') throw new Error(`it exports no function "${phase}"`);
    const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(timeoutMs)]);
    return (await hook(event, { signal })) as unknown;
  } finally {
    running.delete(id);
  }
};

/** The terminal is the pod's. */
const silence = (stream: NodeJS.WriteStream): void => {
  stream.write = (...args: unknown[]): boolean => {
    const done = args.at(-1);
    if (typeof done === 'function') queueMicrotask(() => done());
    return true;
  };
};

if (parentPort !== null) {
  const port = parentPort;
  silence(process.stdout);
  silence(process.stderr);
  const { file } = workerData as ModuleWork;
  const exported = import(pathToFileURL(file).href) as Promise<Record<string, unknown>>;
  const onLoaded = (): void => port.postMessage({ kind: 'loaded' } satisfies ModuleReply);
  exported.then(onLoaded, onLoaded);
  const reply = async (request: ModuleRequest & { kind: 'call' }): Promise<void> => {
    const { id } = request;
    try {
      port.postMessage({ kind: 'answer', id, answer: await call(exported, request) } satisfies ModuleReply);
    } catch (thrown) {
      port.postMessage({ kind: 'failed', id, why: messageOf(thrown) } satisfies ModuleReply);
    }
  };
  port.on('message', (request: ModuleRequest) => {
    if (request.kind === 'abort') running.get(request.id)?.abort(request.reason);
    else reply(request).catch(() => undefined); // it catches all itself
  });
}

/**
 * Owns the end of a supervisor that does nothing any more: a thread of its own sees that its event loop stands still, and
 * kills the process. Whoever waits for an answer of it, an agent at each of its hooks, is refused at once from then on (G1).
 *
 * D1. A process that was stopped (SIGSTOP, a laptop that slept) was not blocked: the thread stood still as well.
 * D2. Nor was one that waited for a processor, on a machine that has too much to do.
 */
import { url as inspectorUrl } from 'node:inspector';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { errorMessage } from '../model/error.ts';

export interface WatchdogOptions {
  /** How long the event loop may stand still. */
  readonly limitMs: number;
  /** Told where the thread could not be started: the pod goes on without it. */
  readonly onMissing: (why: string) => void;
}

export interface WatchdogTask {
  /** One number, counted up by who is watched. */
  readonly beats: SharedArrayBuffer;
  readonly limitMs: number;
  readonly tickMs: number;
}

const TICK_MS = 200;

const workerFile = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './watchdog-worker.ts' : './watchdog-worker.js', import.meta.url),
);

/** A small thread: it counts. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };

export class Watchdog implements Disposable {
  readonly #timer: NodeJS.Timeout;
  readonly #worker: Worker;
  readonly #beats: Int32Array;

  private constructor({ limitMs, onMissing }: WatchdogOptions) {
    const beats = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    this.#beats = new Int32Array(beats);
    const workerData: WatchdogTask = { beats, limitMs, tickMs: TICK_MS };
    this.#worker = new Worker(workerFile, { workerData, resourceLimits: RESOURCE_LIMITS, stdin: false });
    this.#worker.on('error', (thrown) => onMissing(errorMessage(thrown)));
    this.#worker.unref();
    this.#timer = setInterval(() => Atomics.add(this.#beats, 0, 1), TICK_MS).unref();
  }

  /** `undefined`: somebody debugs the process, and it stands still by their will. */
  static start(options: WatchdogOptions): Watchdog | undefined {
    return inspectorUrl() === undefined ? new Watchdog(options) : undefined;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    Atomics.store(this.#beats, 0, -1); // it ends by itself
    this.#worker.terminate().then(
      () => undefined,
      () => undefined,
    );
  }
}

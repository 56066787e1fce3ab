/**
 * Owns when an agent counts as silent: no hook, no output, and no call under way for so long that it may be stuck.
 *
 * W1. What explains the quiet is no silence: a call that runs, however long; a pause; a wait that is known already.
 * W2. A machine that sleeps makes nobody silent: its clock stands still.
 */
import { formatDuration } from '../../config/quantity.ts';
import type { PodControl } from '../pod-control.ts';
import type { AgentDesk } from './agent-desk.ts';

export interface SilenceWatchOptions {
  readonly desk: Pick<AgentDesk, 'wait' | 'goOn' | 'openCalls'>;
  readonly control: Pick<PodControl, 'status' | 'waits'>;
  readonly afterMs: number;
}

export class SilenceWatch implements Disposable {
  readonly #options: SilenceWatchOptions;
  #seenAtMs = performance.now();
  #isSilent = false;
  #timer: NodeJS.Timeout | undefined;

  private constructor(options: SilenceWatchOptions) {
    this.#options = options;
  }

  static start(options: SilenceWatchOptions): SilenceWatch {
    const watch = new SilenceWatch(options);
    watch.#plan(options.afterMs);
    return watch;
  }

  /** A sign of life. Costs next to nothing: it may come with each piece of output. */
  seen(): void {
    this.#seenAtMs = performance.now();
    if (!this.#isSilent) return;
    this.#isSilent = false;
    this.#options.desk.goOn('silent');
    this.#plan(this.#options.afterMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #plan(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms).unref();
  }

  #look(): void {
    const { desk, afterMs } = this.#options;
    if (this.#isExplained) this.#seenAtMs = performance.now(); // W1
    const leftMs = afterMs - (performance.now() - this.#seenAtMs);
    if (leftMs > 0) return this.#plan(leftMs);
    this.#isSilent = true;
    desk.wait('silent', `no hook, no output and no call under way for ${formatDuration(afterMs)}`);
  }

  get #isExplained(): boolean {
    const { desk, control } = this.#options;
    if (control.status === 'paused' || control.status === 'stopping' || desk.openCalls().length > 0) return true;
    return control.waits.some((reason) => reason !== 'compacting'); // one that never ends is stuck all the same
  }
}

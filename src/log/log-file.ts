/**
 * Owns the file of a log: written asynchronously, bounded in memory and on disk, given up at the first error.
 *
 * F1. Nothing here waits or throws, and nothing is left behind for the end of the process to wait for. (pino's own
 *     destination writes what is left at exit, again and again for as long as the disk is full.)
 */
import { rename } from 'node:fs/promises';
import sonicBoom, { type SonicBoom } from 'sonic-boom';
import { turnedPath } from './turned-path.ts';

const MAX_BUFFER_BYTES = 1024 * 1024;

type State =
  | { readonly kind: 'writing'; readonly stream: SonicBoom }
  /** An error of the disk, or closed. */
  | { readonly kind: 'over' };

/** Turns over to `<name>.1.<ending>` at half of its share (G6). */
export class LogFile {
  readonly #path: string;
  readonly #turnAtBytes: number;
  #state: State;
  #bytes = 0;
  /** Entries given to the stream since it was last empty. */
  #unwritten = 0;
  #dropped = 0;
  #isTurning = false;
  #onEmpty: () => void = () => undefined;

  /** `bufferBytes`: what waits in memory for a slow disk; more is dropped. */
  constructor(path: string, maxBytes: number, bufferBytes = MAX_BUFFER_BYTES) {
    this.#path = path;
    this.#turnAtBytes = maxBytes / 2;
    const stream = new sonicBoom.SonicBoom({ dest: path, sync: false, mode: 0o600, maxLength: bufferBytes });
    this.#state = { kind: 'writing', stream };
    stream.on('drop', () => {
      this.#dropped += 1;
      this.#unwritten -= 1;
    });
    stream.on('drain', () => {
      this.#unwritten = 0;
      this.#onEmpty();
    });
    stream.on('error', () => this.close()); // full, gone or read-only
  }

  /** Entries that are lost (G3). */
  get dropped(): number {
    return this.#dropped;
  }

  write(text: string): void {
    if (this.#state.kind === 'over') {
      this.#dropped += 1;
      return;
    }
    this.#bytes += Buffer.byteLength(text);
    this.#unwritten += 1;
    this.#state.stream.write(text);
    if (this.#bytes >= this.#turnAtBytes && !this.#isTurning) this.#turn(this.#state.stream);
  }

  /** Resolves once all is written, or will not be. The caller sets a deadline. */
  async flush(): Promise<void> {
    const state = this.#state;
    if (state.kind === 'over' || this.#unwritten <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve; // the stream's own flush() does not wait for a file that is still being opened
    await promise;
  }

  /** Closes without writing what is left, which is counted as dropped (F1). */
  close(): void {
    const state = this.#state;
    if (state.kind === 'over') return;
    this.#state = { kind: 'over' };
    this.#dropped += Math.max(0, this.#unwritten);
    this.#onEmpty();
    state.stream.destroy();
  }

  #turn(stream: SonicBoom): void {
    this.#isTurning = true;
    const reopen = (): void => {
      this.#bytes = 0;
      this.#isTurning = false;
      if (this.#state.kind === 'writing') stream.reopen();
    };
    rename(this.#path, turnedPath(this.#path)).then(reopen, reopen);
  }
}

/**
 * Owns the waking of who follows the alpha bus from a place on and reads it himself: when something may have been written.
 *
 * A1. The watcher only makes it quick: a look each second finds what it misses (no watches left, a network disk, a folder
 *     made anew).
 */
import { statSync } from 'node:fs';
import type { FSWatcher } from 'chokidar';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { ALPHA, busPath } from '../layout.ts';

const LOOK_EVERY_MS = 1_000;
/** What several pods write at the same time is read together; a watcher leaves out what comes too fast, so one more look follows. */
const GATHER_MS = 20;

const markOf = (path: string): string => {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.ino} ${stat.size}`;
};

export class AlphaWake implements AsyncDisposable {
  readonly #path: string;
  readonly #onChange: () => void;
  readonly #timer: NodeJS.Timeout;
  readonly #starting: Promise<FSWatcher | undefined>;
  #soon: NodeJS.Timeout | undefined;
  #mark = '';
  #isClosed = false;

  /** `onChange`: called once at first, and then some time after each change. Holds no process alive. */
  constructor(busDir: string, onChange: () => void) {
    this.#path = busPath(busDir, ALPHA);
    this.#onChange = onChange;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
    this.#starting = this.#watch();
    this.#lookSoon();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    const watcher = await this.#starting;
    await watcher?.close();
  }

  async #watch(): Promise<FSWatcher | undefined> {
    try {
      const { watch } = await import('chokidar');
      const watcher = watch(this.#path, { ignoreInitial: true, atomic: false, followSymlinks: false });
      watcher.on('all', () => this.#lookSoon());
      watcher.on('ready', () => this.#lookSoon());
      watcher.on('error', () => undefined); // A1
      return watcher;
    } catch {
      return undefined; // A1
    }
  }

  #lookSoon(): void {
    if (this.#isClosed) return;
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#look();
    }, GATHER_MS).unref();
  }

  #look(): void {
    const mark = bestEffortSync('bus.wake', () => markOf(this.#path)) ?? '';
    if (mark === this.#mark || this.#isClosed) return;
    this.#mark = mark;
    this.#onChange();
    this.#lookSoon();
  }
}

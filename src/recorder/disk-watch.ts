/** Owns how much room the disk of the bus has: warned below 5 %, no blobs below half of that (design, section 5). */
import { statfs } from 'node:fs/promises';
import { bestEffort } from '../failopen/best-effort.ts';
import { errnoOf } from '../model/error.ts';

export type DiskRoom = 'enough' | 'low' | 'very low';

export interface DiskWatchOptions {
  readonly path: string;
  readonly warnFreePercent: number;
  readonly noBlobsFreePercent: number;
  /** Told when the room changes; `freePercent` of what this user may use. */
  readonly onChange: (room: DiskRoom, freePercent: number) => void;
}

const LOOK_EVERY_MS = 10_000;
const LOOK_BUDGET_MS = 5_000;

export class DiskWatch implements Disposable {
  readonly #options: DiskWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #room: DiskRoom = 'enough';
  #isLooking = false;
  #isDisposed = false;

  private constructor(options: DiskWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#lookSoon(), LOOK_EVERY_MS).unref();
    this.#lookSoon();
  }

  /** Begins to look, at once and every 10 s; keeps no process alive. */
  static start(options: DiskWatchOptions): DiskWatch {
    return new DiskWatch(options);
  }

  get room(): DiskRoom {
    return this.#room;
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearInterval(this.#timer);
  }

  #lookSoon(): void {
    if (this.#isLooking) return; // a hung disk: one question at a time
    this.#isLooking = true;
    const look = bestEffort('disk.look', { withinMs: LOOK_BUDGET_MS }, () => this.#look());
    const release = (): void => {
      this.#isLooking = false;
    };
    look.then(release, release);
  }

  async #look(): Promise<void> {
    const { path, warnFreePercent, noBlobsFreePercent, onChange } = this.#options;
    let disk: { readonly bavail: number; readonly blocks: number };
    try {
      disk = await statfs(path);
    } catch (thrown) {
      if (errnoOf(thrown) === 'ENOENT') return; // not made yet, or removed: the bus itself tells of that
      throw thrown;
    }
    const { bavail, blocks } = disk;
    const freePercent = blocks === 0 ? 100 : (bavail / blocks) * 100;
    const room = freePercent < noBlobsFreePercent ? 'very low' : freePercent < warnFreePercent ? 'low' : 'enough';
    if (room === this.#room || this.#isDisposed) return;
    this.#room = room;
    onChange(room, freePercent);
  }
}

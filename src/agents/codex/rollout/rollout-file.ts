/**
 * Owns the reading of a session file ("rollout") of Codex as it grows: each whole line once, nothing twice.
 *
 * R1. A read that was asked for sees all that stood in the file by then.
 */
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { bestEffort } from '../../../failopen/best-effort.ts';
import { errnoOf } from '../../../model/error.ts';
import { LineReader } from '../../agent-process.ts';

const CHUNK_BYTES = 256 * 1024;
/** A disk that hangs holds up the end of a run no longer. */
const READ_BUDGET_MS = 2_000;
const STEP_MS = 4;
/** A read takes less than a millisecond, where the disk does not hang. */
const HUNG_MS = 700;

const isDone = (work: Promise<void>, withinMs: number): Promise<boolean> =>
  Promise.race([work.then(() => true), delay(Math.max(0, withinMs), false, { ref: false })]);

export class RolloutFile {
  readonly path: string;
  readonly #lines: LineReader;
  #offset = 0;
  #running: Promise<void> = Promise.resolve();
  #queued: Promise<void> | undefined;
  #isBusy = false;

  constructor(path: string, take: (line: string) => void) {
    this.path = path;
    this.#lines = new LineReader(take);
  }

  /** Lines that were too long. */
  get skipped(): number {
    return this.#lines.skipped;
  }

  /** Reads what was written since; a file that is not there yet is empty. Does not reject. */
  read(): Promise<void> {
    this.#queued ??= this.#running.then(() => {
      this.#queued = undefined;
      this.#running = this.#read();
      return this.#running;
    });
    return this.#queued;
  }

  /**
   * Reads until `isThere`: once for sure, unless the disk hangs, and again for at most `withinMs`. A process that was busy
   * is not taken for a file that is late.
   */
  async readUntil(isThere: () => boolean, withinMs: number): Promise<void> {
    const endAtMs = performance.now() + withinMs;
    if (!(await isDone(this.read(), HUNG_MS))) return;
    while (!isThere() && performance.now() < endAtMs) {
      await delay(STEP_MS, undefined, { ref: false });
      if (!(await isDone(this.read(), HUNG_MS))) return;
    }
  }

  async #read(): Promise<void> {
    if (this.#isBusy) return; // one that hangs
    this.#isBusy = true;
    await bestEffort('codex.rollout', { withinMs: READ_BUDGET_MS }, () => this.#readOn());
  }

  async #readOn(): Promise<void> {
    try {
      await using file = await open(this.path, 'r');
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, this.#offset);
        if (bytesRead === 0) return;
        this.#offset += bytesRead;
        this.#lines.push(buffer.subarray(0, bytesRead));
      }
    } catch (thrown) {
      if (errnoOf(thrown) !== 'ENOENT') throw thrown;
    } finally {
      this.#isBusy = false;
    }
  }
}

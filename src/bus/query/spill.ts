/**
 * Owns lines that were found and have no room in memory: in a file of their own, which nobody else can open and which is
 * gone with this process, however it ends.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FILE_MODE = 0o600;
const LINE_FEED = 10;

/** A run of lines: bytes of the file. */
export interface Spilled {
  from: number;
  to: number;
}

/** A file without a name. @throws a system error. */
const openNameless = (): number => {
  const dir = mkdtempSync(join(tmpdir(), 'nika-merge-'));
  try {
    return openSync(join(dir, 'lines'), 'wx+', FILE_MODE);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};

export class Spill implements Disposable {
  #fd: number | undefined;
  #size = 0;

  /** Adds lines to a run that is the last one of the file. @throws a system error (full). */
  append(run: Spilled, texts: readonly string[]): void {
    if (texts.length === 0) return;
    this.#fd ??= openNameless();
    const bytes = Buffer.from(`${texts.join('\n')}\n`, 'utf8');
    const written = writeSync(this.#fd, bytes, 0, bytes.byteLength, this.#size);
    if (written < bytes.byteLength) throw Object.assign(new Error('short write'), { code: 'ENOSPC' });
    this.#size += written;
    run.to = this.#size;
  }

  /** A run to add lines to; the one before has got all of its own. */
  begin(): Spilled {
    return { from: this.#size, to: this.#size };
  }

  /** Takes about so many bytes of lines from the beginning of a run; none: it is at its end. */
  take(run: Spilled, bytes: number): readonly string[] {
    for (let wanted = bytes; this.#fd !== undefined && run.from < run.to; wanted *= 2) {
      const buffer = Buffer.allocUnsafe(Math.min(wanted, run.to - run.from));
      const count = readSync(this.#fd, buffer, 0, buffer.byteLength, run.from);
      const end = buffer.subarray(0, count).lastIndexOf(LINE_FEED);
      if (end === -1 && count === buffer.byteLength) continue; // a longer line
      if (end === -1) return []; // nobody can have cut it
      run.from += end + 1;
      return buffer.toString('utf8', 0, end).split('\n');
    }
    return [];
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

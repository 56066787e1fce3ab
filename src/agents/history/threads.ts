/**
 * Owns the reading of the files of one session as one story: its own file and those of its subagents, by their lines' times.
 *
 * H1. Lines of one file keep their order. A line without a time has that of the one before it.
 */
import { setImmediate } from 'node:timers/promises';
import { timeOf } from './fields.ts';
import { type Fields } from '../read-fields.ts';
import { JsonLines } from './json-lines.ts';
import type { ReadOptions, Told } from './told.ts';

export interface ThreadFile {
  readonly path: string;
  /** The agent's own id of the subagent that wrote it; `undefined`: the agent itself. */
  readonly sub: string | undefined;
}

export interface ThreadLine {
  readonly record: Fields;
  readonly atMs: number;
  readonly sub: string | undefined;
}

/** What becomes of the lines, one after the other. */
export interface ThreadReader {
  readonly line: (line: ThreadLine) => Iterable<Told>;
  /** A file came to its end. `atMs`: of its last line. */
  readonly end: (sub: string | undefined, atMs: number) => Iterable<Told>;
  /** All did. `atMs`: of the last line of all. */
  readonly close: (atMs: number) => Iterable<Told>;
}

class Thread {
  readonly sub: string | undefined;
  readonly #lines: JsonLines;
  readonly #timeOf: (record: Fields) => number | undefined;
  record: Fields | undefined;
  atMs = 0;

  constructor({ path, sub }: ThreadFile, options: ReadOptions, timeOfRecord: (record: Fields) => number | undefined) {
    this.sub = sub;
    this.#lines = new JsonLines(path, options);
    this.#timeOf = timeOfRecord;
    this.advance();
  }

  advance(): void {
    this.record = this.#lines.next();
    if (this.record !== undefined) this.atMs = this.#timeOf(this.record) ?? this.atMs;
  }
}

/** So many bytes between two moments at which others may work: signals, the line that tells how far it is. */
const BREATH_BYTES = 512 * 1024;

export interface ThreadOptions extends ReadOptions {
  /** The time of a line; default: its `timestamp`. */
  readonly timeOf?: (record: Fields) => number | undefined;
}

export async function* readThreads(
  files: readonly ThreadFile[],
  reader: ThreadReader,
  options: ThreadOptions,
): AsyncGenerator<Told> {
  let sinceBreath = 0;
  const onBytes = (count: number): void => {
    sinceBreath += count;
    options.onBytes(count);
  };
  const timeOfRecord = options.timeOf ?? (({ timestamp }: Fields) => timeOf(timestamp));
  const threads = files.map((file) => new Thread(file, { ...options, onBytes }, timeOfRecord));
  let lastMs = 0;
  while (threads.length > 0) {
    const thread = threads.reduce((first, other) => (other.atMs < first.atMs ? other : first));
    const { record, sub, atMs } = thread;
    if (record === undefined) {
      threads.splice(threads.indexOf(thread), 1);
      yield* reader.end(sub, atMs);
      continue;
    }
    lastMs = Math.max(lastMs, atMs);
    yield* reader.line({ record, atMs, sub });
    thread.advance();
    if (sinceBreath < BREATH_BYTES) continue;
    sinceBreath = 0;
    await setImmediate();
  }
  yield* reader.close(lastMs);
}

/**
 * Owns the structured log of one process in `logs/`: bounded, asynchronous, never waited for (G1, G6).
 * A disk of `logs/` that is hung or full costs log entries, which are counted, and nothing else (G3).
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { makeFolderSoon } from '../failopen/make-folder.ts';
import { errorMessage } from '../model/error.ts';
import type { LogFile } from './log-file.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
type EntryLevel = Exclude<LogLevel, 'silent'>;

export interface LogOptions {
  readonly logsDir: string;
  /** File name without its ending: the session's id. */
  readonly name: string;
  readonly level: LogLevel;
  readonly maxBytesPerPod: number;
  readonly maxBytesTotal: number;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Takes secrets out of a text (G7); every text of an entry goes through it. */
  readonly clean: (text: string) => string;
}

interface Entry {
  readonly level: EntryLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const MAX_WAITING = 1_000;
const ENDING = '.jsonl';

const weight = (level: LogLevel): number => LOG_LEVELS.indexOf(level);

/** Removes the oldest logs until all of them are under the cap. */
const prune = async (logsDir: string, maxBytesTotal: number, keep: string): Promise<void> => {
  const names = (await readdir(logsDir)).filter((name) => name.endsWith(ENDING) && !name.startsWith(keep));
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(logsDir, name);
      const { size, mtimeMs } = await stat(path);
      return { path, size, mtimeMs };
    }),
  );
  let total = files.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
    if (total <= maxBytesTotal) return;
    await rm(path, { force: true });
    total -= size;
  }
};

/** Opened without I/O; the file and pino itself are loaded at the first entry. */
export class Log implements Disposable {
  readonly #options: LogOptions;
  #waiting: Entry[] = [];
  #dropped = 0;
  #logger: Logger | undefined;
  #file: LogFile | undefined;
  #opening: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: LogOptions) {
    this.#options = options;
  }

  get path(): string {
    return join(this.#options.logsDir, `${this.#options.name}${ENDING}`);
  }

  /** Whether anything was logged: else there is no file. */
  get isUsed(): boolean {
    return this.#opening !== undefined;
  }

  /** Entries that are lost (G3). */
  get dropped(): number {
    return this.#dropped + (this.#file?.dropped ?? 0);
  }

  /** Never throws, never waits. */
  write(level: EntryLevel, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (weight(level) < weight(this.#options.level)) return;
    this.#take(level, this.#options.clean(message), this.#cleaned(fields));
  }

  #cleaned(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    const { clean } = this.#options;
    return Object.fromEntries(
      Object.entries(fields).map(([key, value]) => [key, typeof value === 'string' ? clean(value) : value]),
    );
  }

  #take(level: EntryLevel, message: string, fields: Readonly<Record<string, unknown>>): void {
    if (this.#isClosed || (this.#logger === undefined && this.#waiting.length >= MAX_WAITING)) {
      this.#dropped += 1;
      return;
    }
    if (this.#logger !== undefined) {
      this.#logger[level](fields, message);
      return;
    }
    this.#waiting.push({ level, message, fields });
    this.#opening ??= this.#open();
  }

  /** Resolves once all is written, or cannot be; at once where nothing was logged. The caller sets a deadline. */
  async flush(): Promise<void> {
    await this.#opening;
    await this.#file?.flush();
  }

  /** Closes at once: what was not flushed is lost, and counted. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#dropped += this.#waiting.length;
    this.#waiting = [];
    this.#file?.close();
  }

  async #open(): Promise<void> {
    const { logsDir, level, maxBytesPerPod, maxBytesTotal, name, fields } = this.#options;
    try {
      await makeFolderSoon(logsDir, 0o700);
      await prune(logsDir, maxBytesTotal, name);
      const [{ pino, stdTimeFunctions }, { LogFile: File }] = await Promise.all([
        import('pino'),
        import('./log-file.ts'),
      ]);
      if (this.#isClosed) return;
      this.#file = new File(this.path, maxBytesPerPod);
      this.#logger = pino({ level, base: fields, timestamp: stdTimeFunctions.isoTime }, this.#file);
      for (const entry of this.#waiting) this.#logger[entry.level](entry.fields, entry.message);
    } catch (thrown) {
      this.#dropped += this.#waiting.length;
      this.#lastError = errorMessage(thrown);
    }
    this.#waiting = [];
  }

  /** Why the log could not be opened, if it could not. */
  get failure(): string | undefined {
    return this.#lastError;
  }

  #lastError: string | undefined;
}

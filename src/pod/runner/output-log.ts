/**
 * Owns what a pod's program writes, in `logs/<session>.stdout` and `.stderr`: without secrets, bounded, never waited for.
 *
 * U1. Text is redacted before it reaches the file, a line at a time, also where it comes in pieces (G7).
 * U2. A disk that is slow or full costs output in the file, which is counted, and nothing else (G1, G3).
 */
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import type { LogFile } from '../../log/log-file.ts';
import { makeFolderSoon } from '../../failopen/make-folder.ts';

export type OutputStream = 'stdout' | 'stderr';

export interface OutputLogOptions {
  readonly logsDir: string;
  readonly session: string;
  /** Of both streams together. */
  readonly maxBytes: number;
  readonly clean: (text: string) => string;
}

/** A line that is longer is cut in two for the redaction. */
const MAX_LINE_CHARS = 64 * 1024;
const MAX_WAITING_CHARS = 1024 * 1024;
/** Of each stream, for a disk that is slower than the program. */
const BUFFER_BYTES = 16 * 1024 * 1024;

/** A private key stands on several lines: what has begun waits for its end. */
const beforeOpenKey = (text: string, end: number): number => {
  const begin = text.lastIndexOf('-----BEGIN ', end);
  return begin === -1 || text.includes('-----END ', begin) ? end : begin;
};

class OutputFile {
  readonly path: string;
  readonly #options: OutputLogOptions;
  readonly #decoder = new StringDecoder('utf8');
  #line = '';
  #waiting = '';
  #file: LogFile | undefined;
  #opening: Promise<void> | undefined;
  #dropped = 0;

  constructor(stream: OutputStream, options: OutputLogOptions) {
    this.#options = options;
    this.path = join(options.logsDir, `${options.session}.${stream}`);
  }

  get isUsed(): boolean {
    return this.#opening !== undefined;
  }

  get dropped(): number {
    return this.#dropped + (this.#file?.dropped ?? 0);
  }

  push(chunk: Buffer): void {
    this.#line += this.#decoder.write(chunk);
    const whole = this.#line.length > MAX_LINE_CHARS ? this.#line.length : this.#line.lastIndexOf('\n') + 1;
    const cut = this.#line.length > MAX_LINE_CHARS ? whole : beforeOpenKey(this.#line, whole);
    if (cut > 0) this.#write(this.#line.slice(0, cut)); // U1
    this.#line = this.#line.slice(cut);
  }

  async flush(): Promise<void> {
    const rest = this.#line + this.#decoder.end();
    this.#line = '';
    if (rest !== '') this.#write(rest);
    await this.#opening;
    await this.#file?.flush();
  }

  close(): void {
    this.#file?.close();
  }

  #write(text: string): void {
    const clean = this.#options.clean(text);
    if (this.#file !== undefined) this.#file.write(clean);
    else if (this.#waiting.length < MAX_WAITING_CHARS) this.#waiting += clean;
    else this.#dropped += 1;
    this.#opening ??= this.#open();
  }

  async #open(): Promise<void> {
    try {
      await makeFolderSoon(this.#options.logsDir, 0o700);
      const { LogFile: File } = await import('../../log/log-file.ts');
      this.#file = new File(this.path, this.#options.maxBytes / 2, BUFFER_BYTES);
      this.#file.write(this.#waiting);
    } catch {
      this.#dropped += 1; // U2
    }
    this.#waiting = '';
  }
}

export class OutputLog {
  readonly #files: Readonly<Record<OutputStream, OutputFile>>;

  constructor(options: OutputLogOptions) {
    this.#files = { stdout: new OutputFile('stdout', options), stderr: new OutputFile('stderr', options) };
  }

  /** Where it is kept; `null` before the first output. */
  pathOf(stream: OutputStream): string | null {
    return this.#files[stream].isUsed ? this.#files[stream].path : null;
  }

  /** Pieces of output that did not reach the file. */
  get dropped(): number {
    return this.#files.stdout.dropped + this.#files.stderr.dropped;
  }

  push(stream: OutputStream, chunk: Buffer): void {
    this.#files[stream].push(chunk);
  }

  /** Resolves once all is in the files, or will not be. The caller sets a deadline. */
  async flush(): Promise<void> {
    await Promise.all([this.#files.stdout.flush(), this.#files.stderr.flush()]);
  }

  close(): void {
    this.#files.stdout.close();
    this.#files.stderr.close();
  }
}

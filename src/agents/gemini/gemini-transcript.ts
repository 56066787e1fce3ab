/**
 * Owns the files in which Gemini CLI keeps a session and its subagents, as far as they are written: what each request used,
 * and the calls with their ids.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LineReader } from '../agent-process.ts';
import { type Fields, fieldsOf, listOf, parseFields, textOf, wordOf } from '../read-fields.ts';

const CHUNK_BYTES = 256 * 1024;
/** Messages and subagents that are remembered (G6). */
const MAX_KNOWN = 100_000;

/** A file that is only ever added to, read from where it was read to. */
class GrowingFile {
  readonly #path: string;
  readonly #lines: LineReader;
  #at: number;

  constructor(path: string, at: number, take: (line: string) => void) {
    this.#path = path;
    this.#at = at;
    this.#lines = new LineReader(take);
  }

  /** Nothing where it cannot be read. */
  async read(): Promise<void> {
    let file: FileHandle;
    try {
      file = await open(this.#path);
    } catch {
      return; // it is written with the first answer
    }
    try {
      const buffer = Buffer.alloc(CHUNK_BYTES);
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, this.#at);
        if (bytesRead === 0) return;
        this.#at += bytesRead;
        this.#lines.push(Buffer.from(buffer.subarray(0, bytesRead)));
      }
    } finally {
      await file.close();
    }
  }
}

/** Taken once for each message, and once for each call. `agent`: the file's; `undefined`: of the session itself. */
export interface TranscriptListener {
  readonly onUse: (message: Fields, agent: string | undefined) => void;
  readonly onCall: (call: Fields, agent: string | undefined) => void;
  readonly onText: (text: string) => void;
}

export class GeminiTranscript {
  readonly #listener: TranscriptListener;
  readonly #messages = new Set<string>();
  readonly #calls = new Set<string>();
  readonly #agents = new Map<string, GrowingFile>();
  #path: string | undefined;
  #session: string | undefined;
  #file: GrowingFile | undefined;
  #reading: Promise<void> | undefined;
  #isStale = false;

  constructor(listener: TranscriptListener) {
    this.#listener = listener;
  }

  /** `isNew`: nothing stands there yet; else what does is of before. */
  async follow(path: string, session: string, isNew: boolean): Promise<void> {
    if (path === this.#path) return;
    this.#path = path;
    this.#session = session;
    let at = 0;
    if (!isNew)
      at = await stat(path)
        .then(({ size }) => size)
        .catch(() => 0);
    this.#file = new GrowingFile(path, at, (line) => this.#line(line, undefined));
  }

  /** Reads what has come; one at a time. */
  read(): Promise<void> {
    this.#isStale = true;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false;
      await this.#file?.read();
      for (const file of this.#agents.values()) await file.read();
    }
  }

  #line(line: string, agent: string | undefined): void {
    const message = parseFields(line);
    if (message?.['type'] !== 'gemini') return;
    const id = wordOf(message['id']) ?? '';
    if (!this.#messages.has(id)) {
      if (this.#messages.size >= MAX_KNOWN) this.#messages.clear();
      this.#messages.add(id);
      this.#listener.onUse(message, agent);
      const text = textOf(message['content']) ?? '';
      if (agent === undefined && text.trim() !== '') this.#listener.onText(text);
    }
    for (const call of listOf(message['toolCalls']).map(fieldsOf)) this.#call(call, agent);
  }

  #call(call: Fields, agent: string | undefined): void {
    const id = wordOf(call['id']);
    if (id === undefined || this.#calls.has(id)) return;
    if (this.#calls.size >= MAX_KNOWN) this.#calls.clear();
    this.#calls.add(id);
    this.#listener.onCall(call, agent);
    const started = wordOf(call['agentId']);
    if (started === undefined || !/^[\w-]+$/.test(started)) return;
    if (this.#agents.has(started) || this.#agents.size >= MAX_KNOWN) return;
    const path = join(dirname(this.#path ?? ''), this.#session ?? '', `${started}.jsonl`);
    this.#agents.set(started, new GrowingFile(path, 0, (line) => this.#line(line, started)));
  }
}

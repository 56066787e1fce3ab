/** Owns what Gemini CLI tells on its standard output (`--output-format stream-json`): ids of calls, its words, how it ended. */
import type { AgentDesk } from '../../pod/host/agent-desk.ts';
import { type Fields, fieldsOf, parseFields, textOf, wordOf } from '../read-fields.ts';
import type { GeminiCalls } from './gemini-calls.ts';
import { endOfLine } from './gemini-ends.ts';

/** How a run ended, as its last line tells. */
export interface GeminiResult {
  readonly ok: boolean;
  readonly error: string | undefined;
  /** Sums by model. */
  readonly models: unknown;
}

export interface GeminiStreamOptions {
  readonly desk: AgentDesk;
  readonly calls: GeminiCalls;
  readonly onSession: (line: Fields) => void;
}

export class GeminiStream {
  readonly #options: GeminiStreamOptions;
  #result: GeminiResult | undefined;
  #words = '';
  #unsaid = '';
  #trouble: string | undefined;
  #unreadableCount = 0;

  constructor(options: GeminiStreamOptions) {
    this.#options = options;
  }

  get result(): GeminiResult | undefined {
    return this.#result;
  }

  /** What it said since its last call. */
  get words(): string | undefined {
    return this.#words.trim() === '' ? undefined : this.#words;
  }

  /** What went wrong, and nothing came after it: it goes in circles, is blocked … */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Lines that are no JSON object. */
  get unreadableCount(): number {
    return this.#unreadableCount;
  }

  begin(): void {
    this.#result = undefined;
    this.#words = '';
    this.#trouble = undefined;
    this.#unreadableCount = 0;
  }

  take(text: string): void {
    const line = parseFields(text);
    if (line === undefined) {
      this.#unreadableCount += 1;
      return;
    }
    switch (line['type']) {
      case 'init':
        return this.#options.onSession(line);
      case 'message':
        return this.#message(line);
      case 'tool_use':
        return this.#toolUse(line);
      case 'tool_result':
        this.#options.calls.result(wordOf(line['tool_id']) ?? '?', endOfLine(line));
        return;
      case 'error':
        this.#trouble = textOf(line['message']) ?? 'an error without words';
        return;
      case 'result':
        return this.#ended(line);
    }
  }

  #message(line: Fields): void {
    if (line['role'] !== 'assistant') return;
    const text = textOf(line['content']) ?? '';
    this.#words += text;
    this.#unsaid += text;
    this.#trouble = undefined;
  }

  #toolUse(line: Fields): void {
    this.#say();
    this.#words = '';
    this.#trouble = undefined;
    const id = wordOf(line['tool_id']);
    const tool = textOf(line['tool_name']) ?? '?';
    if (id !== undefined) this.#options.calls.announce(id, tool, line['parameters'] ?? null);
  }

  #ended(line: Fields): void {
    this.#say();
    const error = textOf(fieldsOf(line['error'])['message']);
    this.#result = { ok: line['status'] === 'success', error, models: fieldsOf(line['stats'])['models'] };
  }

  /** Its words come in pieces. */
  #say(): void {
    this.#options.desk.say(this.#unsaid);
    this.#unsaid = '';
  }
}

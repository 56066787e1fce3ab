/**
 * Owns what `codex exec --json` tells on its standard output: how the run ended, its last message, and what it waits for.
 * Its tool calls have no ids there: they are told from it only where there is neither a hook nor a session file.
 */
import type { AgentCall, AgentCallEnd, AgentDesk } from '../../pod/host/agent-desk.ts';
import { type Fields, fieldsOf, numberOf, parseFields, textOf, wordOf } from '../read-fields.ts';
import { parseTokens, type Tokens } from './rollout/rollout-line.ts';
import { exitError } from './rollout/tool-item.ts';
import { SHELL } from './rollout/tool-names.ts';

export interface ExecResult {
  readonly ok: boolean;
  /** Where it is not ok. */
  readonly error: string;
}

export interface StreamCall {
  readonly call: AgentCall;
  readonly end: AgentCallEnd;
}

/** Kept until it is known whether they are told elsewhere (G6). */
const MAX_KEPT_CALLS = 10_000;
const LIMITED = /\b429\b|rate.?limit|usage limit|quota/i;

const isOk = (item: Fields): boolean => item['status'] === 'completed' || item['status'] === undefined;

const partOf = (item: Fields): { tool: string; input: unknown; end: AgentCallEnd } | undefined => {
  switch (item['type']) {
    case 'command_execution': {
      const exitCode = numberOf(item['exit_code']);
      const response = textOf(item['aggregated_output']) ?? '';
      const code = exitCode === undefined ? {} : { exitCode };
      const end: AgentCallEnd =
        exitCode === 0
          ? { ok: true, response, ...code }
          : { ok: false, error: exitError(exitCode, response), response, ...code };
      return { tool: SHELL, input: { command: item['command'] ?? null }, end };
    }
    case 'file_change': {
      const end: AgentCallEnd = isOk(item)
        ? { ok: true, response: item['changes'] ?? null }
        : { ok: false, error: 'the patch was not applied' };
      return { tool: 'apply_patch', input: { changes: item['changes'] ?? null }, end };
    }
    case 'mcp_tool_call': {
      const tool = `mcp__${textOf(item['server']) ?? '?'}__${textOf(item['tool']) ?? '?'}`;
      const error = textOf(fieldsOf(item['error'])['message']) ?? 'it failed';
      const response = item['result'] ?? null;
      return {
        tool,
        input: item['arguments'] ?? null,
        end: isOk(item) ? { ok: true, response } : { ok: false, error, response },
      };
    }
    case 'web_search':
      return { tool: 'web_search', input: { query: item['query'] ?? null }, end: { ok: true, response: null } };
    default:
      return undefined;
  }
};

export class ExecStream {
  readonly #desk: AgentDesk;
  readonly #onThread: (thread: string) => void;
  readonly #calls: StreamCall[] = [];
  #thread = '';
  #message: string | null = null;
  #result: ExecResult | undefined;
  #tokens: Tokens | undefined;
  #unreadableCount = 0;

  constructor(desk: AgentDesk, onThread: (thread: string) => void) {
    this.#desk = desk;
    this.#onThread = onThread;
  }

  get message(): string | null {
    return this.#message;
  }

  get result(): ExecResult | undefined {
    return this.#result;
  }

  /** What the thread used since it was begun, in whichever run. */
  get tokens(): Tokens | undefined {
    return this.#tokens;
  }

  /** Lines that are no JSON object. */
  get unreadableCount(): number {
    return this.#unreadableCount;
  }

  /** The calls since the last time. */
  takeCalls(): readonly StreamCall[] {
    return this.#calls.splice(0);
  }

  /** Of a run that is over. */
  takeResult(): ExecResult | undefined {
    const result = this.#result;
    this.#result = undefined;
    return result;
  }

  take(text: string): void {
    const line = parseFields(text);
    if (line === undefined) {
      this.#unreadableCount += 1;
      return;
    }
    switch (line['type']) {
      case 'thread.started':
        this.#thread = wordOf(line['thread_id']) ?? '';
        if (this.#thread !== '') this.#onThread(this.#thread);
        return;
      case 'error': // "Reconnecting... 1/5 (…)", and at last the one that the turn fails by
        return this.#waits(textOf(line['message']) ?? 'an error');
      case 'turn.completed':
        this.#tokens = parseTokens(fieldsOf(line['usage']));
        this.#result = { ok: true, error: '' };
        return;
      case 'turn.failed':
        this.#result = { ok: false, error: textOf(fieldsOf(line['error'])['message']) ?? 'the turn failed' };
        return;
      case 'item.started':
      case 'item.completed':
        return this.#item(fieldsOf(line['item']), line['type'] === 'item.completed');
    }
  }

  #say(text: string): void {
    this.#message = text;
    this.#desk.say(text);
  }

  #waits(message: string): void {
    this.#desk.wait(LIMITED.test(message) ? 'rate_limit' : 'api_error', message);
  }

  #item(item: Fields, isOver: boolean): void {
    if (item['type'] === 'error') return; // a warning, such as of a setting that it does not know
    for (const reason of ['rate_limit', 'api_error'] as const) this.#desk.goOn(reason);
    if (!isOver) return;
    if (item['type'] === 'agent_message') this.#say(textOf(item['text']) ?? '');
    const part = partOf(item);
    if (part === undefined || this.#calls.length >= MAX_KEPT_CALLS) return;
    const { tool, input, end } = part;
    const id = `${this.#thread}:${textOf(item['id']) ?? '?'}`;
    this.#calls.push({ call: { id, tool, input, source: 'stream' }, end });
  }
}

/**
 * Owns what Gemini CLI's chat files tell (seen with 0.61.0; older ones are one JSON document with the same messages).
 *
 * M1. A message is written again, whole, when something is added to it, such as what its calls came to: each call and each
 *     usage is told once. What is set anew at a resume (`$set`) was told before, with its own times.
 */
import type { CallResult } from '../../../hooks/tool-call.ts';
import type { Usage } from '../../../model/usage.ts';
import { isFields, joinedText, fieldsIn, timeOf } from '../fields.ts';
import { countOf, type Fields, fieldsOf, wordOf } from '../../read-fields.ts';
import type { ThreadLine, ThreadReader } from '../threads.ts';
import type { Told } from '../told.ts';
import { Turns } from '../turns.ts';

interface SubState {
  lastText: string | undefined;
  isAtWork: boolean;
}

/** Statuses of a call that is over. */
const OVER: readonly string[] = ['success', 'error', 'cancelled'];
const EXIT_CODE = /(?:^|\n)Exit Code: (-?\d{1,10})\b/;

const usageOf = (tokens: Fields, model: string, turn: string | undefined): Usage => {
  const cached = countOf(tokens['cached']);
  const thoughts = countOf(tokens['thoughts']);
  return {
    scope: 'call',
    model,
    input_tokens: Math.max(0, countOf(tokens['input']) - cached) + countOf(tokens['tool']),
    cache_read_tokens: cached,
    cache_write_tokens: 0,
    output_tokens: countOf(tokens['output']) + thoughts,
    reasoning_tokens: thoughts,
    cost_usd: null,
    cost_from: 'nobody',
    ...(turn === undefined ? {} : { turn }),
  };
};

/** What the model was given as the result: `[{functionResponse: {response: {output}}}]`. */
const responseOf = (call: Fields): Fields => {
  const [first] = fieldsIn(call['result']);
  return fieldsOf(fieldsOf(first?.['functionResponse'])['response']);
};

const resultOf = (call: Fields): CallResult => {
  const response = responseOf(call);
  const output = wordOf(response['output']);
  const shown = call['resultDisplay'];
  const error = wordOf(response['error']) ?? wordOf(shown) ?? output ?? 'it failed';
  if (call['status'] === 'cancelled') return { ok: false, error, isInterrupt: true };
  if (call['status'] === 'error') return { ok: false, error };
  const exitCode = output === undefined ? undefined : EXIT_CODE.exec(output)?.[1];
  const told = output ?? shown ?? response;
  if (exitCode === undefined || exitCode === '0') return { ok: true, response: told };
  const text = typeof shown === 'string' ? shown : (output ?? '');
  return { ok: false, error: `Exit code ${exitCode}\n${text}`.trimEnd(), response: told, exitCode: Number(exitCode) };
};

export class GeminiReader implements ThreadReader {
  readonly #turns = new Turns();
  readonly #calls = new Set<string>();
  readonly #used = new Set<string>();
  readonly #subs = new Map<string, SubState>();
  readonly #isOpen: boolean;

  /** `isOpen`: more may come, so what is open is left open. */
  constructor(isOpen: boolean) {
    this.#isOpen = isOpen;
  }

  *line({ record, atMs, sub }: ThreadLine): Generator<Told> {
    if (sub !== undefined && !this.#subs.has(sub)) {
      this.#subs.set(sub, { lastText: undefined, isAtWork: false });
      yield { kind: 'sub start', key: sub, atMs, type: 'subagent', what: undefined, parent: undefined };
    }
    const { id, messages } = record;
    if (typeof id === 'string') yield* this.#message(record, { id, atMs, sub });
    for (const message of fieldsIn(messages)) {
      const own = wordOf(message['id']);
      const at = timeOf(message['timestamp']) ?? atMs;
      if (own !== undefined) yield* this.#message(message, { id: own, atMs: at, sub });
    }
  }

  *end(sub: string | undefined, atMs: number): Generator<Told> {
    if (this.#isOpen) return;
    const state = sub === undefined ? undefined : this.#subs.get(sub);
    if (sub === undefined || state === undefined) return;
    const outcome = state.isAtWork || state.lastText === undefined ? 'cancelled' : 'completed';
    yield { kind: 'sub end', key: sub, atMs, outcome, summary: state.lastText };
  }

  *close(): Generator<Told> {
    if (!this.#isOpen) yield* this.#turns.end();
  }

  *#message(
    message: Fields,
    { id, atMs, sub }: { readonly id: string; readonly atMs: number; readonly sub: string | undefined },
  ): Generator<Told> {
    const text = joinedText(message['content'])?.trim();
    switch (message['type']) {
      case 'user':
        if (sub === undefined && text !== undefined && text !== '' && !text.startsWith('<session_context>'))
          yield* this.#turns.begin(id, text, atMs);
        return;
      case 'gemini':
        yield* this.#answer(message, { id, atMs, sub, text });
        return;
      case 'error':
        if (sub === undefined) this.#turns.fail(text ?? 'an error');
        return;
      case 'info':
        if (sub === undefined && text === 'Request cancelled.') this.#turns.interrupt();
    }
  }

  *#answer(
    message: Fields,
    {
      id,
      atMs,
      sub,
      text,
    }: {
      readonly id: string;
      readonly atMs: number;
      readonly sub: string | undefined;
      readonly text: string | undefined;
    },
  ): Generator<Told> {
    const calls = fieldsIn(message['toolCalls']);
    this.#hear(text, { atMs, sub, isAtWork: calls.length > 0 });
    const { tokens } = message;
    if (isFields(tokens) && !this.#used.has(id)) {
      this.#used.add(id);
      const usage = usageOf(tokens, wordOf(message['model']) ?? '', this.#turns.id);
      yield { kind: 'usage', key: id, atMs, usage, sub };
    }
    for (const call of calls) yield* this.#call(call, { message: id, atMs, sub });
  }

  #hear(
    text: string | undefined,
    { atMs, sub, isAtWork }: { readonly atMs: number; readonly sub: string | undefined; readonly isAtWork: boolean },
  ): void {
    const said = text === '' ? undefined : text;
    const state = sub === undefined ? undefined : this.#subs.get(sub);
    if (state === undefined) {
      this.#turns.touch(atMs);
      this.#turns.answer(said);
      return;
    }
    state.lastText = said ?? state.lastText;
    state.isAtWork = isAtWork;
  }

  *#call(
    call: Fields,
    { message, atMs, sub }: { readonly message: string; readonly atMs: number; readonly sub: string | undefined },
  ): Generator<Told> {
    const id = wordOf(call['id']);
    if (id === undefined || !OVER.includes(String(call['status']))) return;
    const key = `${message}/${id}`;
    if (this.#calls.has(key)) return;
    this.#calls.add(key);
    const endedAtMs = timeOf(call['timestamp']) ?? atMs;
    if (sub === undefined) this.#turns.touch(endedAtMs);
    yield {
      kind: 'call',
      key,
      atMs: endedAtMs,
      id,
      tool: wordOf(call['name']) ?? 'unknown',
      input: call['args'] ?? null,
      result: resultOf(call),
      durationMs: endedAtMs >= atMs ? endedAtMs - atMs : null,
      turn: this.#turns.id,
      sub,
      cwd: undefined,
    };
  }
}

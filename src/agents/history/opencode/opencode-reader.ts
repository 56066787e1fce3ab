/**
 * Owns what opencode's messages and their parts tell, wherever they were kept (seen with 1.18.33).
 *
 * E1. Parts come in order of their end; the message of each is known when it comes.
 */
import type { CallResult } from '../../../hooks/tool-call.ts';
import type { Usage } from '../../../model/usage.ts';
import { timeOf } from '../fields.ts';
import { countOf, type Fields, fieldsOf, numberOf, wordOf } from '../../read-fields.ts';
import type { Told } from '../told.ts';
import { Turns } from '../turns.ts';

/** One part, with the message that it belongs to. */
export interface OpencodePart {
  readonly id: string;
  readonly messageId: string;
  readonly sessionId: string;
  readonly atMs: number;
  readonly part: Fields;
  readonly message: Fields;
}

/** A session that another one started: a subagent. */
export interface OpencodeSub {
  readonly id: string;
  readonly parent: string;
  readonly title: string | undefined;
  readonly agent: string | undefined;
  readonly startedAtMs: number;
}

const NO_RESULT = 'the session has no result of this call';
const INTERRUPTED = 'Tool execution aborted';

const usageOf = (part: Fields, message: Fields, turn: string | undefined): Usage => {
  const tokens = fieldsOf(part['tokens']);
  const cache = fieldsOf(tokens['cache']);
  const cost = numberOf(part['cost']);
  const reasoning = countOf(tokens['reasoning']);
  return {
    scope: 'call',
    model: wordOf(message['modelID']) ?? '',
    input_tokens: countOf(tokens['input']),
    cache_read_tokens: countOf(cache['read']),
    cache_write_tokens: countOf(cache['write']),
    output_tokens: countOf(tokens['output']) + reasoning,
    reasoning_tokens: reasoning,
    cost_usd: cost === undefined ? null : Math.max(0, cost),
    cost_from: cost === undefined ? 'nobody' : 'agent',
    ...(turn === undefined ? {} : { turn }),
  };
};

/** What opencode calls in place of a tool that it does not have, or that was called with what is no JSON. */
const INVALID = 'invalid';

const refusedOf = (input: Fields, state: Fields): CallResult => ({
  ok: false,
  error: wordOf(input['error']) ?? wordOf(state['output']) ?? 'it could not be called',
});

const resultOf = (state: Fields): CallResult => {
  if (state['status'] === 'error') {
    const error = wordOf(state['error']) ?? 'it failed';
    return { ok: false, error, ...(error === INTERRUPTED ? { isInterrupt: true } : {}) };
  }
  if (state['status'] !== 'completed') return { ok: false, error: NO_RESULT, isInterrupt: true };
  const { title, output } = state;
  const metadata = fieldsOf(state['metadata']);
  const response = { title, output, metadata: state['metadata'] };
  const exitCode = numberOf(metadata['exit']);
  if (exitCode === undefined || exitCode === 0) return { ok: true, response, ...(exitCode === 0 ? { exitCode } : {}) };
  const said = wordOf(output) ?? '';
  return { ok: false, error: `Exit code ${exitCode}\n${said}`.trimEnd(), response, exitCode: Math.trunc(exitCode) };
};

export class OpencodeReader {
  readonly #turns = new Turns();
  readonly #subs: ReadonlyMap<string, OpencodeSub>;
  readonly #started = new Map<string, { lastMs: number; lastText: string | undefined; isAtWork: boolean }>();
  readonly #isOpen: boolean;

  constructor(subs: readonly OpencodeSub[], isOpen: boolean) {
    this.#subs = new Map(subs.map((sub) => [sub.id, sub]));
    this.#isOpen = isOpen;
  }

  *part(told: OpencodePart): Generator<Told> {
    const { atMs, part, message, messageId } = told;
    const sub = this.#subs.has(told.sessionId) ? told.sessionId : undefined;
    if (sub !== undefined) yield* this.#startSub(sub, atMs);
    const isUser = message['role'] === 'user';
    switch (part['type']) {
      case 'text':
        if (isUser && sub === undefined && part['synthetic'] !== true) yield* this.#prompt(told);
        else if (!isUser) this.#hear(sub, wordOf(part['text']), atMs);
        return;
      case 'tool':
        yield* this.#call(told, sub);
        return;
      case 'step-finish': {
        if (sub === undefined) this.#turns.touch(atMs);
        const usage = usageOf(part, message, this.#turns.id);
        yield { kind: 'usage', key: `${messageId}/${told.id}`, atMs, usage, sub };
      }
    }
  }

  *close(atMs: number): Generator<Told> {
    if (this.#isOpen) return;
    for (const [key, { lastMs, lastText, isAtWork }] of this.#started) {
      const outcome = isAtWork || lastText === undefined ? 'cancelled' : 'completed';
      yield { kind: 'sub end', key, atMs: Math.min(lastMs, atMs), outcome, summary: lastText };
    }
    yield* this.#turns.end();
  }

  /** The last message of the session: how it ended. */
  last({ error: told }: Fields): void {
    if (told === undefined) return;
    const error = fieldsOf(told);
    const name = wordOf(error['name']) ?? 'an error';
    if (name === 'MessageAbortedError') this.#turns.interrupt();
    else this.#turns.fail(wordOf(fieldsOf(error['data'])['message']) ?? name);
  }

  *#prompt({ part, messageId, atMs }: OpencodePart): Generator<Told> {
    const text = wordOf(part['text']);
    if (text === undefined || this.#turns.id === messageId) return; // more of the same prompt
    yield* this.#turns.begin(messageId, text.replace(/^"(.*)"$/s, '$1'), atMs); // `opencode run` puts quotes around it
  }

  #hear(sub: string | undefined, text: string | undefined, atMs: number): void {
    const state = sub === undefined ? undefined : this.#started.get(sub);
    if (state === undefined) {
      this.#turns.touch(atMs);
      this.#turns.answer(text);
    } else if (text !== undefined) {
      state.lastText = text;
      state.isAtWork = false;
    }
  }

  *#call({ id, messageId, part, message, atMs }: OpencodePart, sub: string | undefined): Generator<Told> {
    const state = fieldsOf(part['state']);
    const isOver = state['status'] === 'completed' || state['status'] === 'error';
    if (!isOver && this.#isOpen) return;
    const started = sub === undefined ? undefined : this.#started.get(sub);
    if (started !== undefined) started.isAtWork = true;
    if (sub === undefined) this.#turns.touch(atMs);
    const begunAtMs = timeOf(fieldsOf(state['time'])['start']);
    const input = fieldsOf(state['input']);
    const wanted = part['tool'] === INVALID ? wordOf(input['tool']) : undefined;
    yield {
      kind: 'call',
      key: `${messageId}/${id}`,
      atMs,
      id: wordOf(part['callID']) ?? id,
      tool: wanted ?? wordOf(part['tool']) ?? 'unknown',
      input: state['input'] ?? null,
      result: wanted === undefined ? resultOf(state) : refusedOf(input, state),
      durationMs: isOver && begunAtMs !== undefined ? Math.max(0, atMs - begunAtMs) : null,
      turn: this.#turns.id,
      sub,
      cwd: wordOf(fieldsOf(message['path'])['cwd']),
    };
  }

  *#startSub(id: string, atMs: number): Generator<Told> {
    const known = this.#started.get(id);
    if (known !== undefined) {
      known.lastMs = Math.max(known.lastMs, atMs);
      return;
    }
    const { agent, title, parent, startedAtMs } = this.#subs.get(id) ?? { parent: '', startedAtMs: atMs };
    this.#started.set(id, { lastMs: atMs, lastText: undefined, isAtWork: false });
    const isNested = this.#subs.has(parent);
    const above = isNested ? parent : undefined;
    yield {
      kind: 'sub start',
      key: id,
      atMs: Math.min(startedAtMs, atMs),
      type: agent ?? 'subagent',
      what: title,
      parent: above,
    };
  }
}

/**
 * Owns what the lines of Claude Code's session files tell (seen with 2.1.39 and 2.1.197; older forms as far as they are known).
 *
 * C1. One request to the model stands on several lines, one for each part of its answer, each with its usage: counted
 *     once, as the last of them says, since the first may have been written before the answer was whole.
 * C2. A call is its `tool_use` and the `tool_result` of the same id, in whatever line they stand.
 */
import type { CallResult } from '../../../hooks/tool-call.ts';
import type { Usage } from '../../../model/usage.ts';
import { isFields, joinedText, fieldsIn } from '../fields.ts';
import { countOf, type Fields, fieldsOf, numberOf, wordOf } from '../../read-fields.ts';
import type { ThreadLine, ThreadReader } from '../threads.ts';
import type { Told, ToldCall, ToldUsage } from '../told.ts';
import { Turns } from '../turns.ts';
import { Sidechains } from './sidechains.ts';

interface OpenCall {
  readonly key: string;
  readonly tool: string;
  readonly input: unknown;
  readonly atMs: number;
  readonly turn: string | undefined;
  readonly sub: string | undefined;
  readonly cwd: string | undefined;
}

interface SubState {
  readonly type: string;
  isOver: boolean;
  lastText: string | undefined;
}

/** What is told of a subagent beside its file. */
export interface SubFacts {
  readonly type: string | undefined;
  readonly what: string | undefined;
}

/** Of a call whose result is nowhere. */
export const NO_RESULT = 'the session file has no result of this call';

const INTERRUPTED = '[Request interrupted by user';
const EXIT_CODE = /^(?:Error: )?Exit code (\d{1,3})\b/;
/** What stands in a prompt of Claude's own making. */
const NO_PROMPT = /^<(?:local-command-(?:stdout|stderr|caveat)|bash-std(?:out|err))>/;
const COMMAND = /<command-name>(?<name>[^<]*)<\/command-name>(?:[^]*<command-args>(?<args>[^<]*)<\/command-args>)?/;
/** Written in place of a model's answer, such as for an error of the API. */
const SYNTHETIC = '<synthetic>';

/** `/review 12`: what was typed, where Claude Code has put tags around it. */
const promptIn = (text: string): string => {
  const { name, args } = (text.startsWith('<command-') ? COMMAND.exec(text)?.groups : undefined) ?? {};
  return name === undefined ? text : `${name} ${args ?? ''}`.trim();
};

const usageOf = (message: Fields, record: Fields, turn: string | undefined): Usage | undefined => {
  const usage = message['usage'];
  const model = wordOf(message['model']) ?? '';
  if (!isFields(usage) || model === SYNTHETIC) return undefined;
  const cost = numberOf(record['costUSD']); // versions of before July 2025
  return {
    scope: 'call',
    model,
    input_tokens: countOf(usage['input_tokens']),
    cache_read_tokens: countOf(usage['cache_read_input_tokens']),
    cache_write_tokens: countOf(usage['cache_creation_input_tokens']),
    output_tokens: countOf(usage['output_tokens']),
    cost_usd: cost ?? null,
    cost_from: cost === undefined ? 'nobody' : 'agent',
    ...(turn === undefined ? {} : { turn }),
  };
};

const failureOf = (text: string): CallResult => {
  const error = text.replace(/^<tool_use_error>(.*)<\/tool_use_error>$/s, '$1');
  const exitCode = EXIT_CODE.exec(error)?.[1];
  return {
    ok: false,
    error,
    ...(exitCode === undefined ? {} : { exitCode: Number(exitCode) }),
    ...(error.includes(INTERRUPTED) ? { isInterrupt: true } : {}),
  };
};

export class ClaudeReader implements ThreadReader {
  readonly #turns = new Turns();
  readonly #open = new Map<string, OpenCall>();
  readonly #subs = new Map<string, SubState>();
  readonly #sidechains = new Sidechains();
  readonly #factsOf: (sub: string) => SubFacts;
  /** The request whose usage is not told yet, by who made it. */
  readonly #requests = new Map<string | undefined, ToldUsage>();

  readonly #isOpen: boolean;

  /** `isOpen`: more may come, so what is open is left open. */
  constructor(factsOf: (sub: string) => SubFacts, isOpen: boolean) {
    this.#factsOf = factsOf;
    this.#isOpen = isOpen;
  }

  *line({ record, atMs, sub: fileSub }: ThreadLine): Generator<Told> {
    const { type } = record;
    if (type !== 'assistant' && type !== 'user') return;
    const sub = fileSub ?? this.#sidechains.of(record);
    if (sub !== undefined) yield* this.#startSub(sub, record, atMs);
    if (type === 'assistant') yield* this.#answer(record, atMs, sub);
    else yield* this.#said(record, atMs, sub);
  }

  *end(sub: string | undefined, atMs: number): Generator<Told> {
    if (this.#isOpen) return;
    yield* this.#settle(sub);
    if (sub !== undefined) yield* this.#endSub(sub, atMs);
  }

  *close(atMs: number): Generator<Told> {
    if (this.#isOpen) return;
    for (const [id, open] of this.#open) {
      yield this.#ended(id, open, atMs, { ok: false, error: NO_RESULT, isInterrupt: true });
    }
    for (const sub of this.#requests.keys()) yield* this.#settle(sub);
    for (const sub of this.#subs.keys()) yield* this.#endSub(sub, atMs);
    yield* this.#turns.end();
  }

  *#answer(record: Fields, atMs: number, sub: string | undefined): Generator<Told> {
    const message = fieldsOf(record['message']);
    const id = wordOf(message['id']) ?? wordOf(record['uuid']) ?? '';
    if (sub === undefined) this.#turns.touch(atMs);
    yield* this.#use(message, record, { id, atMs, sub });
    const text = joinedText(message['content'])?.trim();
    if (text !== undefined && text !== '') this.#hear(record, text, sub);
    for (const part of fieldsIn(message['content'])) {
      const callId = wordOf(part['id']);
      const tool = wordOf(part['name']);
      if (callId !== undefined && tool !== undefined && 'input' in part) {
        const cwd = wordOf(record['cwd']);
        const turn = this.#turns.id;
        this.#open.set(callId, { key: `${id}/${callId}`, tool, input: part['input'], atMs, turn, sub, cwd });
      }
      yield* this.#result(part, record, atMs); // of a tool that ran where the model did
    }
  }

  #hear(record: Fields, text: string, sub: string | undefined): void {
    if (sub !== undefined) {
      const state = this.#subs.get(sub);
      if (state !== undefined) state.lastText = text;
    } else if (record['isApiErrorMessage'] === true) this.#turns.fail(text);
    else this.#turns.answer(text);
  }

  *#use(
    message: Fields,
    record: Fields,
    { id, atMs, sub }: { readonly id: string; readonly atMs: number; readonly sub: string | undefined },
  ): Generator<Told> {
    const usage = usageOf(message, record, this.#turns.id);
    if (usage === undefined) return;
    if (this.#requests.get(sub)?.key !== id) yield* this.#settle(sub);
    this.#requests.set(sub, { kind: 'usage', key: id, atMs, usage, sub }); // C1
  }

  *#settle(sub: string | undefined): Generator<Told> {
    const request = this.#requests.get(sub);
    this.#requests.delete(sub);
    if (request !== undefined) yield request;
  }

  *#said(record: Fields, atMs: number, sub: string | undefined): Generator<Told> {
    const { content } = fieldsOf(record['message']);
    const parts = fieldsIn(content);
    const results = parts.filter((part) => wordOf(part['tool_use_id']) !== undefined);
    for (const part of results) yield* this.#result(part, results.length === 1 ? record : {}, atMs);
    if (sub !== undefined || results.length > 0) return;
    const text = joinedText(content);
    if (text === undefined) return;
    if (text.startsWith(INTERRUPTED)) {
      this.#turns.interrupt();
      return;
    }
    const isOwn = record['isMeta'] === true || record['isCompactSummary'] === true;
    if (isOwn || record['isVisibleInTranscriptOnly'] === true || NO_PROMPT.test(text)) return;
    const id = wordOf(record['promptId']) ?? wordOf(record['uuid']) ?? `${atMs}`;
    if (id === this.#turns.id) return; // more of the same prompt
    yield* this.#settle(undefined);
    yield* this.#turns.begin(id, promptIn(text), atMs);
  }

  *#result(part: Fields, record: Fields, atMs: number): Generator<Told> {
    const id = wordOf(part['tool_use_id']);
    const open = id === undefined ? undefined : this.#open.get(id);
    if (id === undefined || open === undefined) return; // its beginning is in another file
    this.#open.delete(id);
    if (open.sub === undefined) this.#turns.touch(atMs);
    const { content } = part;
    const told = record['toolUseResult'];
    if (part['is_error'] === true) {
      const text = joinedText(content) ?? wordOf(told) ?? 'it failed';
      if (text.includes(INTERRUPTED)) this.#turns.interrupt();
      yield this.#ended(id, open, atMs, failureOf(text));
    } else yield this.#ended(id, open, atMs, { ok: true, response: isFields(told) ? told : (content ?? null) });
  }

  #ended(id: string, open: OpenCall, atMs: number, result: CallResult): ToldCall {
    const { key, tool, input, turn, sub, cwd, atMs: begunAtMs } = open;
    const isKnown = result.ok || result.error !== NO_RESULT;
    const durationMs = isKnown ? Math.max(0, atMs - begunAtMs) : null;
    return { kind: 'call', key, atMs, id, tool, input, result, durationMs, turn, sub, cwd };
  }

  *#startSub(sub: string, record: Fields, atMs: number): Generator<Told> {
    if (this.#subs.has(sub)) return;
    const prompt = joinedText(fieldsOf(record['message'])['content']);
    const call = this.#callFor(prompt);
    const facts = this.#factsOf(sub);
    const type = facts.type ?? wordOf(record['attributionAgent']) ?? wordOf(call['subagent_type']) ?? 'subagent';
    this.#subs.set(sub, { type, isOver: false, lastText: undefined });
    const what = facts.what ?? wordOf(call['description']) ?? prompt;
    yield { kind: 'sub start', key: sub, atMs, type, what, parent: undefined };
  }

  /** The input of the call that gave a subagent its prompt. */
  #callFor(prompt: string | undefined): Fields {
    for (const { input } of this.#open.values()) {
      if (isFields(input) && prompt !== undefined && input['prompt'] === prompt) return input;
    }
    return {};
  }

  *#endSub(sub: string, atMs: number): Generator<Told> {
    const state = this.#subs.get(sub);
    if (state === undefined || state.isOver) return;
    state.isOver = true;
    const isAtWork = [...this.#open.values()].some((open) => open.sub === sub);
    const outcome = isAtWork || state.lastText === undefined ? 'cancelled' : 'completed';
    yield { kind: 'sub end', key: sub, atMs, outcome, summary: state.lastText };
  }
}

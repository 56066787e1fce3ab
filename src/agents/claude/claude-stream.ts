/**
 * Owns what Claude Code tells on its standard output (`--output-format stream-json`): the second source, which knows the
 * calls that fire no hook, what each request used, and how it ended.
 */
import type { Usage } from '../../model/usage.ts';
import type { AgentDesk } from '../../pod/host/agent-desk.ts';
import { failureOf, toolErrorIn } from '../hook-form/call-failure.ts';
import { countOf, type Fields, fieldsOf, listOf, numberOf, parseFields, textOf, wordOf } from '../read-fields.ts';

interface ToldCall {
  readonly tool: string;
  readonly input: unknown;
  /** The call of the subagent's start that it is made under. */
  readonly parent: string | undefined;
}

/** How a run ended, as its last line tells. */
export interface ClaudeResult {
  readonly ok: boolean;
  readonly message: string | null;
  readonly error: string;
}

type Tokens = Pick<Usage, 'input_tokens' | 'cache_read_tokens' | 'cache_write_tokens' | 'output_tokens'>;

const NO_TOKENS: Tokens = { input_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0, output_tokens: 0 };
/** Calls whose end is still to come (G6). */
const MAX_TOLD_CALLS = 10_000;
const MAX_MESSAGES = 10_000;

const minus = (a: number, b: number): number => Math.max(0, a - b);
/** Sums of binary fractions have a tail that nobody was charged. */
const toNanoDollars = (usd: number): number => Math.round(usd * 1e9) / 1e9;

/** Its totals say `claude-opus-4-8[1m]` of a model with a longer context, which its messages call `claude-opus-4-8`. */
const totalsByModel = (told: unknown): ReadonlyMap<string, readonly Fields[]> => {
  const byModel = new Map<string, readonly Fields[]>();
  for (const [name, counts] of Object.entries(fieldsOf(told))) {
    const model = name.replace(/\[[^\]]*\]$/, '');
    byModel.set(model, [...(byModel.get(model) ?? []), fieldsOf(counts)]);
  }
  return byModel;
};

const textIn = (content: unknown): string => {
  if (typeof content === 'string') return content;
  return listOf(content)
    .map((part) => textOf(fieldsOf(part)['text']) ?? '')
    .join('\n');
};

export class ClaudeStream {
  readonly #desk: AgentDesk;
  readonly #onSession: (line: Fields) => void;
  readonly #calls = new Map<string, ToldCall>();
  /** Subagents by the call that started them. */
  readonly #subs = new Map<string, string>();
  readonly #messages = new Set<string>();
  /** Told so far, by model. */
  readonly #told = new Map<string, { tokens: Tokens; costUsd: number }>();
  #result: ClaudeResult | undefined;
  #unhookedCount = 0;
  #unreadableCount = 0;

  constructor(desk: AgentDesk, onSession: (line: Fields) => void) {
    this.#desk = desk;
    this.#onSession = onSession;
  }

  get result(): ClaudeResult | undefined {
    return this.#result;
  }

  /** Calls that were run and that no hook told of. */
  get unhookedCount(): number {
    return this.#unhookedCount;
  }

  /** Lines that are no JSON object. */
  get unreadableCount(): number {
    return this.#unreadableCount;
  }

  /** A new process of the same session counts from zero. */
  begin(): void {
    this.#told.clear();
    this.#result = undefined;
  }

  take(text: string): void {
    const line = parseFields(text);
    if (line === undefined) {
      this.#unreadableCount += 1;
      return;
    }
    switch (line['type']) {
      case 'system':
        return this.#system(line);
      case 'assistant':
        return this.#assistant(line);
      case 'user':
        return this.#user(line);
      case 'result':
        return this.#ended(line);
    }
  }

  #system(line: Fields): void {
    switch (line['subtype']) {
      case 'init':
        return this.#onSession(line);
      case 'task_started': {
        const call = wordOf(line['tool_use_id']);
        const id = wordOf(line['task_id']);
        if (call === undefined || id === undefined || line['task_type'] !== 'local_agent') return;
        this.#subs.set(call, id);
        const what = textOf(line['description']);
        return this.#desk.startSub({ id, type: wordOf(line['subagent_type']), what });
      }
      case 'api_retry': {
        const status = numberOf(line['error_status']);
        const reason = status === 429 || status === 529 ? 'rate_limit' : 'api_error';
        const error = textOf(line['error']) ?? `status ${status ?? '?'}`;
        return this.#desk.wait(reason, `${error}: tried again, attempt ${countOf(line['attempt'])}`);
      }
      case 'status':
        if (line['status'] === 'compacting') return this.#desk.wait('compacting', 'its context is made shorter');
        return this.#desk.goOn('compacting');
      case 'compact_boundary':
        return this.#desk.goOn('compacting');
    }
  }

  #assistant(line: Fields): void {
    const message = fieldsOf(line['message']);
    for (const reason of ['rate_limit', 'api_error'] as const) this.#desk.goOn(reason);
    const parent = wordOf(line['parent_tool_use_id']);
    for (const part of listOf(message['content']).map(fieldsOf)) {
      const id = wordOf(part['id']);
      if (part['type'] === 'text' && parent === undefined) this.#desk.say(textOf(part['text']) ?? '');
      if (part['type'] !== 'tool_use' || id === undefined || this.#calls.size >= MAX_TOLD_CALLS) continue;
      const tool = textOf(part['name']) ?? '?';
      this.#calls.set(id, { tool: tool === 'Task' ? 'Agent' : tool, input: part['input'] ?? null, parent });
    }
    this.#use(message, parent);
  }

  /** Each block of a message is a line of its own, with the same usage: it is counted once. */
  #use(message: Fields, parent: string | undefined): void {
    const id = wordOf(message['id']);
    const usage = fieldsOf(message['usage']);
    const model = textOf(message['model']) ?? '';
    if (id === undefined || this.#messages.has(id) || model === '<synthetic>') return;
    if (this.#messages.size >= MAX_MESSAGES) this.#messages.clear();
    this.#messages.add(id);
    const tokens: Tokens = {
      input_tokens: countOf(usage['input_tokens']),
      cache_read_tokens: countOf(usage['cache_read_input_tokens']),
      cache_write_tokens: countOf(usage['cache_creation_input_tokens']),
      output_tokens: countOf(usage['output_tokens']),
    };
    this.#tell(model, tokens, 0);
    const sub = parent === undefined ? undefined : this.#subs.get(parent);
    this.#desk.use({ scope: 'call', model, ...tokens, cost_usd: null, cost_from: 'nobody' }, sub);
  }

  #user(line: Fields): void {
    const message = fieldsOf(line['message']);
    for (const part of listOf(message['content']).map(fieldsOf)) {
      const id = wordOf(part['tool_use_id']);
      if (part['type'] !== 'tool_result' || id === undefined) continue;
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      if (!this.#desk.isDone(id)) this.#endCall(id, call, part);
    }
  }

  #endCall(id: string, call: ToldCall | undefined, result: Fields): void {
    const text = textIn(result['content']);
    const isError = result['is_error'] === true;
    const refused = toolErrorIn(text);
    if (!isError && refused === undefined) this.#unhookedCount += 1;
    const end =
      isError || refused !== undefined
        ? failureOf(refused ?? text)
        : ({ ok: true, response: result['content'] } as const);
    const parent = call?.parent;
    const sub = parent === undefined ? undefined : this.#subs.get(parent);
    const told = call === undefined ? undefined : { id, ...call, source: 'stream' as const, sub };
    this.#desk.end(id, end, told).then(
      () => undefined,
      () => undefined, // it does not reject
    );
  }

  /** What was used but not told by a request, and what it cost: both by model, and the subagents' too. */
  #ended(line: Fields): void {
    const text = textOf(line['result']);
    const subtype = textOf(line['subtype']) ?? '';
    const ok = line['is_error'] !== true && subtype === 'success';
    const errors = listOf(line['errors']).flatMap((error) => textOf(error) ?? []);
    this.#result = { ok, message: text ?? null, error: text ?? ([subtype, ...errors].join(': ') || 'it failed') };
    for (const [model, totals] of totalsByModel(line['modelUsage'])) this.#settle(model, totals);
  }

  #settle(model: string, totals: readonly Fields[]): void {
    const { tokens, costUsd } = this.#told.get(model) ?? { tokens: NO_TOKENS, costUsd: 0 };
    const sum = (field: string): number => totals.reduce((total, counts) => total + countOf(counts[field]), 0);
    const costs = totals.flatMap((counts) => numberOf(counts['costUSD']) ?? []);
    const rest: Tokens = {
      input_tokens: minus(sum('inputTokens'), tokens.input_tokens),
      cache_read_tokens: minus(sum('cacheReadInputTokens'), tokens.cache_read_tokens),
      cache_write_tokens: minus(sum('cacheCreationInputTokens'), tokens.cache_write_tokens),
      output_tokens: minus(sum('outputTokens'), tokens.output_tokens),
    };
    const total = costs.reduce((a, b) => a + b, 0);
    const cost = costs.length === 0 ? null : toNanoDollars(minus(total, costUsd));
    if (cost === null && Object.values(rest).every((count) => count === 0)) return;
    this.#tell(model, rest, cost ?? 0);
    this.#desk.use({ scope: 'run', model, ...rest, cost_usd: cost, cost_from: cost === null ? 'nobody' : 'agent' });
  }

  #tell(model: string, add: Tokens, costUsd: number): void {
    const { tokens, costUsd: before } = this.#told.get(model) ?? { tokens: NO_TOKENS, costUsd: 0 };
    const sum: Tokens = {
      input_tokens: tokens.input_tokens + add.input_tokens,
      cache_read_tokens: tokens.cache_read_tokens + add.cache_read_tokens,
      cache_write_tokens: tokens.cache_write_tokens + add.cache_write_tokens,
      output_tokens: tokens.output_tokens + add.output_tokens,
    };
    this.#told.set(model, { tokens: sum, costUsd: before + costUsd });
  }
}

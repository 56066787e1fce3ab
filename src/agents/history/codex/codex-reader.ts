/**
 * Owns what the lines of Codex's rollout files tell (seen with 0.169.0; older forms as far as they are known).
 *
 * O1. A call is what the model asked for (`function_call` …) and its output; what the program behind it came to, exit code
 *     and duration, stands on a line of its own between them. A program that ran within a call (code mode) has that line alone.
 * O2. Usage is that of each response. Versions that do not write it tell the last one beside the total, more than once:
 *     counted when the total has changed.
 */
import type { CallResult } from '../../../hooks/tool-call.ts';
import type { Usage } from '../../../model/usage.ts';
import { isFields, joinedText } from '../fields.ts';
import { countOf, type Fields, fieldsOf, numberOf, wordOf } from '../../read-fields.ts';
import { isRunning } from '../../codex/rollout/call-output.ts';
import type { ThreadLine, ThreadReader } from '../threads.ts';
import type { Told, ToldCall } from '../told.ts';
import { Turns } from '../turns.ts';
import { type ItemCall, itemCallOf, outcomeOf, wantedCallOf } from './codex-calls.ts';

interface OpenCall {
  readonly key: string;
  readonly tool: string;
  readonly input: unknown;
  readonly atMs: number;
  readonly turn: string | undefined;
  readonly cwd: string | undefined;
  item: ItemCall | undefined;
  /** The model was told that it goes on in the background. */
  isRunning: boolean;
}

/** How it stands in one file. */
class ThreadState {
  readonly turns = new Turns();
  readonly open = new Map<string, OpenCall>();
  model = '';
  cwd: string | undefined;
  turn: string | undefined;
  lastText: string | undefined;
  /** It has lines that tell prompts and answers as such (O2: and usage). */
  hasEvents = false;
  hasUsageRecords = false;
  total = '';
  usageCount = 0;
  isStarted = false;
}

const OUTPUTS: readonly string[] = ['function_call_output', 'custom_tool_call_output', 'tool_search_output'];
const NO_RESULT = 'the session file has no output of this call';
const NO_PROMPT = /^\s*(?:<|# AGENTS\.md)/;

const usageOf = (told: Fields, { model, turn }: ThreadState): Usage => {
  const cached = countOf(told['cached_input_tokens']);
  const written = countOf(told['cache_write_input_tokens']);
  return {
    scope: 'call',
    model,
    input_tokens: Math.max(0, countOf(told['input_tokens']) - cached - written),
    cache_read_tokens: cached,
    cache_write_tokens: written,
    output_tokens: countOf(told['output_tokens']),
    reasoning_tokens: countOf(told['reasoning_output_tokens']),
    cost_usd: null,
    cost_from: 'nobody',
    ...(turn === undefined ? {} : { turn }),
  };
};

const roleOf = (source: unknown): string | undefined => {
  const spawn = fieldsOf(fieldsOf(fieldsOf(source)['subagent'])['thread_spawn']);
  return wordOf(spawn['agent_role']) ?? wordOf(spawn['agent_nickname']);
};

export class CodexReader implements ThreadReader {
  readonly #states = new Map<string | undefined, ThreadState>();
  readonly #isOpen: boolean;

  /** `isOpen`: more may come, so what is open is left open. */
  constructor(isOpen: boolean) {
    this.#isOpen = isOpen;
  }

  *line({ record, atMs, sub }: ThreadLine): Generator<Told> {
    const state = this.#stateOf(sub);
    const payload = fieldsOf(record['payload']);
    switch (record['type']) {
      case 'session_meta':
        state.cwd = wordOf(payload['cwd']) ?? state.cwd;
        if (sub !== undefined) yield* this.#startSub(sub, payload, atMs);
        return;
      case 'turn_context':
        state.model = wordOf(payload['model']) ?? state.model;
        state.cwd = wordOf(payload['cwd']) ?? state.cwd;
        state.turn = wordOf(payload['turn_id']) ?? state.turn;
        return;
      case 'event_msg':
        yield* this.#event(state, payload, { atMs, sub });
        return;
      case 'response_item':
        yield* this.#item(state, payload, { atMs, sub });
        return;
      case 'token_usage_record': {
        state.hasUsageRecords = true;
        const key = wordOf(payload['response_id']) ?? `${atMs}`;
        const usage = usageOf(fieldsOf(payload['usage']), state);
        yield { kind: 'usage', key: `${state.turn ?? ''}/${key}`, atMs, usage, sub };
      }
    }
  }

  *end(sub: string | undefined, atMs: number): Generator<Told> {
    if (this.#isOpen) return;
    const state = this.#stateOf(sub);
    const isAtWork = state.open.size > 0;
    for (const [id, open] of state.open) {
      yield this.#ended(id, open, { atMs, sub, result: { ok: false, error: NO_RESULT, isInterrupt: true } });
    }
    yield* state.turns.end();
    if (sub === undefined || !state.isStarted) return;
    const outcome = isAtWork || state.lastText === undefined ? 'cancelled' : 'completed';
    yield { kind: 'sub end', key: sub, atMs, outcome, summary: state.lastText };
  }

  *close(): Generator<Told> {
    // each file was ended by itself
  }

  #stateOf(sub: string | undefined): ThreadState {
    let state = this.#states.get(sub);
    if (state === undefined) {
      state = new ThreadState();
      this.#states.set(sub, state);
    }
    return state;
  }

  *#startSub(sub: string, meta: Fields, atMs: number): Generator<Told> {
    const state = this.#stateOf(sub);
    if (state.isStarted) return;
    state.isStarted = true;
    const parent = wordOf(meta['parent_thread_id']);
    yield {
      kind: 'sub start',
      key: sub,
      atMs,
      type: roleOf(meta['source']) ?? wordOf(meta['agent_nickname']) ?? 'subagent',
      what: undefined,
      parent: parent !== undefined && this.#states.has(parent) ? parent : undefined,
    };
  }

  *#event(
    state: ThreadState,
    event: Fields,
    { atMs, sub }: { readonly atMs: number; readonly sub: string | undefined },
  ): Generator<Told> {
    state.hasEvents = true;
    switch (event['type']) {
      case 'task_started':
      case 'turn_started':
        state.turn = wordOf(event['turn_id']) ?? state.turn;
        return;
      case 'user_message':
        yield* this.#prompt(state, wordOf(event['message']), { atMs, sub });
        return;
      case 'agent_message':
        this.#answer(state, wordOf(event['message']), atMs);
        return;
      case 'task_complete':
      case 'turn_complete':
        this.#answer(state, wordOf(event['last_agent_message']), atMs);
        state.turns.lasted(numberOf(event['duration_ms']));
        yield* this.#endTurn(state, sub);
        return;
      case 'turn_aborted':
        state.turns.interrupt();
        yield* this.#endTurn(state, sub);
        return;
      case 'error':
        state.turns.fail(wordOf(event['message']) ?? 'an error');
        return;
      case 'token_count':
        yield* this.#count(state, fieldsOf(event['info']), { atMs, sub });
        return;
      default:
        yield* this.#progress(state, event, { atMs, sub });
    }
  }

  /** What an item came to that has a line of its own. */
  *#progress(
    state: ThreadState,
    event: Fields,
    { atMs, sub }: { readonly atMs: number; readonly sub: string | undefined },
  ): Generator<Told> {
    const item = fieldsOf(event['item']);
    if (item['type'] === 'UserMessage') yield* this.#prompt(state, joinedText(item['content']), { atMs, sub });
    else if (item['type'] === 'AgentMessage') this.#answer(state, joinedText(item['content']), atMs);
    const call = itemCallOf(event);
    if (call === undefined) return;
    const open = state.open.get(call.id);
    if (open?.isRunning === true) {
      state.open.delete(call.id);
      yield this.#ended(call.id, open, { atMs, sub, result: outcomeOf(undefined, call) });
    } else if (open !== undefined) open.item = call;
    else if (call.isNested) {
      const key = `${state.turn ?? ''}/${call.id}`;
      const { tool, input, durationMs = null } = call;
      const { turn, cwd } = state;
      const result = outcomeOf(undefined, call);
      yield { kind: 'call', key, atMs, id: call.id, tool, input, result, durationMs, turn, sub, cwd };
    }
  }

  *#item(
    state: ThreadState,
    item: Fields,
    { atMs, sub }: { readonly atMs: number; readonly sub: string | undefined },
  ): Generator<Told> {
    const { type } = item;
    if (type === 'message') {
      if (state.hasEvents) return; // they tell it, without what Codex put there itself
      const text = joinedText(item['content']);
      if (item['role'] === 'assistant') this.#answer(state, text, atMs);
      else if (item['role'] === 'user' && text !== undefined && !NO_PROMPT.test(text))
        yield* this.#prompt(state, text, { atMs, sub });
      return;
    }
    const id = wordOf(item['call_id']) ?? wordOf(item['id']);
    if (id === undefined) return;
    const wanted = wantedCallOf(item);
    if (wanted !== undefined) {
      const { turn, cwd } = state;
      state.turns.touch(atMs);
      state.open.set(id, { key: `${turn ?? ''}/${id}`, ...wanted, atMs, turn, cwd, item: undefined, isRunning: false });
      if (wanted.isOver !== true) return;
    }
    const open = state.open.get(id);
    if (open === undefined || (wanted === undefined && !OUTPUTS.includes(String(type)))) return;
    state.turns.touch(atMs);
    open.isRunning = isRunning(joinedText(item['output']) ?? '');
    if (open.isRunning) return;
    state.open.delete(id);
    yield this.#ended(id, open, { atMs, sub, result: outcomeOf(item['output'] ?? item['status'], open.item) });
  }

  #ended(
    id: string,
    open: OpenCall,
    end: { readonly atMs: number; readonly sub: string | undefined; readonly result: CallResult },
  ): ToldCall {
    const { key, tool, input, turn, cwd, item, atMs: begunAtMs } = open;
    const { atMs, sub, result } = end;
    const isKnown = result.ok || result.error !== NO_RESULT;
    const durationMs = isKnown ? (item?.durationMs ?? Math.max(0, atMs - begunAtMs)) : null;
    return { kind: 'call', key, atMs, id, tool, input, result, durationMs, turn, sub, cwd };
  }

  *#prompt(
    state: ThreadState,
    text: string | undefined,
    { atMs, sub }: { readonly atMs: number; readonly sub: string | undefined },
  ): Generator<Told> {
    if (sub !== undefined) return; // what another agent wants of it stands in the call that started it
    const id = state.turn ?? `${atMs}`;
    if (state.turns.id === id) return; // more of the same turn
    yield* state.turns.begin(id, text, atMs);
  }

  #answer(state: ThreadState, text: string | undefined, atMs: number): void {
    if (text === undefined) return;
    state.lastText = text;
    state.turns.touch(atMs);
    state.turns.answer(text);
  }

  *#endTurn(state: ThreadState, sub: string | undefined): Generator<Told> {
    if (sub === undefined) yield* state.turns.end();
    state.turn = undefined;
  }

  *#count(
    state: ThreadState,
    info: Fields,
    { atMs, sub }: { readonly atMs: number; readonly sub: string | undefined },
  ): Generator<Told> {
    const { last_token_usage: last, total_token_usage: total } = info;
    const text = JSON.stringify(total);
    if (state.hasUsageRecords || !isFields(last) || text === state.total) return; // O2
    state.total = text;
    state.usageCount += 1;
    yield { kind: 'usage', key: `${sub ?? ''}#${state.usageCount}`, atMs, usage: usageOf(last, state), sub };
  }
}

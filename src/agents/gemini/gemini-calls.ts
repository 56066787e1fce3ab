/**
 * Owns the tool calls of Gemini CLI. Its hooks name none: a call is known by its tool, its input and the order. Its stream
 * and its transcript have the ids, and the calls that fire no hook.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AgentCall, AgentCallEnd, AgentDesk } from '../../pod/host/agent-desk.ts';
import { type Fields, fieldsOf, listOf, textOf, wordOf } from '../read-fields.ts';
import { toldByPerson } from '../told-by-person.ts';
import { endOfResponse, INVOKE, subEndOf } from './gemini-ends.ts';

/** A call as the stream announces it. */
interface Announced {
  readonly id: string;
  readonly tool: string;
  readonly input: unknown;
  /** As the hooks told of it. */
  hooked?: Hooked;
  /** It ended, and no hook had told of it. */
  unhookedAtMs?: number;
}

/** A call that hooks told of. */
interface Hooked {
  readonly call: AgentCall;
  /** What it is made with, where a hook changed that. */
  changed?: unknown;
  /** Its id in stream or transcript is known. */
  isPaired: boolean;
  isOver: boolean;
}

/** What is remembered (G6). */
const MAX_KNOWN = 10_000;
/** How much later than its call's end the file of a hook may be found that did not reach the pod. */
const LATE_MS = 5_000;
const ASKS = 'ask_user';

const questionIn = (input: unknown): string => {
  const [question] = listOf(fieldsOf(input)['questions']).map(fieldsOf);
  return textOf(question?.['question']) ?? 'it asks a question';
};

const isOf = ({ call, changed }: Hooked, tool: string, input: unknown): boolean =>
  call.tool === tool &&
  (isDeepStrictEqual(call.input, input) || (changed !== undefined && isDeepStrictEqual(changed, input)));

const isSame = (one: Announced, tool: string, input: unknown): boolean =>
  one.tool === tool && isDeepStrictEqual(one.input, input);

export class GeminiCalls {
  readonly #desk: AgentDesk;
  readonly #announced = new Map<string, Announced>();
  /** Ids of the bus by those of the agent, where they differ. */
  readonly #busIds = new Map<string, string>();
  /** In the order of their beginnings. */
  #hooked: Hooked[] = [];
  #ownCount = 0;
  #toldCount = 0;
  #unhookedCount = 0;

  constructor(desk: AgentDesk) {
    this.#desk = desk;
  }

  /** Calls that hooks told of. */
  get toldCount(): number {
    return this.#toldCount;
  }

  /** Calls that were run and that no hook told of. */
  get unhookedCount(): number {
    return this.#unhookedCount;
  }

  async before(payload: Fields): Promise<string> {
    const tool = textOf(payload['tool_name']) ?? '?';
    const input = payload['tool_input'] ?? null;
    this.#toldCount += 1;
    const announced = [...this.#announced.values()].find(
      (one) => one.hooked === undefined && one.unhookedAtMs === undefined && isSame(one, tool, input),
    );
    if (announced === undefined && this.#lateOf(tool, input) !== undefined) return ''; // its end stands there already
    const hooked = this.#begin(tool, input, announced, wordOf(payload['cwd']));
    const { call } = hooked;
    if (tool === ASKS) this.#desk.wait('question', questionIn(input));
    const verdict = await this.#desk.begin(call);
    if (verdict.kind === 'denied') {
      hooked.isOver = true;
      return JSON.stringify({ decision: 'deny', reason: verdict.reason });
    }
    if (tool === INVOKE) this.#startSub(call);
    if (verdict.input === undefined) return '';
    hooked.changed = verdict.input;
    const changed = { hookEventName: 'BeforeTool', tool_input: verdict.input };
    return JSON.stringify({ hookSpecificOutput: changed });
  }

  async after(payload: Fields): Promise<string> {
    const tool = textOf(payload['tool_name']) ?? '?';
    const input = payload['tool_input'] ?? null;
    const hooked = this.#openOf(tool, input);
    const late = hooked === undefined ? this.#lateOf(tool, input) : undefined;
    if (late !== undefined) {
      this.#announced.delete(late.id);
      return '';
    }
    const { call } = hooked ?? this.#begin(tool, input, undefined, wordOf(payload['cwd']));
    if (hooked !== undefined) hooked.isOver = true;
    const response = fieldsOf(payload['tool_response']);
    await this.#desk.end(call.id, endOfResponse(tool, response), call);
    if (tool === INVOKE) this.#endSub(call.id, response);
    if (call.sub !== undefined) return ''; // people speak to the agent itself
    const said = this.#desk.takeMessages('tool call', call.id);
    if (said === undefined) return '';
    const context = { hookEventName: 'AfterTool', additionalContext: toldByPerson(said) };
    return JSON.stringify({ hookSpecificOutput: context });
  }

  /** The stream tells that the model wants it. */
  announce(id: string, tool: string, input: unknown): void {
    if (this.#announced.has(id)) return;
    const announced: Announced = { id, tool, input };
    const hooked = this.#hooked.find((one) => !one.isPaired && one.call.sub === undefined && isOf(one, tool, input));
    if (hooked !== undefined) {
      announced.hooked = hooked;
      this.#pair(id, hooked);
    }
    this.#remember(announced);
  }

  /** The stream tells what it came to: of a call that no hook ended, that is its end. */
  result(id: string, end: AgentCallEnd): void {
    const announced = this.#announced.get(id);
    if (announced?.hooked !== undefined) {
      this.#announced.delete(id);
      this.#settle(announced.hooked, end);
      return;
    }
    if (this.#desk.isDone(id)) return;
    if (end.ok) this.#unhookedCount += 1;
    if (announced !== undefined) announced.unhookedAtMs = performance.now();
    const { tool = '?', input = null } = announced ?? {};
    this.#record({ id, tool, input, source: 'stream' }, end);
  }

  /** Of a call, on the bus. */
  idOf(id: string): string {
    return this.#busIds.get(id) ?? id;
  }

  /** As {@link result}, from a transcript; the id under which it is on the bus. `sub`: the subagent that it is of. */
  told(call: Omit<AgentCall, 'source'>, end: AgentCallEnd): string {
    const known = this.idOf(call.id);
    if (this.#desk.isDone(known)) return known;
    // Of a subagent too, where nobody said of which: a call of the agent itself is paired by then.
    const isIts = ({ isPaired, call: { sub } }: Hooked): boolean => !isPaired && (sub ?? call.sub) === call.sub;
    const hooked = this.#hooked.find((one) => isIts(one) && isOf(one, call.tool, call.input));
    if (hooked === undefined) {
      const { id, tool, input } = call;
      this.#remember({ id, tool, input, unhookedAtMs: performance.now() });
      this.#record({ ...call, source: 'stream' }, end);
      return id;
    }
    this.#pair(call.id, hooked);
    this.#settle(hooked, end);
    return hooked.call.id;
  }

  /** The subagents that work now. */
  get #agents(): readonly Hooked[] {
    return this.#hooked.filter(({ call, isOver }) => call.tool === INVOKE && !isOver);
  }

  #begin(tool: string, input: unknown, announced: Announced | undefined, cwd: string | undefined): Hooked {
    // A call that the stream does not announce is of a subagent; where several work, nobody says of which.
    const [agent, another] = this.#agents;
    const sub = announced === undefined && another === undefined ? agent?.call.id : undefined;
    const id = announced?.id ?? `nika-${(this.#ownCount += 1)}`;
    const call: AgentCall = { id, tool, input, source: 'hook', sub, cwd };
    const hooked: Hooked = { call, isPaired: announced !== undefined, isOver: false };
    if (announced !== undefined) announced.hooked = hooked;
    if (this.#hooked.length >= MAX_KNOWN)
      this.#hooked = this.#hooked.filter((one) => !one.isOver || !one.isPaired).slice(1);
    this.#hooked.push(hooked);
    return hooked;
  }

  #remember(announced: Announced): void {
    if (this.#announced.size >= MAX_KNOWN) this.#announced.clear();
    this.#announced.set(announced.id, announced);
  }

  #pair(id: string, hooked: Hooked): void {
    hooked.isPaired = true;
    if (id === hooked.call.id) return;
    if (this.#busIds.size >= MAX_KNOWN) this.#busIds.clear();
    this.#busIds.set(id, hooked.call.id);
  }

  /** One that ended just now without a hook. */
  #lateOf(tool: string, input: unknown): Announced | undefined {
    const nowMs = performance.now();
    return [...this.#announced.values()].find(
      (one) => nowMs - (one.unhookedAtMs ?? -LATE_MS) < LATE_MS && isSame(one, tool, input),
    );
  }

  /** The oldest that is open; else the only one of its tool, whose input has changed on the way. */
  #openOf(tool: string, input: unknown): Hooked | undefined {
    const open = this.#hooked.filter((one) => !one.isOver && one.call.tool === tool);
    return open.find((one) => isOf(one, tool, input)) ?? (open.length === 1 ? open[0] : undefined);
  }

  #settle(hooked: Hooked, end: AgentCallEnd): void {
    if (hooked.isOver) return;
    hooked.isOver = true;
    const { id } = hooked.call;
    this.#desk.end(id, end).then(
      () => undefined,
      () => undefined, // it does not reject
    );
    if (hooked.call.tool === INVOKE)
      this.#desk.endSub(id, end.ok ? 'completed' : 'failed', end.ok ? undefined : end.error);
  }

  #record(call: AgentCall, end: AgentCallEnd): void {
    this.#desk.end(call.id, end, call).then(
      () => undefined,
      () => undefined, // it does not reject
    );
  }

  #startSub({ id, input, sub }: AgentCall): void {
    const { agent_name: type, prompt } = fieldsOf(input);
    this.#desk.startSub({ id, type: wordOf(type), what: textOf(prompt), parent: sub });
  }

  #endSub(id: string, response: Fields): void {
    const { outcome, summary } = subEndOf(response);
    this.#desk.endSub(id, outcome, summary);
  }
}

/**
 * Owns what the session file of one thread of Codex, the agent itself or a subagent, adds to its hooks: how calls ended, the
 * calls that fire no hook, what each request used, and the turns.
 *
 * T1. A call whose hooks work is ended by them, or, where Codex tells of no end there, by what it answered.
 * T2. What was before this run, or was copied from another thread, is not told again.
 */
import type { AgentCall, AgentCallEnd, AgentDesk } from '../../../pod/host/agent-desk.ts';
import type { TurnEnd } from '../../hook-form/hook-form.ts';
import { endOfOutput, isRunning } from './call-output.ts';
import { uuidTimeMs } from './find-rollout.ts';
import { parseRolloutLine, type RolloutEvent, type RolloutLine, type Tokens } from './rollout-line.ts';
import { endOfItem, type ToolItem } from './tool-item.ts';
import { SHELL } from './tool-names.ts';

/** What is of no call. */
export interface ThreadTold {
  readonly session: (thread: string, version: string | undefined) => void;
  readonly model: (thread: string, model: string) => void;
  readonly prompt: (turn: string, text: string) => void;
  readonly turnOver: (turn: string, end: TurnEnd) => void;
  readonly subagents: (threads: readonly string[], what: string) => void;
  /** A call was made, and no hook told of it, though Codex calls one before such a tool. */
  readonly unhooked: (tool: string) => void;
}

export interface ThreadOptions {
  readonly desk: AgentDesk;
  /** The agent's id of the subagent; `undefined`: the agent itself. */
  readonly sub: string | undefined;
  /** When this run began. */
  readonly sinceMs: number;
  /** Whether a hook told of the turn. */
  readonly isLive: (turn: string) => boolean;
  /** When the hook before a call was answered; `undefined`: none came. */
  readonly begunAtMs: (call: string) => number | undefined;
  readonly told: ThreadTold;
}

interface CalledTool {
  readonly tool: string;
  readonly input: unknown;
  readonly turn: string | undefined;
  readonly atMs: number;
}

/** More calls under way, or items that no hook fetches, are a mistake (G6). */
const MAX_CALLS = 10_000;
/** The tool of the models that write code to call the others. */
const CODE = 'exec';
const NESTED = /^exec-/;
const OVER = /^Script (completed|failed|terminated)/;
const CELL = /^Script running with cell ID (\S+)/;
export const UNTOLD = { ok: false, error: 'Codex does not tell how it ended: most likely it failed' } as const;
const INTERRUPTED = { ok: false, error: 'Interrupted', isInterrupt: true } as const;

const since = (fromMs: number | undefined, toMs: number | undefined): number | undefined =>
  fromMs === undefined || toMs === undefined || Number.isNaN(fromMs) ? undefined : Math.max(0, toMs - fromMs);

export class RolloutThread {
  readonly #options: ThreadOptions;
  readonly #calls = new Map<string, CalledTool>();
  readonly #items = new Map<string, ToolItem>();
  /** Code that runs on in the background, with calls of its own. */
  readonly #cells = new Set<string>();
  #bornAtMs = 0;
  #thread: string | undefined;
  #model = '';
  #turn: string | undefined;
  #sum = 0;
  #tellsRequests = false;
  #usageCount = 0;
  #unreadableCount = 0;

  constructor(options: ThreadOptions) {
    this.#options = options;
  }

  get sub(): string | undefined {
    return this.#options.sub;
  }

  /** Requests whose usage was told. */
  get usageCount(): number {
    return this.#usageCount;
  }

  get unreadableCount(): number {
    return this.#unreadableCount;
  }

  has(call: string): boolean {
    return this.#items.has(call);
  }

  /** How a call ended that its hook tells of, once. */
  take(call: string): ToolItem | undefined {
    const item = this.#items.get(call);
    this.#items.delete(call);
    this.#calls.delete(call);
    return item;
  }

  /** A line of the file. */
  read(text: string): void {
    const line = parseRolloutLine(text);
    if (line === 'unreadable') this.#unreadableCount += 1;
    else if (line === undefined) return;
    else if (this.#isNew(line)) this.#tell(line, line.event);
    else if (line.event.kind === 'usage') this.#sum = line.event.sum ?? this.#sum;
  }

  /** Ends the calls of which only the file tells that they are over. */
  settle(): void {
    for (const [id, item] of this.#items) this.#end(id, this.#endOfItem(item));
  }

  /** A call that its hook told of, so that it can be ended where nothing else does. */
  begin({ id, tool, input, turn }: AgentCall): void {
    if (this.#calls.size < MAX_CALLS) this.#calls.set(id, { tool, input, turn, atMs: Date.now() });
  }

  /** T2 */
  #isNew({ event, turn, thread, atMs }: RolloutLine): boolean {
    if (event.kind === 'session') return this.#thread === undefined;
    if (event.kind === 'model') return true; // also of the turns that come
    if (thread !== undefined && this.#thread !== undefined && thread !== this.#thread) return false;
    if (turn !== undefined && this.#options.isLive(turn)) return true;
    const bornAtMs = turn === undefined ? undefined : uuidTimeMs(turn);
    return bornAtMs === undefined
      ? !(atMs < this.#options.sinceMs)
      : bornAtMs >= Math.max(this.#options.sinceMs, this.#bornAtMs);
  }

  #tell(line: RolloutLine, event: RolloutEvent): void {
    const { told } = this.#options;
    this.#turn = line.turn ?? this.#turn;
    switch (event.kind) {
      case 'session':
        this.#thread = event.thread;
        this.#bornAtMs = uuidTimeMs(event.thread) ?? 0;
        return told.session(event.thread, event.version);
      case 'model':
        this.#model = event.model;
        return this.#thread === undefined ? undefined : told.model(this.#thread, event.model);
      case 'prompt':
        return line.turn === undefined ? undefined : told.prompt(line.turn, event.text);
      case 'call':
        return this.#called(event, line);
      case 'output':
        return this.#answered(event, line);
      case 'item':
        return this.#completed(event.item, line);
      case 'subagents':
        return told.subagents(event.threads, event.what);
      case 'usage':
        return this.#use(event.tokens, event.sum);
      case 'turn-over':
        this.#endTurn(event.outcome);
        return line.turn === undefined ? undefined : told.turnOver(line.turn, event);
    }
  }

  #called({ id, tool, input }: RolloutEvent & { kind: 'call' }, { turn, atMs }: RolloutLine): void {
    if (this.#calls.has(id) || this.#calls.size >= MAX_CALLS || this.#options.desk.isDone(id)) return;
    this.#calls.set(id, { tool, input, turn, atMs });
  }

  #answered({ id, text, response }: RolloutEvent & { kind: 'output' }, { atMs }: RolloutLine): void {
    const { desk, begunAtMs } = this.#options;
    const call = this.#calls.get(id);
    const item = this.#items.get(id);
    const tool = call?.tool ?? '?';
    if (item !== undefined) this.#end(id, this.#endOfItem(item));
    else if (tool === SHELL && isRunning(text)) return;
    else {
      const durationMs = since(begunAtMs(id) ?? call?.atMs, atMs);
      this.#end(id, endOfOutput({ tool, text, response, durationMs, hasBegun: desk.isOpen(id) }));
    }
    this.#endNested(tool, text);
  }

  #completed(item: ToolItem, { turn, atMs }: RolloutLine): void {
    const { desk, told } = this.#options;
    if (desk.isDone(item.id)) return;
    if (desk.isOpen(item.id)) {
      if (this.#items.size < MAX_CALLS) this.#items.set(item.id, item); // T1
      return;
    }
    if (item.isHooked) told.unhooked(item.tool);
    const { tool, input, startedAtMs = atMs } = item;
    if (!this.#calls.has(item.id)) this.#calls.set(item.id, { tool, input, turn, atMs: startedAtMs });
    this.#end(item.id, this.#endOfItem(item));
  }

  #endOfItem(item: ToolItem): AgentCallEnd {
    const fromMs = this.#options.begunAtMs(item.id) ?? this.#calls.get(item.id)?.atMs ?? item.startedAtMs;
    return endOfItem(item, since(fromMs, item.completedAtMs));
  }

  /** Calls out of code that is over, and that nothing told the end of: no line of the file names them. */
  #endNested(tool: string, text: string): void {
    const cell = CELL.exec(text)?.[1];
    if (cell !== undefined) this.#cells.add(cell);
    if (!OVER.test(text) || (tool !== CODE && tool !== 'wait')) return;
    if (tool === 'wait') this.#cells.clear(); // which one, its call has said; it is the only one nearly always
    if (this.#cells.size > 0) return;
    for (const [id, call] of this.#calls) {
      if (NESTED.test(id) && call.tool !== SHELL && !this.#items.has(id)) this.#end(id, UNTOLD);
    }
  }

  /** Commands may run on from turn to turn; other calls do not. */
  #endTurn(outcome: TurnEnd['outcome']): void {
    this.settle();
    const end = outcome === 'interrupted' ? INTERRUPTED : UNTOLD;
    for (const [id, { tool }] of this.#calls) if (tool !== SHELL && this.#options.desk.isOpen(id)) this.#end(id, end);
  }

  #end(id: string, end: AgentCallEnd): void {
    const { desk, sub } = this.#options;
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    this.#items.delete(id);
    const told: AgentCall | undefined =
      call === undefined
        ? undefined
        : { id, tool: call.tool, input: call.input, source: 'stream', turn: call.turn, sub };
    desk.end(id, end, told).then(
      () => undefined,
      () => undefined, // it does not reject
    );
  }

  #use(tokens: Tokens, sum: number | undefined): void {
    if (sum === undefined) this.#tellsRequests = true;
    else if (this.#tellsRequests || sum === this.#sum) return; // told already
    this.#sum = sum ?? this.#sum;
    this.#usageCount += 1;
    const turn = this.#turn === undefined ? {} : { turn: this.#turn };
    const usage = {
      scope: 'call',
      model: this.#model,
      ...tokens,
      cost_usd: null,
      cost_from: 'nobody',
      ...turn,
    } as const;
    this.#options.desk.use(usage, this.sub);
  }
}

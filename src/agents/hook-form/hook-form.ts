/**
 * Owns what hooks in the form of Claude Code tell, and what they are answered. Codex speaks it too; so do agents that nika
 * does not know.
 */
import type { WaitReason } from '../../model/message.ts';
import type { AgentCall, AgentCallEnd, AgentDesk } from '../../pod/host/agent-desk.ts';
import { type Fields, fieldsOf, listOf, numberOf, textOf, wordOf } from '../read-fields.ts';
import { failureOf, toolErrorIn } from './call-failure.ts';

/** A turn as it is known so far. */
interface Turn {
  readonly id: string | undefined;
  readonly prompt: string | undefined;
  readonly begunAtMs: number;
}

/** How another source tells of the end of a turn. */
export interface TurnEnd {
  readonly outcome: 'completed' | 'failed' | 'interrupted';
  readonly error: string | undefined;
  readonly message: string | undefined;
  readonly durationMs: number | undefined;
}

const WAITS: Readonly<Record<string, WaitReason>> = {
  permission_prompt: 'permission',
  idle_prompt: 'idle',
  elicitation_dialog: 'question',
  elicitation_url_dialog: 'question',
  agent_needs_input: 'question',
};
const FOR_A_PERSON: readonly WaitReason[] = ['permission', 'question', 'idle'];
const LIMITED: readonly string[] = ['rate_limit', 'overloaded'];
/** Tools with which an agent asks a person. */
const ASKS: readonly string[] = ['AskUserQuestion', 'request_user_input'];

const timeIn = (payload: Fields) => {
  const durationMs = numberOf(payload['duration_ms']);
  return durationMs === undefined ? {} : { durationMs };
};

const failedEndOf = (payload: Fields): AgentCallEnd => ({
  ...failureOf(textOf(payload['error']) ?? 'it failed', payload['is_interrupt'] === true),
  ...timeIn(payload),
});

const context = (event: string, text: string | undefined): string =>
  text === undefined ? '' : JSON.stringify({ hookSpecificOutput: { hookEventName: event, additionalContext: text } });

export interface HookFormOptions {
  readonly desk: AgentDesk;
  /** A person sits before it: the end of a turn is a wait for the next word. */
  readonly isInteractive: boolean;
  /** The agent's session: `via` of its line, and what it is called. */
  readonly onSession: (payload: Fields) => void;
  /** What a tool is called on the bus; default: as the hook has it. */
  readonly toolOf?: (name: string) => string;
  /** How a call ended, where its hook does not tell all of it; default: well. */
  readonly endOf?: (call: AgentCall, payload: Fields) => Promise<AgentCallEnd>;
  /** Codex takes no changed input without the word, which allows nothing there; Claude Code would ask nobody any more. */
  readonly saysAllow?: boolean;
}

export class HookForm {
  readonly #desk: AgentDesk;
  readonly #options: HookFormOptions;
  #turn: Turn | undefined;
  #endedTurn: string | undefined;
  #answer: string | undefined;
  /** Hooks that were called, so that it shows where they are off. */
  #toldCount = 0;

  constructor(options: HookFormOptions) {
    this.#options = options;
    this.#desk = options.desk;
  }

  get toldCount(): number {
    return this.#toldCount;
  }

  /** The last message of the last turn. */
  get answer(): string | undefined {
    return this.#answer;
  }

  /** Resolves to the answer, once what it tells is on the bus. */
  async take(event: string, payload: Fields): Promise<string> {
    this.#options.onSession(payload);
    this.#toldCount += 1;
    switch (event) {
      case 'UserPromptSubmit':
        return this.#promptSubmitted(payload);
      case 'PreToolUse':
        return this.#preToolUse(payload);
      case 'PostToolUse':
      case 'PostToolUseFailure':
        return this.#postToolUse(event, payload);
      case 'PostToolBatch':
        return this.#batch(payload);
      case 'PermissionRequest':
        return this.#permissionRequested(payload);
      case 'PermissionDenied':
        return this.#permissionDenied(payload);
      case 'Notification':
        return this.#notification(payload);
      case 'SubagentStart':
        this.#desk.startSub({ id: wordOf(payload['agent_id']) ?? '?', type: wordOf(payload['agent_type']) });
        return '';
      case 'SubagentStop':
        this.#desk.endSub(wordOf(payload['agent_id']) ?? '?', 'completed', wordOf(payload['last_assistant_message']));
        return '';
      case 'PreCompact':
        this.#desk.wait('compacting', 'its context is made shorter');
        return '';
      case 'PostCompact':
        this.#desk.goOn('compacting');
        return '';
      case 'Stop':
        return this.#stop(payload);
      case 'StopFailure':
        return this.#stopFailure(payload);
      case 'Interrupt':
        return this.#interrupted();
      default:
        return ''; // events that are of no concern, and those of newer versions
    }
  }

  /** A turn that no hook began. Nothing where it runs already, or is over: another source may be late. */
  beginTurn(id: string | undefined, prompt: string | undefined): void {
    if (id !== undefined && (this.#turn?.id === id || this.#endedTurn === id)) return;
    this.endTurn('interrupted'); // the one before was left without a word
    this.#turn = { id, prompt, begunAtMs: performance.now() };
  }

  /** A turn that no hook ended, if it is the one that runs. */
  endTurnOf(id: string, { outcome, error, message, durationMs }: TurnEnd): void {
    const turn = this.#turn;
    if (turn?.id !== id) return;
    this.#answer = message ?? this.#answer;
    if (durationMs !== undefined) this.#turn = { ...turn, begunAtMs: performance.now() - durationMs };
    this.endTurn(outcome, error);
  }

  /** The same, whichever it is. */
  endTurn(outcome: TurnEnd['outcome'], error?: string): void {
    const turn = this.#turn;
    if (turn === undefined) return;
    this.#turn = undefined;
    this.#endedTurn = turn.id;
    this.#desk.turn({
      ...(turn.id === undefined ? {} : { turn: turn.id }),
      ...(turn.prompt === undefined ? {} : { prompt: turn.prompt }),
      ...(this.#answer === undefined || outcome !== 'completed' ? {} : { answer: this.#answer }),
      outcome,
      ...(error === undefined ? {} : { error }),
      duration_ms: Math.round(performance.now() - turn.begunAtMs),
    });
  }

  #promptSubmitted(payload: Fields): string {
    this.#moves();
    if (wordOf(payload['agent_id']) !== undefined) return ''; // of a subagent
    this.beginTurn(turnOf(payload), textOf(payload['prompt']));
    return '';
  }

  async #preToolUse(payload: Fields): Promise<string> {
    this.#moves();
    const call = this.#callOf(payload);
    if (call === undefined) return '';
    if (ASKS.includes(call.tool)) this.#desk.wait('question', questionIn(payload['tool_input']));
    const verdict = await this.#desk.begin(call);
    if (verdict.kind === 'denied') {
      return JSON.stringify({
        hookSpecificOutput: {
          hookEventName: 'PreToolUse',
          permissionDecision: 'deny',
          permissionDecisionReason: verdict.reason,
        },
      });
    }
    if (verdict.input === undefined) return '';
    const allow = this.#options.saysAllow === true ? { permissionDecision: 'allow' } : {};
    return JSON.stringify({
      hookSpecificOutput: { hookEventName: 'PreToolUse', ...allow, updatedInput: verdict.input },
    });
  }

  async #postToolUse(event: 'PostToolUse' | 'PostToolUseFailure', payload: Fields): Promise<string> {
    this.#moves();
    const call = this.#callOf(payload);
    if (call === undefined) return '';
    const end = event === 'PostToolUse' ? await this.#endOf(call, payload) : failedEndOf(payload);
    await this.#desk.end(call.id, end, call);
    return context(event, this.#desk.takeMessages('tool call', call.id));
  }

  async #endOf(call: AgentCall, payload: Fields): Promise<AgentCallEnd> {
    const { endOf } = this.#options;
    if (endOf !== undefined) return endOf(call, payload);
    return { ok: true, response: payload['tool_response'] ?? null, ...timeIn(payload) };
  }

  /** Every call of a batch, those too that nothing else tells of: unknown tools, wrong inputs, denied ones. */
  async #batch(payload: Fields): Promise<string> {
    this.#moves();
    for (const one of listOf(payload['tool_calls']).map(fieldsOf)) {
      const call = this.#callOf({ ...payload, ...one });
      if (call === undefined || this.#desk.isDone(call.id)) continue;
      const said = textOf(one['tool_response']) ?? JSON.stringify(one['tool_response'] ?? null);
      const wasRun = this.#desk.isOpen(call.id); // it began, and no hook told of its end: it was not allowed
      const error = toolErrorIn(said) ?? (wasRun ? said : undefined);
      await this.#desk.end(call.id, error === undefined ? { ok: true, response: said } : failureOf(error), call);
    }
    return '';
  }

  /** Where nobody sits before it, it answers itself. */
  #permissionRequested(payload: Fields): string {
    if (!this.#options.isInteractive) return '';
    this.#desk.wait('permission', `may it call ${textOf(payload['tool_name']) ?? 'a tool'}?`);
    return '';
  }

  async #permissionDenied(payload: Fields): Promise<string> {
    this.#moves();
    const call = this.#callOf(payload);
    const reason = textOf(payload['reason']) ?? 'permission denied';
    if (call !== undefined) await this.#desk.end(call.id, failureOf(reason), call);
    return '';
  }

  #notification(payload: Fields): string {
    const reason = WAITS[textOf(payload['notification_type']) ?? ''];
    if (reason !== undefined) this.#desk.wait(reason, textOf(payload['message']) ?? reason);
    return '';
  }

  #stop(payload: Fields): string {
    this.#moves();
    this.#answer = wordOf(payload['last_assistant_message']) ?? this.#answer;
    const said = this.#desk.takeMessages('turn end');
    if (said !== undefined) return JSON.stringify({ decision: 'block', reason: said });
    this.endTurn('completed');
    const runs = listOf(payload['background_tasks']).length;
    if (this.#options.isInteractive && runs === 0) this.#desk.wait('idle', 'its turn is over');
    return '';
  }

  #interrupted(): string {
    this.endTurn('interrupted');
    if (this.#options.isInteractive) this.#desk.wait('idle', 'it was interrupted');
    return '';
  }

  #stopFailure(payload: Fields): string {
    const error = textOf(payload['error']) ?? 'unknown';
    const detail = textOf(payload['error_details']) ?? textOf(payload['last_assistant_message']) ?? '';
    this.#desk.wait(LIMITED.includes(error) ? 'rate_limit' : 'api_error', `${error} ${detail}`.trim());
    this.endTurn('failed', `${error} ${detail}`.trim());
    return '';
  }

  /** It goes on: whatever a person was asked has been answered. */
  #moves(): void {
    for (const reason of FOR_A_PERSON) this.#desk.goOn(reason);
    this.#desk.goOn('api_error');
    this.#desk.goOn('rate_limit');
  }

  #callOf(payload: Fields): AgentCall | undefined {
    const id = wordOf(payload['tool_use_id']);
    if (id === undefined) return undefined;
    const { toolOf = (name: string) => name } = this.#options;
    return {
      id,
      tool: toolOf(textOf(payload['tool_name']) ?? '?'),
      input: payload['tool_input'] ?? null,
      source: 'hook',
      turn: turnOf(payload),
      sub: wordOf(payload['agent_id']),
      cwd: wordOf(payload['cwd']),
    };
  }
}

const turnOf = (payload: Fields): string | undefined => wordOf(payload['prompt_id']) ?? wordOf(payload['turn_id']);

const questionIn = (input: unknown): string => {
  const [question] = listOf(fieldsOf(input)['questions']).map(fieldsOf);
  return textOf(question?.['question']) ?? 'it asks a question';
};

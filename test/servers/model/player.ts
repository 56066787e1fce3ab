/** Owns which step of a script a request plays, and the record of what was asked and played. */
import type { Answer, AnsweredCall, Conversation, ModelApi, ToolResult } from './api.ts';
import {
  LAST_WORDS,
  MAIN_LANE,
  type ModelFault,
  type Script,
  type ScriptedCall,
  type ScriptedInput,
  type Step,
  USAGE,
} from './script.ts';

/** A tool call that the model made. */
export interface PlayedCall {
  /** As the agent is told it. */
  readonly id: string;
  readonly lane: string;
  /** From 0, within the lane. */
  readonly step: number;
  readonly tool: string;
  readonly input: ScriptedInput;
}

export interface SeenRequest {
  readonly api: ModelApi['name'];
  readonly path: string;
  readonly model: string;
  /** `step`: of the script; `past`: after its end; `aside`: without tools, such as for a title. */
  readonly kind: 'step' | 'past' | 'aside';
  readonly lane: string;
  readonly step: number;
  readonly fault: ModelFault['kind'] | undefined;
}

export interface Asked {
  readonly path: string;
  /** As it came. */
  readonly body: string;
  readonly asked: Conversation;
}

/** `fault`: instead of the answer, or before it. */
export interface Play {
  readonly answer: Answer;
  readonly fault: ModelFault | undefined;
}

const ASIDE: Step = { text: 'A title' };
const ASIDE_AS_JSON: Step = { text: '{}' };

export class Player {
  #script: Script = { [MAIN_LANE]: [] };
  readonly #requests: SeenRequest[] = [];
  readonly #calls = new Map<string, PlayedCall>();
  readonly #results = new Map<string, ToolResult>();
  /** How often the fault of a step was met. */
  readonly #met = new Map<Step, number>();
  /** By lane, as the agent sent it. */
  readonly #lastBodies = new Map<string, string>();
  #answerCount = 0;

  get requests(): readonly SeenRequest[] {
    return this.#requests;
  }

  /** In the order in which they were played; each once, however often its step was asked for. */
  get calls(): readonly PlayedCall[] {
    return [...this.#calls.values()];
  }

  /** What the agent said that a call answered, by the call's id. */
  get results(): ReadonlyMap<string, string> {
    return new Map(Array.from(this.#results, ([id, { text }]) => [id, text]));
  }

  /** All that the agent said in its last request of that lane, as JSON. */
  heard(lane: string): string {
    return this.#lastBodies.get(lane) ?? '';
  }

  load(script: Script): void {
    this.#script = script;
  }

  play(api: ModelApi, { path, body, asked }: Asked): Play {
    for (const result of asked.results) this.#results.set(result.id, result);
    const lane = this.#laneOf(asked);
    if (asked.hasTools) this.#lastBodies.set(lane, body);
    const at = asked.answerCount;
    const scripted = asked.hasTools ? this.#script[lane]?.[at] : asked.wantsJson ? ASIDE_AS_JSON : ASIDE;
    const step = scripted ?? { text: LAST_WORDS };
    const fault = this.#faultOf(step);
    const isPlayed = fault === undefined || fault.kind === 'slow';
    const answer = this.#answer(step, asked, (call, index) => ({
      ...answeredCall(call, asked.results),
      id: `${api.callPrefix}${lane.replaceAll(/[^\w-]/g, '_')}_${at}_${index}`,
    }));
    this.#requests.push({
      api: api.name,
      path,
      model: asked.model,
      kind: asked.hasTools ? (scripted === undefined ? 'past' : 'step') : 'aside',
      lane,
      step: at,
      fault: fault?.kind,
    });
    for (const { id, tool, input } of isPlayed ? answer.calls : []) {
      if (!this.#calls.has(id)) this.#calls.set(id, { id, lane, step: at, tool, input });
    }
    return { answer, fault };
  }

  #laneOf({ opening }: Conversation): string {
    return Object.keys(this.#script).find((lane) => lane !== MAIN_LANE && opening.includes(lane)) ?? MAIN_LANE;
  }

  #faultOf(step: Step): ModelFault | undefined {
    const { fault } = step;
    if (fault === undefined || fault.kind === 'hang' || fault.kind === 'slow') return fault;
    const met = this.#met.get(step) ?? 0;
    this.#met.set(step, met + 1);
    return met < (fault.times ?? 1) ? fault : undefined;
  }

  #answer(step: Step, { model }: Conversation, call: (one: ScriptedCall, index: number) => AnsweredCall): Answer {
    this.#answerCount += 1;
    return {
      id: `answer_${this.#answerCount}`,
      model,
      text: step.text,
      calls: (step.calls ?? []).map(call),
      usage: { ...USAGE, ...step.usage },
    };
  }
}

const answeredCall = (call: ScriptedCall, results: readonly ToolResult[]): AnsweredCall => ({
  id: '',
  tool: call.tool,
  input: typeof call.input === 'function' ? call.input(results.map(({ text }) => text)) : call.input,
  isFreeform: call.isFreeform ?? false,
  namespace: call.namespace,
});

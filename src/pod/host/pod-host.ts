/**
 * Owns what a pod does around each tool call, whoever makes it: pause, limits, hooks, record, live view; and TASKs.
 * O1. A call that began is ended on the bus once, also where the one who made it is gone.
 */
import { randomUUID } from 'node:crypto';
import type { HookPipeline } from '../../hooks/hook-pipeline.ts';
import {
  type AskVerdict,
  type CallFailure,
  type CallGuard,
  type CallResult,
  type PersonAnswer,
  postEvent,
  runToolCall,
  type ToolHooks,
} from '../../hooks/tool-call.ts';
import { createEntityId, type EntityId } from '../../model/id.ts';
import { errorMessage, NikaError } from '../../model/error.ts';
import type { PreToolUse } from '../../model/tool-event.ts';
import type { Usage } from '../../model/usage.ts';
import type { Budget } from '../budget/budget.ts';
import { recordUsage } from '../budget/record-usage.ts';
import { explain, type Stop, type StopReason } from '../ending.ts';
import type { PodEntity } from '../entity.ts';
import type { Lineage } from '../lineage.ts';
import type { Session } from '../session.ts';
import type { StepsCall, StepsHost, TaskOutcome } from '../steps/run-steps.ts';
import type { ToolResult } from '../tools/tool.ts';
import type { PodControl } from '../pod-control.ts';
import { describeCall } from './describe-call.ts';
import type { PauseGate } from './pause-gate.ts';
import type { FinishedCall, WantedCall } from './wanted-call.ts';

export interface PodHostOptions {
  readonly session: Session;
  readonly job: PodEntity;
  readonly lineage: Lineage;
  readonly stop: Stop;
  readonly gate: PauseGate;
  readonly control: () => PodControl;
  readonly hooks: HookPipeline;
  /** Absolute: where calls are made that name no folder. */
  readonly cwd: string;
  /** Tool calls after which the pod ends; `undefined`: no limit. */
  readonly maxToolCalls: number | undefined;
  /** `undefined`: none is set. */
  readonly budget: Budget | undefined;
}

interface ShownCall {
  readonly call: string;
  readonly tool: string;
  readonly what: string;
  readonly task?: string;
}

const TASK_END = { completed: 'job_completed', failed: 'job_failed', cancelled: 'job_cancelled' } as const;
/** More TASKs at once are a mistake of the program that starts them (G6). */
const MAX_OPEN_TASKS = 10_000;

export class PodHost implements StepsHost {
  readonly #options: PodHostOptions;
  readonly #tasks = new Map<string, PodEntity>();
  #begun = 0;
  #reported = 0;
  #untold: Readonly<Record<string, number>> = {};

  constructor(options: PodHostOptions) {
    this.#options = options;
    options.session.countDrops(() => this.#untold);
  }

  /** Finished calls that a program told of itself. */
  get reportedCount(): number {
    return this.#reported;
  }

  /** pre → call → post or failure. Does not reject. */
  async call<R extends CallResult>(
    wanted: WantedCall,
    run: (input: unknown, callId: string) => Promise<R>,
  ): Promise<R | CallFailure> {
    const { stop, gate } = this.#options;
    const { signal = stop.signal } = wanted;
    await gate.open(signal);
    if (signal.aborted && !stop.signal.aborted) return this.#endUnmade(wanted, errorMessage(signal.reason));
    const over = this.#overCalls();
    if (over !== undefined) {
      stop.now(over);
      return { ok: false, error: explain(over), isInterrupt: true };
    }
    if (stop.signal.aborted) return { ok: false, error: 'the pod is being stopped', isInterrupt: true };
    this.#begun += 1;
    if (wanted.source === 'reported') this.#reported += 1;
    return this.#runHooked(wanted, run);
  }

  /** A step of a job of steps. */
  async callTool(call: StepsCall): Promise<ToolResult> {
    const { stop } = this.#options;
    const wanted: WantedCall = {
      tool: call.tool,
      input: call.input,
      what: call.describe,
      cwd: call.cwd,
      task: call.task,
      step: call.stepId,
      ...(call.title === undefined ? {} : { title: call.title }),
      source: 'hook',
    };
    return this.call<ToolResult>(wanted, (input, callId) =>
      call.run(input, stop.signal, (stream, text) => this.tellOutput(callId, stream, text)),
    );
  }

  tellOutput(call: string, stream: 'stdout' | 'stderr', text: string): void {
    if (text !== '') this.#options.session.tell({ event: 'tool_output', call, stream, text });
  }

  /** What the program or the module of the job writes. */
  tellProgramOutput(call: string, stream: 'stdout' | 'stderr', text: string): void {
    if (text !== '') this.#options.session.tell({ event: 'tool_output', call, stream, text, isProgram: true });
  }

  /** For those who may be gone before the pod is: the signal of their calls. */
  signalOf(gone: AbortSignal): AbortSignal {
    return AbortSignal.any([this.#options.stop.signal, gone]);
  }

  /** A call that was made without asking: it is recorded as it is told. */
  report({ result, durationMs, ...wanted }: FinishedCall): void {
    const { stop, maxToolCalls, budget } = this.#options;
    this.#begun += 1;
    this.#reported += 1;
    const count = (wanted.source === 'stream' ? this.#begun : this.#reported) + (budget?.callsElsewhere ?? 0);
    if (maxToolCalls !== undefined && count > maxToolCalls) {
      stop.now({ kind: 'limit', limit: 'tool_calls', value: maxToolCalls });
    }
    this.#recordWhole(wanted, result, durationMs);
  }

  /** What an agent or a program used of a model; `of`: a subagent, or the name of a task. Gives the cost, where it is known. */
  use(told: Usage, of: PodEntity | string | undefined, agent?: string): number | null {
    const entity = typeof of === 'string' ? this.#openTask(of) : of;
    return recordUsage(this.#options, told, { entity, agent });
  }

  /** @throws {NikaError} `NIKA_TASK_BAD`: it runs already, or there are too many. */
  startTask(name: string): EntityId {
    const { session, job, lineage } = this.#options;
    if (this.#openTask(name) !== undefined) {
      throw new NikaError('NIKA_TASK_BAD', `the task "${name}" runs already`, { subject: name });
    }
    if (this.#tasks.size >= MAX_OPEN_TASKS) {
      throw new NikaError('NIKA_TASK_BAD', `${MAX_OPEN_TASKS} tasks are open already`, { subject: name });
    }
    const task = session.entity(createEntityId('TASK'), job.id, lineage);
    this.#tasks.set(name, task);
    task.transition('created', 'entity_created', { name });
    task.transition('in_progress', 'entity_started', {});
    session.tell({ event: 'task_started', task: name, id: task.id, state: 'in_progress' });
    return task.id;
  }

  /** Nothing where it does not run. */
  endTask(name: string, outcome: TaskOutcome, summary?: string): void {
    const task = this.#openTask(name);
    if (task === undefined) return;
    this.#tasks.delete(name);
    const said = summary === undefined ? {} : { summary };
    if (outcome === 'failed') task.transition('failed', 'job_failed', { ...said, error: summary ?? 'a step failed' });
    else task.transition(outcome, TASK_END[outcome], said);
    this.#options.session.tell({ event: 'task_ended', task: name, id: task.id, state: outcome });
  }

  hasTask(name: string): boolean {
    return this.#openTask(name) !== undefined;
  }

  note(text: string, level?: 'info' | 'warn' | 'error'): void {
    this.#options.job.record('note', level === undefined ? { text } : { text, level });
    this.#options.session.tell({ event: 'note', text });
  }

  /** What the program of the pod could not tell, by name (G3). */
  countUntold(untold: Readonly<Record<string, number>>): void {
    this.#untold = untold;
  }

  /** A message to the program that runs; how many listened to it. */
  receive(text: string, from: string | undefined): number {
    const { job, control } = this.#options;
    const message = { text, at: new Date().toISOString(), ...(from === undefined ? {} : { from }) };
    job.record('signal', { kind: 'signal', body: message });
    return control().send(message);
  }

  /** Ends the tasks that the runner could not end, and says what nobody came to say of the cost. */
  close(): void {
    for (const usage of this.#options.session.usage.settle()) this.use(usage, undefined);
    for (const name of Array.from(this.#tasks.keys())) this.endTask(name, 'cancelled');
  }

  /** A person has to say; until then the pod waits, and says so. */
  async #ask(event: PreToolUse, { reason, by }: AskVerdict, signal: AbortSignal): Promise<PersonAnswer> {
    const { session, job, control } = this.#options;
    const { tool_use_id: call, tool_name: tool } = event;
    const what = describeCall(event.tool_input);
    const question = { call, tool, what, reason: `${by}: ${reason}` };
    const asked = { reason: 'permission', tool_use_id: call } as const;
    job.record('condition', { condition: 'pod_waiting', ...asked, detail: `${tool} ${what}: ${question.reason}` });
    session.tell({ event: 'asked', ...question });
    const answer = await control().ask(question, signal);
    session.tell({ event: 'answered', call, allow: answer.allow });
    const detail = signal.aborted ? 'nobody waits for the answer any more' : answer.allow ? 'allowed' : 'denied';
    job.record('condition', { condition: 'pod_back', ...asked, detail });
    return answer;
  }

  /** Why no further call may begin. */
  #overCalls(): StopReason | undefined {
    const { maxToolCalls: value, budget } = this.#options;
    if (value === undefined || this.#begun + (budget?.callsElsewhere ?? 0) < value) return budget?.callsOver();
    return { kind: 'limit', limit: 'tool_calls', value };
  }

  #openTask(name: string): PodEntity | undefined {
    const task = this.#tasks.get(name);
    return task === undefined || task.isOver ? undefined : task;
  }

  #shown(wanted: WantedCall, call: string): ShownCall {
    const { tool, what, task } = wanted;
    return { call, tool, what, ...(task === undefined ? {} : { task }) };
  }

  #toolCall({ tool, input, cwd }: WantedCall, useId: string) {
    return {
      session_id: this.#options.session.id,
      cwd: cwd ?? this.#options.cwd,
      tool_name: tool,
      tool_input: input,
      tool_use_id: useId,
    };
  }

  #recordEnd(wanted: WantedCall, shown: ShownCall, event: ReturnType<typeof postEvent>): void {
    const { session, job, budget } = this.#options;
    const { source, step, title, task, turn } = wanted;
    const entity = wanted.entity ?? (task === undefined ? job : (this.#openTask(task) ?? job));
    if (wanted.isRecorded?.() !== false) {
      const named = { ...(step === undefined ? {} : { step }), ...(title === undefined ? {} : { title }) };
      entity.recordToolCall(event, { source, ...named, ...(turn === undefined ? {} : { turn }) });
    }
    wanted.onRecorded?.();
    budget?.check();
    const isOk = event.hook_event_name === 'PostToolUse';
    const ended = { event: 'tool_ended', ...shown, ok: isOk, duration_ms: event.duration_ms } as const;
    session.tell(isOk ? ended : { ...ended, error: event.error });
  }

  #recordWhole(wanted: WantedCall, result: CallResult, durationMs: number): void {
    const shown = this.#shown(wanted, wanted.id ?? `call_${randomUUID()}`);
    this.#options.session.tell({ event: 'tool_started', ...shown, step: wanted.step ?? '' });
    this.#recordEnd(wanted, shown, postEvent(this.#toolCall(wanted, shown.call), result, durationMs));
  }

  /** O1: it was held until nobody was there to make it. */
  #endUnmade(wanted: WantedCall, error: string): CallFailure {
    const failure: CallFailure = { ok: false, error, isInterrupt: true };
    this.#recordWhole(wanted, failure, 0);
    return failure;
  }

  #guard(signal: AbortSignal): CallGuard {
    const { hooks: pipeline, stop } = this.#options;
    return {
      pipeline,
      signal,
      ask: (event, verdict) => this.#ask(event, verdict, signal),
      interruption: () => (stop.signal.aborted ? 'Interrupted' : errorMessage(signal.reason)),
    };
  }

  async #runHooked<R extends CallResult>(
    wanted: WantedCall,
    run: (input: unknown, callId: string) => Promise<R>,
  ): Promise<R | CallFailure> {
    const { session, stop } = this.#options;
    const callId = wanted.id ?? `call_${randomUUID()}`;
    const shown = this.#shown(wanted, callId);
    const hooks: ToolHooks = {
      pre: () => session.tell({ event: 'tool_started', ...shown, step: wanted.step ?? '' }),
      post: (event) => this.#recordEnd(wanted, shown, event),
    };
    const guard = this.#guard(wanted.signal ?? stop.signal);
    return runToolCall<R>(this.#toolCall(wanted, callId), hooks, (input) => run(input, callId), guard);
  }
}

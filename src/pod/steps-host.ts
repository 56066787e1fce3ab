/**
 * Owns what the pod does around each tool call of a job of steps: limits, hooks, the record, the live view; and the
 * TASK entities that steps share.
 */
import { randomUUID } from 'node:crypto';
import { runToolCall, type ToolHooks } from '../hooks/tool-call.ts';
import { createEntityId } from '../model/id.ts';
import type { Stop } from './ending.ts';
import type { PodEntity } from './entity.ts';
import type { Lineage, Session } from './session.ts';
import type { StepsCall, StepsHost, TaskOutcome } from './steps/run-steps.ts';
import type { ToolResult } from './tools/tool.ts';

export interface PodStepsOptions {
  readonly session: Session;
  readonly job: PodEntity;
  readonly lineage: Lineage;
  readonly sessionId: string;
  readonly stop: Stop;
  /** Tool calls after which the pod ends; `undefined`: no limit. */
  readonly maxToolCalls: number | undefined;
}

const TASK_END = { completed: 'job_completed', failed: 'job_failed', cancelled: 'job_cancelled' } as const;

export class PodStepsHost implements StepsHost {
  readonly #options: PodStepsOptions;
  readonly #tasks = new Map<string, PodEntity>();
  #begun = 0;

  constructor(options: PodStepsOptions) {
    this.#options = options;
  }

  async callTool(call: StepsCall): Promise<ToolResult> {
    const { maxToolCalls, stop } = this.#options;
    if (maxToolCalls !== undefined && this.#begun >= maxToolCalls) {
      stop.now({ kind: 'limit', limit: 'tool_calls', value: maxToolCalls });
      return { ok: false, error: `the limit of ${maxToolCalls} tool calls is reached`, isInterrupt: true };
    }
    this.#begun += 1;
    return this.#runHooked(call);
  }

  startTask(name: string): void {
    const { session, job, lineage } = this.#options;
    const task = session.entity(createEntityId('TASK'), job.id, lineage);
    this.#tasks.set(name, task);
    task.transition('created', 'entity_created', { name });
    task.transition('in_progress', 'entity_started', {});
    session.tell({ event: 'task_started', task: name, id: task.id, state: 'in_progress' });
  }

  endTask(name: string, outcome: TaskOutcome, summary?: string): void {
    const task = this.#tasks.get(name);
    if (task === undefined || task.isOver) return;
    const said = summary === undefined ? {} : { summary };
    if (outcome === 'failed') task.transition('failed', 'job_failed', { ...said, error: summary ?? 'a step failed' });
    else task.transition(outcome, TASK_END[outcome], said);
    this.#options.session.tell({ event: 'task_ended', task: name, id: task.id, state: outcome });
  }

  note(text: string): void {
    this.#options.job.record('note', { text });
    this.#options.session.tell({ event: 'note', text });
  }

  /** Ends the tasks that the runner could not end. */
  close(): void {
    for (const name of this.#tasks.keys()) this.endTask(name, 'cancelled');
  }

  async #runHooked(call: StepsCall): Promise<ToolResult> {
    const { session, job, sessionId, stop } = this.#options;
    const entity = call.task === undefined ? job : (this.#tasks.get(call.task) ?? job);
    const useId = `call_${randomUUID()}`;
    const shown = {
      call: useId,
      tool: call.tool,
      what: call.describe,
      ...(call.task === undefined ? {} : { task: call.task }),
    };
    const hooks: ToolHooks = {
      pre: () => session.tell({ event: 'tool_started', ...shown, step: call.stepId }),
      post: (event) => {
        entity.recordToolCall(event, {
          source: 'hook',
          step: call.stepId,
          ...(call.title === undefined ? {} : { title: call.title }),
        });
        const isOk = event.hook_event_name === 'PostToolUse';
        const ended = { event: 'tool_ended', ...shown, ok: isOk, duration_ms: event.duration_ms } as const;
        session.tell(isOk ? ended : { ...ended, error: event.error });
      },
    };
    const toolCall = {
      session_id: sessionId,
      cwd: call.cwd,
      tool_name: call.tool,
      tool_input: call.input,
      tool_use_id: useId,
    };
    return runToolCall<ToolResult>(toolCall, hooks, () =>
      call.run(stop.signal, (stream, text) => session.tell({ event: 'tool_output', call: useId, stream, text })),
    );
  }
}

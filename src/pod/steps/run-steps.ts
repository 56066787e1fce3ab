/**
 * Owns the run of a job of steps: one after the other, each seeing what the earlier ones left behind.
 *
 * R1. The first failure that is not allowed stands as the job's; what runs after it was asked to (`always()`, `failure()`).
 * R2. Every task that was started is ended, once.
 * R3. After an abort no step begins, not even one that asks for `always()`.
 */
import type { Scope } from '../../config/expression/evaluate.ts';
import type { Job, JobStep } from '../../config/job/job.ts';
import { renderTemplates, shouldRun } from '../../config/expression/template.ts';
import { errorMessage } from '../../model/error.ts';
import type { JsonObject, ToolResult } from '../tools/tool.ts';
import type { StepsHost } from './host.ts';
import { KeptResults } from './kept-results.ts';
import type { PodTree } from '../tree/pod-tree.ts';
import { prepareStep } from './step-call.ts';
import { TaskLedger } from './task-ledger.ts';

export type { StepsCall, StepsHost, TaskOutcome } from './host.ts';

export interface StepsRun {
  readonly job: Job;
  /** What expressions see; `steps` is filled here. Steps run in `job.cwd` of it. */
  readonly scope: Scope;
  /** Environment for child processes, complete. */
  readonly env: Readonly<Record<string, string>>;
  readonly host: StepsHost;
  /** Of the pod: what tools start belongs to it. */
  readonly tree?: PodTree;
  readonly signal: AbortSignal;
}

export type StepsOutcome =
  /** `outputs`: what the job declares. `lastOutput`: of the last step that ran; `undefined`: none did. */
  | { readonly kind: 'completed'; readonly outputs: JsonObject | undefined; readonly lastOutput: unknown }
  /** `stepId`: the step's id, its number from 1, or `outputs`. */
  | { readonly kind: 'failed'; readonly stepId: string; readonly error: string }
  | { readonly kind: 'cancelled' };

interface Failure {
  readonly stepId: string;
  readonly error: string;
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';

class StepsRunner {
  readonly #run: StepsRun;
  readonly #scope: Scope;
  readonly #results: KeptResults;
  readonly #tasks: TaskLedger;
  #failure: Failure | undefined;
  #leftOut = 0;
  #lastOutput: unknown;

  constructor(run: StepsRun) {
    this.#run = run;
    this.#results = new KeptResults(run.job);
    this.#scope = { ...run.scope, steps: this.#results.steps };
    this.#tasks = new TaskLedger(
      run.job.steps.map(({ task }) => task),
      run.host,
    );
  }

  async run(): Promise<StepsOutcome> {
    const { job, signal } = this.#run;
    for (const [at, step] of job.steps.entries()) {
      if (signal.aborted || (await this.#step(step, at)) === 'aborted') {
        this.#tasks.cancelAll(); // R2
        return { kind: 'cancelled' }; // R3
      }
      this.#tasks.pass(at, step.task); // R2
      this.#results.pass(at); // G6
    }
    return this.#end();
  }

  async #step(step: JobStep, at: number): Promise<'done' | 'aborted'> {
    const stepId = step.id ?? String(at + 1);
    const verdict = this.#judge(step);
    if (verdict === false) {
      this.#skip(step, stepId);
      return 'done';
    }
    this.#tasks.begin(step.task);
    const result = verdict === true ? await this.#call(step, stepId) : this.#refuse(stepId, verdict.why);
    if (this.#run.signal.aborted && !result.ok) return 'aborted';
    if (step.id !== undefined) this.#results.keep(at, step.id, result);
    this.#settle(step, stepId, result);
    return 'done';
  }

  /** Whether it runs. A condition that cannot be told fails the step. */
  #judge(step: JobStep): boolean | { readonly why: string } {
    try {
      return shouldRun(step.if, this.#scope, { failed: this.#failure !== undefined });
    } catch (thrown) {
      return { why: `if: ${errorMessage(thrown)}` };
    }
  }

  #skip(step: JobStep, stepId: string): void {
    if (this.#failure === undefined) {
      this.#run.host.note(`step ${stepId} skipped: its condition does not hold`);
      return;
    }
    this.#leftOut += 1;
    this.#tasks.leaveOut(step.task, `step ${this.#failure.stepId} failed`);
  }

  async #call(step: JobStep, stepId: string): Promise<ToolResult> {
    const { env, host, tree } = this.#run;
    const setting = { stepId, scope: this.#scope, env, ...(tree === undefined ? {} : { tree }) };
    const prepared = await prepareStep(step, setting);
    return prepared.kind === 'ready' ? host.callTool(prepared.call) : this.#refuse(stepId, prepared.error);
  }

  /** A failure without a tool call: nothing else would tell of it. */
  #refuse(stepId: string, why: string): ToolResult {
    this.#run.host.note(`step ${stepId} failed before its tool was called: ${why}`);
    return { ok: false, error: why };
  }

  #settle(step: JobStep, stepId: string, result: ToolResult): void {
    if (result.ok) {
      this.#lastOutput = result.output;
      return;
    }
    if (this.#mayFail(step)) return;
    this.#tasks.fail(step.task, `step ${stepId}: ${firstLine(result.error)}`);
    this.#failure ??= { stepId, error: result.error }; // R1
  }

  #mayFail(step: JobStep): boolean {
    try {
      return renderTemplates(step.continue_on_error, this.#scope) === true;
    } catch {
      return false; // leave that cannot be told is not given; the step's own error is the one to show
    }
  }

  #end(): StepsOutcome {
    const { job, host } = this.#run;
    if (this.#failure !== undefined) {
      const { stepId } = this.#failure;
      if (this.#leftOut > 0) host.note(`${this.#leftOut} step(s) skipped because step ${stepId} failed`);
      return { kind: 'failed', ...this.#failure };
    }
    try {
      const outputs = job.outputs === undefined ? undefined : renderTemplates(job.outputs, this.#scope);
      return { kind: 'completed', outputs: outputs as JsonObject | undefined, lastOutput: this.#lastOutput };
    } catch (thrown) {
      return { kind: 'failed', stepId: 'outputs', error: errorMessage(thrown) };
    }
  }
}

/** Runs the steps to the end of the job. Rejects only for a bug. */
export const runSteps = (run: StepsRun): Promise<StepsOutcome> => new StepsRunner(run).run();

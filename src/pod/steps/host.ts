/** Owns what a job of steps asks of the pod that runs it. */
import type { ToolName } from '../../config/job/tool-inputs.ts';
import type { ToolContext, ToolResult } from '../tools/tool.ts';

export interface StepsCall {
  readonly tool: ToolName;
  /** As the job has it, templates rendered; the tool adds its defaults. */
  readonly input: unknown;
  /** The step's id, or its number from 1 where it has none. */
  readonly stepId: string;
  /** The TASK it belongs to; absent: the JOB. */
  readonly task?: string;
  /** Kept by `run` itself; here to be shown. */
  readonly timeoutMs?: number;
  /** One line of at most 80 characters for the live view. */
  readonly describe: string;
  /** The step's own name, where it has one. */
  readonly title?: string;
  /** Absolute: what the input's relative paths start from. */
  readonly cwd: string;
  /** `input`: as it is above, or as a hook left it. Ends soon after `signal` is aborted, whatever the tool does. */
  readonly run: (input: unknown, signal: AbortSignal, onOutput?: ToolContext['onOutput']) => Promise<ToolResult>;
}

export type TaskOutcome = 'completed' | 'failed' | 'cancelled';

export interface StepsHost {
  /** pre → call → post or failure, with hooks, record and limits. Does not reject. */
  callTool(call: StepsCall): Promise<ToolResult>;
  /** The first step of a task begins. */
  startTask(name: string): void;
  /** Once for each task that was started. */
  endTask(name: string, outcome: TaskOutcome, summary?: string): void;
  /** Something that is no tool call and that a person wants to know. */
  note(text: string): void;
}

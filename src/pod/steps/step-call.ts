/**
 * Owns one step from its definition to the result of its tool: rendered, checked, called, ended in time.
 *
 * C1. Whatever is wrong with a step is its failure, never a throw.
 * C2. A call ends soon after its timeout or an abort, also where the tool does not.
 */
import type { Scope } from '../../config/expression/evaluate.ts';
import type { JobStep } from '../../config/job/job.ts';
import { parseDurationMs } from '../../config/quantity.ts';
import { renderTemplates, renderToolInput } from '../../config/expression/template.ts';
import { errorMessage } from '../../model/error.ts';
import type { PodTree } from '../tree/pod-tree.ts';
import { loadTool } from '../tools/registry.ts';
import { oneLine, type Tool, type ToolContext, type ToolResult } from '../tools/tool.ts';
import type { StepsCall } from './host.ts';
import { runInTime } from './time-limit.ts';

type Prepared =
  | { readonly kind: 'ready'; readonly call: StepsCall }
  /** The tool was not called. */
  | { readonly kind: 'refused'; readonly error: string };

export interface StepSetting {
  readonly stepId: string;
  readonly scope: Scope;
  /** Environment for child processes, complete. */
  readonly env: Readonly<Record<string, string>>;
  /** Of the pod, where there is one. */
  readonly tree?: PodTree;
}

const timeoutOf = (step: JobStep, scope: Scope): number | undefined => {
  if (step.timeout === undefined) return undefined;
  const text = renderTemplates(step.timeout, scope);
  const ms = typeof text === 'string' ? parseDurationMs(text) : undefined;
  if (ms === undefined || ms < 1) throw new Error(`timeout: ${JSON.stringify(text)} is not a duration such as 30s`);
  return ms;
};

const badInput = (
  tool: Tool<unknown>,
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): string => {
  const told = issues.slice(0, 3).map(({ path, message }) => [...path.map(String), message].join(': ').trim());
  return `NIKA_TOOL_BAD_INPUT: ${tool.name}: ${told.join('; ')}`;
};

const prepare = async (step: JobStep, { stepId, scope, env, tree }: StepSetting): Promise<Prepared> => {
  const timeoutMs = timeoutOf(step, scope);
  const input = renderToolInput(step.tool, step.input, scope);
  const tool = await loadTool(step.tool);
  const parsed = tool.inputSchema.safeParse(input);
  if (!parsed.success) return { kind: 'refused', error: badInput(tool, parsed.error.issues) };
  const { cwd } = scope.job;
  const run = (signal: AbortSignal, onOutput?: ToolContext['onOutput']): Promise<ToolResult> => {
    const context = { cwd, env, ...(tree && { tree }), ...(onOutput && { onOutput }) };
    return runInTime(timeoutMs, signal, (inTime) => tool.run(parsed.data, { ...context, signal: inTime }));
  };
  const name = step.name === undefined ? undefined : renderTemplates(step.name, scope);
  const call: StepsCall = {
    tool: step.tool,
    input,
    stepId,
    describe: typeof name === 'string' ? oneLine(name) : tool.describe(parsed.data),
    ...(typeof name === 'string' ? { title: oneLine(name) } : {}),
    cwd,
    run,
    ...(step.task === undefined ? {} : { task: step.task }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
  return { kind: 'ready', call };
};

/** A step made ready for its call; what cannot be made ready says why (C1). Never throws. */
export const prepareStep = async (step: JobStep, setting: StepSetting): Promise<Prepared> => {
  try {
    return await prepare(step, setting);
  } catch (thrown) {
    return { kind: 'refused', error: errorMessage(thrown) };
  }
};

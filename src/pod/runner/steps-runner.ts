/** Owns the run of a job of steps inside the supervisor: its tools are nika's own. */
import { runSteps } from '../steps/run-steps.ts';
import type { Runner, RunnerOutcome } from './runner.ts';

export const runStepsJob: Runner = async ({ job, scope, env, host, stop, tree }): Promise<RunnerOutcome> => {
  const outcome = await runSteps({ job, scope, env, host, tree, signal: stop.signal });
  switch (outcome.kind) {
    case 'completed':
      return { kind: 'completed', result: outcome.outputs ?? outcome.lastOutput ?? null };
    case 'failed': {
      const kind = outcome.error.startsWith('NIKA_TOOL_TIMED_OUT') ? 'timed_out' : 'failed';
      return { kind, error: `step ${outcome.stepId}: ${outcome.error}` };
    }
    case 'cancelled':
      return { kind: 'cancelled' };
  }
};

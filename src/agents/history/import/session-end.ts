/** Owns how an imported session ended: as its last turn did. */
import type { MessageData } from '../../../model/message.ts';
import type { PodEntity } from '../../../pod/entity.ts';
import { sessionWork } from '../../../recorder/digest/session-work.ts';
import type { SessionTally } from './session-tally.ts';

const EXIT_CODES = { completed: 0, failed: 1, interrupted: 130 } as const;

export const endJob = (job: PodEntity, tally: SessionTally, startedAtMs: number): void => {
  const { lastTurn, lastMs, calls, errors, byTool, usage } = tally;
  const work = sessionWork({ calls, errors, byTool, usage: usage.byModel });
  const duration = { duration_ms: lastMs - startedAtMs, work };
  if (lastTurn?.outcome === 'failed') {
    job.transition('failed', 'job_failed', { error: lastTurn.error ?? 'it failed', ...duration });
  } else if (lastTurn?.outcome === 'interrupted') {
    job.transition('cancelled', 'job_cancelled', { reason: 'interrupted', ...duration });
  } else {
    const result = lastTurn?.answer === undefined ? {} : { result: lastTurn.answer };
    job.transition('completed', 'job_completed', { ...result, ...duration });
  }
};

type Summary = Omit<MessageData<'session_end_summary'>, 'alpha_head' | 'seen' | 'heads'>;

export const summaryOf = (
  { lastTurn, lastMs, calls, errors, byTool, usage }: SessionTally,
  startedAtMs: number,
  dropped: Readonly<Record<string, number>>,
): Summary => {
  const outcome = lastTurn?.outcome ?? 'completed';
  const { byModel } = usage;
  return {
    outcome,
    exit_code: EXIT_CODES[outcome],
    duration_ms: lastMs - startedAtMs,
    calls,
    errors,
    calls_by_tool: Object.fromEntries(byTool),
    dropped: Object.fromEntries(Object.entries(dropped).filter(([, count]) => count > 0)),
    ...(byModel.length === 0 ? {} : { usage: [...byModel] }),
  };
};

/** Owns how a pod is taken to have ended that told it of its job, and died before it could end its session. */
import type { SessionTrace } from '../../bus/query/session-trace.ts';
import { EXIT_AWAITS_REVIEW, exitCodeIn } from '../ending.ts';
import type { Closing } from './lost.ts';
import type { PodRecord } from './pod-record.ts';

/** A pod that told how its job ended, and died, or had no disk, before it could end its session. */
export const toldEnd = (record: PodRecord, trace: SessionTrace): Closing | undefined => {
  const view = trace.entities.get(record.entity)?.view;
  switch (view?.state) {
    case 'completed':
      return { status: 'completed', error: null, exitCode: 0 };
    case 'awaiting_review':
      return { status: 'awaiting_review', error: null, exitCode: EXIT_AWAITS_REVIEW };
    case 'failed':
      return { status: 'failed', error: view.error ?? null, exitCode: exitCodeIn(view.error) ?? 1 };
    case 'cancelled':
      return { status: 'cancelled', error: view.error ?? null, exitCode: 143 };
    default:
      return undefined;
  }
};

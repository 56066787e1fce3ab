/** Owns how a pod is taken to have ended that told it of its job, and died before it could end its session. */
import type { SessionTrace } from '../../bus/query/session-trace.ts';
import type { Closing } from './lost.ts';
import type { PodRecord } from './pod-record.ts';

/** A pod that told how its job ended, and died, or had no disk, before it could end its session. */
export const toldEnd = (record: PodRecord, trace: SessionTrace): Closing | undefined => {
  const view = trace.entities.get(record.entity)?.view;
  switch (view?.state) {
    case 'completed':
      return { status: 'completed', error: null, exitCode: 0 };
    case 'failed':
      return { status: 'failed', error: view.error ?? null, exitCode: codeIn(view.error) ?? 1 };
    case 'cancelled':
      return { status: 'cancelled', error: view.error ?? null, exitCode: 143 };
    default:
      return undefined;
  }
};

/** Of a program that failed: its own code. */
const codeIn = (error: string | undefined): number | undefined => {
  const code = /^Exit code (\d{1,3})\b/.exec(error ?? '')?.[1];
  return code === undefined ? undefined : Number(code);
};

/** Owns the end of a pod: what its outcome means, the last lines on the bus, and what is told. */
import { busPath, channelName } from '../bus/layout.ts';
import type { Home } from '../config/home.ts';
import { bestEffortSync } from '../failopen/best-effort.ts';
import type { SessionId } from '../model/id.ts';
import { ERROR_CODES } from '../model/error-codes.ts';
import { exitCodeOf, explain, outcomeOf, type Stop } from './ending.ts';
import type { PodEntity } from './entity.ts';
import type { PodEnded, PodOutcome } from './pod-event.ts';
import { removePodFile } from './pod-file.ts';
import type { Session } from './session.ts';
import type { StepsOutcome } from './steps/run-steps.ts';

export interface Run {
  readonly home: Home;
  readonly session: Session;
  readonly sessionId: SessionId;
  readonly entity: PodEntity;
}

interface End {
  readonly outcome: PodOutcome;
  readonly exitCode: number;
  readonly result: unknown;
  readonly error: string | undefined;
}

const EXIT_COMPLETED = 0;
const EXIT_FAILED = 1;

/** What the steps came to, and what a reason to stop makes of it. */
export const endOf = (outcome: StepsOutcome, stop: Stop): End => {
  const { reason } = stop;
  if (reason !== undefined && outcome.kind !== 'completed') {
    return { outcome: outcomeOf(reason), exitCode: exitCodeOf(reason), result: null, error: explain(reason) };
  }
  switch (outcome.kind) {
    case 'completed':
      return {
        outcome: 'completed',
        exitCode: EXIT_COMPLETED,
        result: outcome.outputs ?? outcome.lastOutput ?? null,
        error: undefined,
      };
    case 'failed':
      return {
        ...(outcome.error.startsWith('NIKA_TOOL_TIMED_OUT')
          ? { outcome: 'timed_out', exitCode: ERROR_CODES.NIKA_TOOL_TIMED_OUT.exitCode }
          : { outcome: 'failed', exitCode: EXIT_FAILED }),
        result: null,
        error: `step ${outcome.stepId}: ${outcome.error}`,
      };
    case 'cancelled':
      return { outcome: 'cancelled', exitCode: EXIT_FAILED, result: null, error: undefined };
  }
};

const writeEnd = ({ entity, session }: Run, end: End): void => {
  const ended = { result: end.result, duration_ms: Math.round(session.atMs) };
  switch (end.outcome) {
    case 'completed':
      entity.transition('completed', 'job_completed', ended);
      return;
    case 'interrupted':
    case 'cancelled':
      entity.transition('cancelled', 'job_cancelled', { ...ended, reason: end.error });
      return;
    case 'failed':
    case 'timed_out':
    case 'limit':
      entity.transition('failed', 'job_failed', { ...ended, error: end.error ?? end.outcome, code: end.outcome });
  }
};

/** A head has about 150 bytes, and a line 64 KiB of which other fields want some. */
const HEADS_PER_LINE = 200;

/**
 * Heads that have no room in the summary go before it. The most recently written files come last in `heads()`: the
 * job's channel and the alpha bus, which these notes still change, are always in the summary itself.
 */
const writeSurplusHeads = ({ entity, session }: Run): void => {
  const surplus = session.bus.heads().slice(0, -HEADS_PER_LINE);
  for (let at = 0; at < surplus.length; at += HEADS_PER_LINE) {
    entity.record('note', { text: 'heads of this writer', heads: surplus.slice(at, at + HEADS_PER_LINE) });
  }
};

/** Writes the ends on the bus, closes the session and tells how it ended. */
export const finish = async (run: Run, end: End): Promise<PodEnded> => {
  const { entity, session, sessionId, home } = run;
  const { calls, errors, byTool } = session.recorder.counts;
  session.bus.retryNow(); // an outage that is over ends before the last lines (S1)
  writeEnd(run, end);
  const durationMs = Math.round(session.atMs);
  writeSurplusHeads(run);
  entity.record('session_end_summary', {
    outcome: end.outcome,
    exit_code: end.exitCode,
    duration_ms: durationMs,
    calls,
    errors,
    calls_by_tool: Object.fromEntries(byTool),
    dropped: session.dropped(),
    result: end.result,
    ...session.weave(entity), // may write notes: before the heads are taken
    heads: session.bus.heads().slice(-HEADS_PER_LINE),
  });
  await session.close();
  const ended: PodEnded = {
    event: 'pod_ended',
    id: entity.id,
    session: sessionId,
    outcome: end.outcome,
    exit_code: end.exitCode,
    duration_ms: durationMs,
    calls,
    errors,
    result: end.result,
    ...(end.error === undefined ? {} : { error: end.error }),
    dropped: session.dropped(),
    channel: busPath(home.busDir, channelName(entity.id)),
    log: session.log.isUsed ? session.log.path : null,
  };
  session.tell(ended);
  bestEffortSync('pod.file', () => removePodFile(home.runDir, sessionId));
  return ended;
};

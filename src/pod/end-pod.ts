/** Owns the end of an attempt: what its outcome means, the last lines on the bus, and what is told. */
import { busPath, channelName } from '../bus/layout.ts';
import type { Home } from '../config/home.ts';
import { sessionWork } from '../recorder/digest/session-work.ts';
import { EXIT_AWAITS_REVIEW, EXIT_SUPERSEDED, exitCodeOf, explain, outcomeOf, type Stop } from './ending.ts';
import type { PodEntity } from './entity.ts';
import type { PodEnded, PodOutcome } from './pod-event.ts';
import type { EndedStatus } from './registry/pod-record.ts';
import type { ReviewCall } from './review/review-call.ts';
import type { RunnerOutcome } from './runner/runner.ts';
import type { Session } from './session.ts';
import type { PodWorktree } from './worktree/pod-worktree.ts';
import type { WorktreeEnd } from './worktree/worktree-end.ts';

export interface Run {
  readonly home: Home;
  readonly session: Session;
  readonly entity: PodEntity;
  readonly worktree: PodWorktree | undefined;
  readonly pausedMs: number;
  /** Who is to judge what it came to; `undefined`: nobody. */
  readonly review: ReviewCall | undefined;
}

export interface End {
  readonly outcome: PodOutcome;
  readonly exitCode: number;
  readonly result: unknown;
  readonly error: string | undefined;
  /** Tries that are left after this one; the entity stays open then. */
  readonly attemptsLeft: number;
}

const EXIT_COMPLETED = 0;
const EXIT_FAILED = 1;
const EXIT_LATE = 3;

/** Nothing of it counts: the job goes on elsewhere, or ended there. */
export const supersededEnd = (error: string, attemptsLeft: number): End => ({
  outcome: 'superseded',
  exitCode: EXIT_SUPERSEDED,
  result: null,
  error,
  attemptsLeft,
});

/** What the runner came to, and what a reason to stop makes of it. `attemptsLeft`: tries that a failure would leave. */
export const endOf = (outcome: RunnerOutcome, stop: Stop, attemptsLeft: number): End => {
  const { reason } = stop;
  if (reason?.kind === 'superseded') return supersededEnd(explain(reason), attemptsLeft);
  if (outcome.kind === 'completed') {
    return {
      outcome: 'completed',
      exitCode: EXIT_COMPLETED,
      result: outcome.result,
      error: undefined,
      attemptsLeft: 0,
    };
  }
  if (reason !== undefined) {
    const error = explain(reason);
    const isKeptOpen = reason.kind === 'interrupted' && reason.keepsOpen === true;
    const left = isKeptOpen ? Math.max(1, attemptsLeft) : reason.kind === 'timed_out' ? attemptsLeft : 0;
    return { outcome: outcomeOf(reason), exitCode: exitCodeOf(reason), result: null, error, attemptsLeft: left };
  }
  if (outcome.kind === 'cancelled') {
    return { outcome: 'cancelled', exitCode: EXIT_FAILED, result: null, error: undefined, attemptsLeft: 0 };
  }
  const { kind, error, result = null, exitCode = kind === 'timed_out' ? EXIT_LATE : EXIT_FAILED } = outcome;
  return { outcome: kind, exitCode, result, error, attemptsLeft };
};

/** What was done is to be judged first. */
export const withReview = (end: End, review: ReviewCall | undefined): End =>
  end.outcome === 'completed' && review !== undefined
    ? { ...end, outcome: 'awaiting_review', exitCode: EXIT_AWAITS_REVIEW }
    : end;

export const statusOfEnd = ({ outcome }: Pick<End, 'outcome'>): EndedStatus => {
  if (outcome === 'completed' || outcome === 'awaiting_review') return outcome;
  return outcome === 'interrupted' || outcome === 'cancelled' ? 'cancelled' : 'failed';
};

const writeEnd = ({ entity, session, review }: Run, end: End): void => {
  const { calls, errors, byTool } = session.recorder.counts;
  const work = sessionWork({ calls, errors, byTool, usage: session.usage.byModel });
  const ended = { result: end.result, duration_ms: Math.round(session.atMs), work };
  const error = end.error ?? end.outcome;
  if (end.attemptsLeft > 0 || end.outcome === 'superseded') {
    entity.record('attempt_failed', {
      error,
      attempts_left: end.attemptsLeft,
      duration_ms: ended.duration_ms,
    });
    return;
  }
  switch (statusOfEnd(end)) {
    case 'awaiting_review':
      entity.transition('awaiting_review', 'review_request', { ...ended, ...review });
      return;
    case 'completed':
      entity.transition('completed', 'job_completed', ended);
      return;
    case 'cancelled':
      entity.transition('cancelled', 'job_cancelled', { ...ended, reason: end.error });
      return;
    case 'failed':
    case 'lost':
      entity.transition('failed', 'job_failed', { ...ended, error, code: end.outcome });
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

const settleWorktree = async (run: Run, end: End): Promise<{ readonly worktree?: WorktreeEnd }> => {
  const isStopped = end.outcome === 'interrupted' || end.outcome === 'superseded';
  const goesOn = end.outcome === 'superseded' || end.outcome === 'awaiting_review'; // another one works in it
  const how = { isLast: end.attemptsLeft === 0 && !goesOn, isStopped };
  const worktree = await run.worktree?.settle(run, how);
  return worktree === undefined ? {} : { worktree };
};

/** Writes the ends on the bus and closes the session; what is to be told of it comes back. */
export const finish = async (run: Run, end: End): Promise<PodEnded> => {
  const { entity, session, home } = run;
  const { calls, errors, byTool } = session.recorder.counts;
  session.bus.retryNow(); // an outage that is over ends before the last lines (S1)
  writeEnd(run, end);
  const worktree = await settleWorktree(run, end);
  await session.redis?.drain(); // before the summary: what could not be delivered stands there
  const durationMs = Math.round(session.atMs);
  writeSurplusHeads(run);
  entity.record('session_end_summary', {
    outcome: end.outcome,
    exit_code: end.exitCode,
    duration_ms: durationMs,
    ...(run.pausedMs < 1 ? {} : { paused_ms: Math.round(run.pausedMs) }),
    calls,
    errors,
    calls_by_tool: Object.fromEntries(byTool),
    ...(session.usage.byModel.length === 0 ? {} : { usage: [...session.usage.byModel] }),
    ...worktree,
    dropped: session.dropped(),
    result: end.result,
    digest: session.recorder.digestOf(end),
    ...session.weave(entity), // may write notes: before the heads are taken
    heads: session.bus.heads().slice(-HEADS_PER_LINE),
  });
  await session.close();
  return {
    event: 'pod_ended',
    id: entity.id,
    session: session.id,
    attempt: session.attempt,
    attempts_left: end.attemptsLeft,
    outcome: end.outcome,
    exit_code: end.exitCode,
    duration_ms: durationMs,
    calls,
    errors,
    tokens: session.usage.spent.tokens,
    cost_usd: session.usage.spent.costUsd,
    unpriced_tokens: session.usage.spent.unpricedTokens,
    result: end.result,
    ...(end.error === undefined ? {} : { error: end.error }),
    ...worktree,
    degraded: session.degraded,
    dropped: session.dropped(),
    channel: busPath(home.busDir, channelName(entity.id)),
    log: session.log.isUsed ? session.log.path : null,
  };
};

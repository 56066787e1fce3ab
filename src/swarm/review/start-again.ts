/** Owns how a job that was rejected in review is done again: as its next attempt, by the launch spec it was started with. */
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { NikaError } from '../../model/error.ts';
import { type EntityId, sessionIdSchema } from '../../model/id.ts';
import { startDetached } from '../../pod/launch/detach.ts';
import { type LaunchSpec, readSpec } from '../../pod/launch/launch-spec.ts';
import { resolveJob } from '../../pod/launch/resolve-launch.ts';
import { REASON_INPUT, type Rejection } from '../../model/rejection.ts';

export interface AgainOptions {
  readonly home: Home;
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** @throws {NikaError} `NIKA_POD_UNKNOWN`: nobody knows any more how it was started. */
export const specOf = ({ runDir }: Home, id: EntityId): LaunchSpec => {
  const spec = readSpec(runDir, id);
  if (spec !== undefined) return spec;
  throw new NikaError('NIKA_POD_UNKNOWN', `how ${id} was started is not known here: it cannot be done again`, {
    subject: id,
    remedy: 'Decide where it was started, or reject it for good: --final.',
  });
};

const nextSpec = async (home: Home, spec: LaunchSpec, rejected: Rejection): Promise<LaunchSpec> => {
  const { job } = await resolveJob(home, spec);
  const isAsked = job.inputs[REASON_INPUT]?.type === 'string';
  const session = sessionIdSchema.parse(crypto.randomUUID());
  return {
    ...spec,
    session,
    inputs: isAsked ? { ...spec.inputs, [REASON_INPUT]: rejected.reason } : spec.inputs,
    resumes: true,
    tmux: spec.tmux === null ? null : `nika-${session.slice(0, 12)}`,
    may_wait: true,
    rejected,
  };
};

/**
 * Starts the next attempt, in the background.
 * @throws {NikaError} why it was refused, or could not be started
 */
export const startAgain = async (
  { home, settings, env }: AgainOptions,
  id: EntityId,
  rejected: Rejection,
  signal: AbortSignal,
): Promise<{ readonly kind: 'started' } | { readonly kind: 'queued'; readonly why: string }> => {
  const spec = await nextSpec(home, specOf(home, id), rejected);
  return startDetached({ home, spec, env, mayTakeMs: settings.worktrees.timeoutMs, signal });
};

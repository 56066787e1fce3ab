/** Owns what a worker writes on the bus of a job that has no pod to say it: that it failed, or was cancelled. */
import type { EntityView } from '../../bus/query/entity-view.ts';
import { isTerminal } from '../../model/entity.ts';
import { labelSchema } from '../../model/envelope.ts';
import type { SessionWork } from '../../model/session-digest.ts';
import type { Lineage } from '../../pod/lineage.ts';
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import type { QueuedJob } from '../queue/work-queue.ts';
import type { SwarmSession } from '../session/swarm-session.ts';
import type { JobStanding } from './job-standing.ts';

export type WrittenEnd =
  | { readonly kind: 'failed'; readonly error: string; readonly code: string }
  | { readonly kind: 'cancelled'; readonly reason: string };

const NEVER_TOLD = 'its pod died before it could say how the job ended';

export const failed = (error: string, code = 'lost'): WrittenEnd => ({ kind: 'failed', error, code });

/** Of a pod that settled the lease, perhaps without hearing that it had, and said no more. */
export const endToldBy = (pod: PodRecord | undefined): WrittenEnd => {
  const { outcome, error } = pod?.end ?? {};
  return outcome === 'cancelled' ? { kind: 'cancelled', reason: error ?? 'stopped' } : failed(NEVER_TOLD);
};

const labelOr = (text: string | undefined, other: string): string => labelSchema.safeParse(text).data ?? other;

const lineageOf = ({ name, root }: QueuedJob, view: EntityView | undefined): Lineage => ({
  job: view?.job ?? name,
  domain: labelOr(view?.domain, 'nika'),
  intent: labelOr(view?.intent, 'dispatch'),
  root_id: root,
});

/** What its last pod did, as far as its end says; names of tools and models stand there alone. */
const workOf = (view: EntityView | undefined): { readonly work?: SessionWork } => {
  const { calls, errors = 0, used } = view?.sessions.findLast((session) => session.calls !== undefined) ?? {};
  if (calls === undefined) return {};
  const spent = used === undefined ? {} : { tokens: used.tokens, cost_usd: used.costUsd };
  return { work: { calls, errors, tools: [], models: [], ...spent } };
};

/** In the channel of this home, whoever ran it before. False: it is over already. */
export const writeJobEnd = (
  session: SwarmSession,
  queued: QueuedJob,
  { standing, view }: JobStanding,
  end: WrittenEnd,
): boolean => {
  if (isTerminal(standing.state)) return false;
  const known = { state: standing.state, rev: standing.rev };
  const entity = session.entity(queued.entity, queued.parent ?? undefined, lineageOf(queued, view), known);
  const work = workOf(view);
  if (end.kind === 'failed') entity.transition('failed', 'job_failed', { error: end.error, code: end.code, ...work });
  else entity.transition('cancelled', 'job_cancelled', { reason: end.reason, ...work });
  return true;
};

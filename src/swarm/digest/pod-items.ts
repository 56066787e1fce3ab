/** Owns what a pod's record, or its field in the fleet, says for a digest: of pods that have not ended. */
import { isPersonsTurn, type WaitReason } from '../../model/message.ts';
import type { PodRecord, PodStatus } from '../../pod/registry/pod-record.ts';
import { STALE_AFTER_MS, statusOf } from '../../pod/registry/pod-status.ts';
import type { FleetPod } from '../../telemetry/read-fleet.ts';
import { clauseOf, wordOf } from '../state/clause.ts';
import { type DigestItem, isLateSince, overdueText, roughly, type Section, usd } from './digest-item.ts';

/** What both say. */
export interface LivePod {
  readonly entity: string;
  readonly job: string;
  readonly parent: string | null;
  readonly status: string;
  readonly startedAt: string;
  readonly attempt: string;
  readonly lastTool: { readonly tool: string; readonly what: string; readonly running: boolean } | null;
  readonly why: string | null;
  readonly reason: WaitReason | null;
  readonly waitingSince: string | null;
  /** ISO 8601. */
  readonly seenAt: string;
  readonly costUsd: number;
  readonly errors: number;
  /** Empty: this one. */
  readonly host: string;
}

const WHAT_CHARS = 240;

const WAIT_WORDS: Readonly<Record<WaitReason, string>> = {
  permission: 'permission',
  question: 'question',
  idle: 'next prompt',
  rate_limit: 'rate limit',
  compacting: 'compacting',
  api_error: 'API error',
  silent: 'agent silent',
  lease: 'Redis',
};

export const waitWord = (reason: WaitReason | null | undefined): string =>
  reason === null || reason === undefined ? 'waits' : WAIT_WORDS[reason];

export const livePodOf = (record: PodRecord): LivePod => {
  const { beat, attempt, attempts } = record;
  return {
    entity: record.entity,
    job: record.job,
    parent: record.parent,
    status: statusOf(record),
    startedAt: record.started_at,
    attempt: attempts > 1 ? `attempt ${attempt}/${attempts}` : '',
    lastTool: beat.last_tool,
    why: beat.why,
    reason: beat.reason,
    waitingSince: beat.waiting_since,
    seenAt: beat.at,
    costUsd: beat.cost_usd,
    errors: beat.errors,
    host: '',
  };
};

export const livePodOfFleet = (pod: FleetPod, nowMs: number): LivePod => ({
  entity: pod.entity,
  job: pod.job,
  parent: pod.parent,
  status: pod.silentMs >= STALE_AFTER_MS ? ('stale' satisfies PodStatus) : pod.status,
  startedAt: pod.started_at,
  attempt: pod.attempt > 1 ? `attempt ${pod.attempt}` : '',
  lastTool: pod.last_tool,
  why: pod.why,
  reason: pod.reason,
  waitingSince: pod.waiting_since,
  seenAt: new Date(nowMs - pod.silentMs).toISOString(),
  costUsd: pod.cost_usd,
  errors: pod.errors,
  host: pod.host,
});

const sectionOf = ({ status, reason }: LivePod): Section => {
  if (status === 'stale' || status === 'lost') return 'silent';
  if (status === 'waiting') return reason === null || isPersonsTurn(reason) ? 'waits' : 'runs';
  return status === 'starting' ? 'queued' : 'runs';
};

const doing = ({ lastTool, why }: LivePod): string => {
  if (why !== null && why !== '') return clauseOf(why, WHAT_CHARS);
  return lastTool === null ? '' : clauseOf(`${lastTool.tool} ${lastTool.what}`, WHAT_CHARS);
};

const standing = (pod: LivePod, nowMs: number): string => {
  const since = (iso: string): string => roughly(nowMs - Date.parse(iso));
  const { status, reason, waitingSince, startedAt, seenAt } = pod;
  if (status === 'stale') return `stale, silent for ${since(seenAt)}`;
  if (status === 'waiting') return `${waitWord(reason)} for ${since(waitingSince ?? seenAt)}`;
  if (status === 'running') return since(startedAt);
  return `${status} ${since(startedAt)}`;
};

/** When it came to be as it is, by its own clock. */
const sinceWhen = ({ status, waitingSince, startedAt, seenAt }: LivePod): string => {
  if (status === 'stale') return new Date(Date.parse(seenAt) + STALE_AFTER_MS).toISOString();
  return status === 'waiting' ? (waitingSince ?? startedAt) : startedAt;
};

/** Clocks of hosts differ: what another host tells is rather told twice. */
const SLACK_MS = 60_000;

export interface PodItemOptions {
  readonly nowMs: number;
  /** `undefined`: all is new. */
  readonly newSinceMs: number | undefined;
  /** The bus told something of it since. */
  readonly isTold: boolean;
  /** Of the job that was dispatched; ISO 8601. */
  readonly deadline: string | undefined;
}

export const itemOfPod = (pod: LivePod, { nowMs, newSinceMs, isTold, deadline }: PodItemOptions): DigestItem => {
  const section = sectionOf(pod);
  const at = sinceWhen(pod);
  const slackMs = pod.host === '' ? 0 : SLACK_MS;
  const isNew =
    newSinceMs === undefined ||
    isTold ||
    Date.parse(at) >= newSinceMs - slackMs ||
    isLateSince(deadline, nowMs, newSinceMs);
  const facts = [
    standing(pod, nowMs),
    pod.attempt,
    overdueText(deadline, nowMs),
    pod.errors === 0 ? '' : `${pod.errors} ${pod.errors === 1 ? 'error' : 'errors'}`,
    pod.costUsd === 0 ? '' : usd(pod.costUsd),
    pod.host === '' ? '' : `on ${wordOf(pod.host, 40)}`,
  ].filter((fact) => fact !== '');
  return {
    section,
    id: pod.entity,
    job: pod.job,
    parent: pod.parent ?? undefined,
    rank: pod.status === 'waiting' && section === 'runs' ? 0 : 1,
    at,
    facts,
    clause: doing(pod),
    isNew,
    costUsd: pod.costUsd,
  };
};

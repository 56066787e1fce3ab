/** Owns how pods of other hosts and homes are shown beside those of this one. */
import { STALE_AFTER_MS } from '../../pod/registry/pod-status.ts';
import type { PodRecord, PodStatus } from '../../pod/registry/pod-record.ts';
import { shortPodId } from '../../pod/registry/resolve-pod.ts';
import type { FleetPod } from '../../telemetry/read-fleet.ts';
import { clip, formatDuration, printable } from '../format.ts';
import { renderTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { usedText } from '../words/used.ts';
import { isStatus, podRows, statusText, TOOL_COLUMNS } from './pod-table.ts';

/** Silent for so long, it is shown with --all alone. */
export const GONE_AFTER_MS = 3_600_000;

/** Nobody here may call it lost (design, section 4). */
export const statusOfFleetPod = ({ status, silentMs }: FleetPod): PodStatus => {
  if (silentMs >= STALE_AFTER_MS) return 'stale';
  return isStatus(status) ? status : 'running';
};

const since = (iso: string | null): string =>
  iso === null ? '' : formatDuration(Math.max(0, Date.now() - Date.parse(iso)));

const lastTool = ({ last_tool: last, why, status }: FleetPod): string => {
  if (last === null || (status === 'waiting' && !last.running))
    return why === null ? '–' : clip(printable(why), TOOL_COLUMNS);
  const what = clip(printable(`${last.tool} ${last.what}`.trim()), TOOL_COLUMNS);
  return last.running ? what : `${what}, ${since(last.at)} ago`;
};

const usedOf = ({ tokens, cost_usd: costUsd, unpriced_tokens: unpriced }: FleetPod): string =>
  usedText(tokens, costUsd, unpriced);

const fleetRow = (pod: FleetPod, terminal: Terminal, showsUsed: boolean): readonly string[] => {
  const mark = pod.degraded.length > 0 ? terminal.paint('yellow', ' !') : '';
  return [
    shortPodId(pod.entity),
    clip(printable(pod.job), 24),
    `${statusText(terminal, { ...pod, status: statusOfFleetPod(pod) }, Date.now())}${mark}`,
    since(pod.started_at),
    lastTool(pod),
    String(pod.calls),
    pod.errors === 0 ? '0' : terminal.paint('red', String(pod.errors)),
    ...(showsUsed ? [usedOf(pod)] : []),
    clip(printable(pod.host), 32),
  ];
};

export const fleetTable = (records: readonly PodRecord[], others: readonly FleetPod[], terminal: Terminal): string => {
  const isUsed = records.some(({ beat }) => beat.tokens > 0) || others.some((pod) => usedOf(pod) !== '');
  const local = podRows(records, terminal, Date.now(), isUsed).map((row, at) => [
    ...row,
    at === 0 ? terminal.paint('dim', 'HOST') : clip(printable(records[at - 1]?.process.host ?? ''), 32),
  ]);
  return renderTable([...local, ...others.map((pod) => fleetRow(pod, terminal, isUsed))]);
};

export const fleetJson = (pod: FleetPod): Readonly<Record<string, unknown>> => ({
  id: pod.entity,
  job: pod.job,
  session: pod.session,
  status: statusOfFleetPod(pod),
  pid: pod.pid,
  host: pod.host,
  home: pod.home,
  started_at: pod.started_at,
  last_tool: pod.last_tool,
  calls: pod.calls,
  errors: pod.errors,
  tokens: pod.tokens,
  cost_usd: pod.cost_usd,
  unpriced_tokens: pod.unpriced_tokens,
  attempt: pod.attempt,
  parent: pod.parent,
  domain: pod.domain,
  intent: pod.intent,
  why: pod.why,
  reason: pod.reason,
  waiting_since: pod.waiting_since,
  degraded: pod.degraded,
  ended_at: null,
  exit_code: null,
  silent_ms: Math.round(pod.silentMs),
});

/** Owns how pods are shown in a list: on a terminal, in a pipe, as JSON. */
import type { WaitReason } from '../../model/message.ts';
import type { PodRecord, PodStatus } from '../../pod/registry/pod-record.ts';
import { statusOf } from '../../pod/registry/pod-status.ts';
import { shortPodId } from '../../pod/registry/resolve-pod.ts';
import { clip, formatDuration, printable } from '../format.ts';
import { waitingMark, waitingText } from '../words/waiting.ts';
import { renderTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { usedText } from '../words/used.ts';

type Colour = Parameters<Terminal['paint']>[0];

const LOOKS: Readonly<Record<PodStatus, readonly [mark: string, colour: Colour]>> = {
  starting: ['○', 'dim'],
  running: ['●', 'cyan'],
  waiting: ['◐', 'magenta'],
  paused: ['‖', 'yellow'],
  stale: ['?', 'yellow'],
  stopping: ['●', 'yellow'],
  completed: ['✓', 'green'],
  failed: ['✗', 'red'],
  cancelled: ['⊘', 'yellow'],
  lost: ['✗', 'red'],
  awaiting_review: ['◐', 'magenta'],
};

export const isStatus = (text: string): text is PodStatus => Object.hasOwn(LOOKS, text);

interface Standing {
  readonly status: PodStatus;
  readonly reason: WaitReason | null;
  readonly waiting_since: string | null;
}

/** How it stands, in a word or two; of one that waits: for what, and since when. */
export const statusText = (terminal: Terminal, standing: Standing, nowMs: number): string => {
  const { status, reason, waiting_since: since } = standing;
  if (status === 'waiting') {
    const waiting = { reason, since };
    return `${waitingMark(terminal, waiting)} ${waitingText(terminal, waiting, nowMs)}`;
  }
  const [mark, colour] = LOOKS[status];
  return terminal.paint(colour, `${mark} ${status.replaceAll('_', ' ')}`);
};

export const standingOf = (record: PodRecord): Standing => {
  const { reason, waiting_since } = record.beat;
  return { status: statusOf(record), reason, waiting_since };
};

const sinceOf = (iso: string, nowMs: number): string => formatDuration(Math.max(0, nowMs - Date.parse(iso)));

const lastTool = ({ beat }: PodRecord, nowMs: number, columns: number): string => {
  const { last_tool: last } = beat;
  const isHeld = beat.status === 'waiting' && last?.running !== true;
  if (last === null || isHeld) return beat.why === null ? '–' : clip(printable(beat.why), columns);
  const what = clip(`${printable(last.tool)} ${printable(last.what)}`.trim(), columns);
  return `${what}${last.running ? '' : `, ${sinceOf(last.at, nowMs)} ago`}`;
};

/** Columns for the last tool that stay beside the others. */
export const TOOL_COLUMNS = 36;

const usedOf = ({ beat }: PodRecord): string => usedText(beat.tokens, beat.cost_usd, beat.unpriced_tokens);

/** With what was used of models, where any of them used some. */
export const podRows = (
  records: readonly PodRecord[],
  terminal: Terminal,
  nowMs: number,
  showsUsed = records.some((record) => usedOf(record) !== ''),
): readonly (readonly string[])[] => [
  ['POD', 'JOB', 'STATUS', 'AGE', 'LAST TOOL', 'CALLS', 'ERRORS', ...(showsUsed ? ['USED'] : [])].map((title) =>
    terminal.paint('dim', title),
  ),
  ...records.map((record) => {
    const { entity, job, started_at, beat, end } = record;
    const age = end === null ? sinceOf(started_at, nowMs) : `${sinceOf(end.at, nowMs)} ago`;
    const degraded = beat.degraded.length > 0 && end === null ? terminal.paint('yellow', ' !') : '';
    const errors = beat.errors === 0 ? '0' : terminal.paint('red', String(beat.errors));
    return [
      shortPodId(entity),
      clip(printable(job), 24),
      `${statusText(terminal, standingOf(record), nowMs)}${degraded}`,
      age,
      lastTool(record, nowMs, TOOL_COLUMNS),
      String(beat.calls),
      errors,
      ...(showsUsed ? [usedOf(record)] : []),
    ];
  }),
];

/** A row of something else among the pods. */
export interface OtherRow {
  /** When it started; as on the bus. */
  readonly at: string;
  readonly row: readonly string[];
  /** Of models; empty: nothing. */
  readonly used: string;
}

/** In order of start. */
export const podTable = (
  records: readonly PodRecord[],
  terminal: Terminal,
  others: readonly OtherRow[] = [],
): string => {
  const isUsed = records.some((record) => usedOf(record) !== '') || others.some(({ used }) => used !== '');
  const [titles = [], ...rows] = podRows(records, terminal, Date.now(), isUsed);
  const own = rows.map((row, nth) => ({ at: records[nth]?.started_at ?? '', row }));
  const theirs = others.map(({ at, row, used }) => ({ at, row: [...row, ...(isUsed ? [used] : [])] }));
  const inOrder = [...own, ...theirs].toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return renderTable([titles, ...inOrder.map(({ row }) => row)]);
};

export const podJson = (record: PodRecord): Readonly<Record<string, unknown>> => {
  const { entity, job, session, process, started_at, beat, end } = record;
  return {
    id: entity,
    job,
    session,
    status: statusOf(record),
    pid: process.pid,
    host: process.host,
    started_at,
    last_tool: beat.last_tool,
    calls: beat.calls,
    errors: beat.errors,
    tokens: beat.tokens,
    cost_usd: beat.cost_usd,
    unpriced_tokens: beat.unpriced_tokens,
    attempt: record.attempt,
    parent: record.parent,
    domain: record.domain,
    intent: record.intent,
    why: beat.why,
    reason: beat.reason,
    waiting_since: beat.waiting_since,
    degraded: beat.degraded,
    services: beat.services,
    ended_at: end?.at ?? null,
    exit_code: end?.exit_code ?? null,
  };
};

/** Owns how jobs of the queue look: a table, one of them with all that is known, JSON. */
import type { ShownRow, ShownState } from './queue-standing.ts';
import { clip, formatDuration, printable } from '../format.ts';
import { cell, renderTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';

const COLOURS: Record<ShownState, Parameters<Terminal['paint']>[0]> = {
  waiting: 'cyan',
  delayed: 'gray',
  active: 'green',
  awaiting_review: 'yellow',
  stalled: 'yellow',
  completed: 'gray',
  failed: 'red',
};

const wordOf = (state: ShownState): string => state.replaceAll('_', ' ');

const WHY_COLUMNS = 60;

const agoText = (iso: string, nowMs: number): string => formatDuration(Math.max(0, nowMs - Date.parse(iso)));

/** What there is to say of it besides. */
const moreOf = ({ worker, error, job, state, note }: ShownRow, nowMs: number): string => {
  const dueMs = Date.parse(job.not_before ?? '') - nowMs;
  if (note !== undefined) return note;
  if (worker !== undefined) return `with ${worker}`;
  if (error !== undefined) return error;
  return state === 'delayed' && dueMs > 0 ? `begins in ${formatDuration(dueMs)}` : '';
};

export const queueTable = (rows: readonly ShownRow[], { paint }: Terminal): string => {
  const nowMs = Date.now();
  const head = ['JOB', 'ID', 'STATE', 'SINCE', 'PRIORITY', 'CAPABILITY', ''].map((text) => paint('bold', text));
  const lines = rows.map((row) => {
    const { job, shown, since } = row;
    const more = clip(cell(moreOf(row, nowMs)), WHY_COLUMNS);
    const word = paint(COLOURS[shown], wordOf(shown));
    return [cell(job.name), job.entity, word, agoText(since, nowMs), String(job.priority), job.capability, more];
  });
  return renderTable([head, ...lines]);
};

/** As scripts read it. */
export const queueJson = ({ job, shown, since, worker, error }: ShownRow) => ({
  id: job.entity,
  job: job.name,
  state: shown,
  since,
  worker: worker ?? null,
  error: error ?? null,
  priority: job.priority,
  capability: job.capability,
  root: job.root,
  parent: job.parent,
  inputs: job.inputs,
  dispatched_at: job.dispatched_at,
  not_before: job.not_before,
  deadline: job.deadline,
  attempts: job.attempts,
  attempt: job.standing.attempt,
  from: job.from,
});

export const queueStory = (row: ShownRow, { paint }: Terminal): string => {
  const { job, shown, since, worker, error, note } = row;
  const nowMs = Date.now();
  const facts: readonly (readonly [string, string | null | undefined])[] = [
    ['since', `${since} (${agoText(since, nowMs)})`],
    ['worker', worker],
    ['why', note ?? error],
    ['priority', String(job.priority)],
    ['capability', job.capability],
    ['dispatched', `${job.dispatched_at}${job.from === null ? '' : ` from ${job.from.host}`}`],
    ['not before', job.not_before],
    ['deadline', job.deadline],
    ['part of', job.parent],
    ['attempts', job.attempts === null ? null : `${job.standing.attempt} of ${job.attempts}`],
    ...Object.entries(job.inputs).map(([name, value]) => [`input ${name}`, String(value)] as const),
  ];
  const rows = facts.flatMap(([name, value]) =>
    value === null || value === undefined ? [] : [[paint('gray', cell(name)), cell(printable(value))]],
  );
  return `${paint('bold', cell(job.name))}  ${job.entity}  ${paint(COLOURS[shown], wordOf(shown))}\n${renderTable(rows, 2)}`;
};

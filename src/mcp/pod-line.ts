/** Owns how an agent is told of a pod: one line, its whole id first. */
import { formatDuration } from '../config/quantity.ts';
import type { PodRecord } from '../pod/registry/pod-record.ts';
import { isOver, statusOf } from '../pod/registry/pod-status.ts';
import { clipLine } from './clip.ts';

const WHAT_MAX_CHARS = 80;
const WHY_MAX_CHARS = 160;

/** To the second, where it is longer than one. */
export const durationText = (ms: number): string =>
  formatDuration(ms < 1_000 ? Math.round(Math.max(0, ms)) : Math.round(ms / 1_000) * 1_000);

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

const costText = ({ beat }: PodRecord): string => (beat.cost_usd > 0 ? `, ${beat.cost_usd.toFixed(2)} USD` : '');

/** What it does now, or why it does nothing. */
const doing = ({ beat, end, attempt, attempts }: PodRecord): string => {
  if (end !== null) return `attempt ${attempt} of ${attempts} failed, the next one follows`;
  if (beat.why !== null) return clipLine(beat.why, WHY_MAX_CHARS);
  const { last_tool: last } = beat;
  return last === null
    ? ''
    : `${last.running ? 'now' : 'last'}: ${clipLine(`${last.tool} ${last.what}`, WHAT_MAX_CHARS)}`;
};

/** How it stands: `running for 3m12s, 12 calls, 1 error; now: Bash npm test`. */
export const standingText = (record: PodRecord): string => {
  const { beat, end, started_at: startedAt } = record;
  const errors = beat.errors === 0 ? '' : `, ${count(beat.errors, 'error')}`;
  const counts = `${count(beat.calls, 'call')}${errors}${costText(record)}`;
  if (end !== null && isOver(record)) {
    const outcome = end.outcome === end.status ? end.status : `${end.status} (${end.outcome.replaceAll('_', ' ')})`;
    return `${outcome}, exit code ${end.exit_code}, after ${durationText(end.duration_ms)}, ${counts}`;
  }
  const text = doing(record);
  const since = durationText(Date.now() - Date.parse(startedAt));
  return `${statusOf(record)} for ${since}, ${counts}${text === '' ? '' : `; ${text}`}`;
};

export const podLine = (record: PodRecord, mark = ''): string =>
  `${record.entity} ${record.job}${mark === '' ? '' : ` (${mark})`}: ${standingText(record)}`;

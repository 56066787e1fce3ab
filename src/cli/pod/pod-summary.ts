/** Owns what is told at the end of a pod: outcome, result, what was dropped, where to look. */
import { existsSync } from 'node:fs';
import type { PodEnded } from '../../pod/pod-event.ts';
import { formatDuration, printable } from '../format.ts';
import { asCalled } from '../hint/called-as.ts';
import type { Terminal } from '../terminal.ts';
import { degradedText, droppedText } from '../words/dropped.ts';
import { outcomeText } from '../words/outcome.ts';
import { worktreeEndText } from '../words/worktree.ts';
import { usedText } from '../words/used.ts';
import { errorLines } from './call-rows.ts';

/** More is for a pipe, and for `--quiet`. */
const RESULT_LINES = 20;
const RESULT_LINE_CHARS = 2_000;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** A result as lines: text as it is, an object name by name. */
export const resultLines = (result: unknown): readonly string[] => {
  if (result === null || result === undefined || result === '') return [];
  if (typeof result !== 'object' || Array.isArray(result)) return textOf(result).split('\n');
  return Object.entries(result).flatMap(([name, value]) => {
    const text = textOf(value);
    return text.includes('\n') ? [`${name}:`, ...text.split('\n').map((line) => `  ${line}`)] : [`${name}: ${text}`];
  });
};

const cutLine = (line: string): string =>
  line.length <= RESULT_LINE_CHARS ? line : `${line.slice(0, RESULT_LINE_CHARS).toWellFormed()}…`;

const shownResult = (ended: PodEnded, { paint }: Terminal): readonly string[] => {
  const lines = resultLines(ended.result);
  const shown = lines.slice(0, RESULT_LINES).map((line) => `  ${cutLine(printable(line))}`);
  const more = lines.length - shown.length;
  if (more === 0) return shown;
  const count = more.toLocaleString('en-US');
  return [...shown, paint('dim', `  … ${count} more ${more === 1 ? 'line' : 'lines'}: --quiet prints all of them`)];
};

/** The reason; of one whose lines stand below its call already only the first. */
const shownError = (error: string | undefined, toldError: string | undefined): readonly string[] => {
  if (error === undefined) return [];
  const lines = errorLines(error);
  const isTold = toldError !== undefined && toldError !== '' && error.endsWith(toldError);
  return (isTold ? lines.slice(0, 1) : lines).map((line, at) => `${at === 0 ? '  ' : '    '}${line}`);
};

/** Where to look: only what is there. */
const pointers = (terminal: Terminal, { id, channel, log }: PodEnded): readonly string[] => {
  const { paint } = terminal;
  const story = existsSync(channel)
    ? [paint('dim', asCalled(terminal, `story: nika bus show ${id}`)), paint('dim', `file: ${channel}`)]
    : [paint('yellow', `there is no story of it: nothing stands in ${channel}`)];
  return [...story, ...(log !== null && existsSync(log) ? [paint('dim', `log: ${log}`)] : [])];
};

const worktreeLines = (terminal: Terminal, { worktree, id }: PodEnded): readonly string[] => {
  if (worktree === undefined) return [];
  const line = `worktree: ${printable(worktreeEndText(worktree))}`;
  const hasWork = worktree.kept && (worktree.files > 0 || worktree.commits > 0);
  const look = `diff: nika pod diff ${id}   merge: nika pod merge ${id}`;
  return hasWork ? [line, terminal.paint('dim', asCalled(terminal, look))] : [line];
};

const reviewLines = (terminal: Terminal, { outcome, id }: PodEnded): readonly string[] => {
  if (outcome !== 'awaiting_review') return [];
  const next = `accept: nika review accept ${id}   reject: nika review reject ${id} --reason '…'`;
  return [asCalled(terminal, next)];
};

const lookOf = (outcome: PodEnded['outcome'], told: string) => {
  if (outcome === 'completed') return 'green';
  if (outcome === 'awaiting_review') return 'magenta';
  return told.startsWith('cancelled') ? 'yellow' : 'red';
};

/** `toldError`: that of the last call, whose lines were shown below it. */
export const summary = (terminal: Terminal, ended: PodEnded, toldError: string | undefined): string => {
  const { paint } = terminal;
  const outcome = outcomeText(ended.outcome);
  const look = lookOf(ended.outcome, outcome);
  const calls = `${ended.calls} ${ended.calls === 1 ? 'call' : 'calls'}`;
  const errors = `${ended.errors} ${ended.errors === 1 ? 'error' : 'errors'}`;
  const dropped = droppedText(ended.dropped);
  const used = usedText(ended.tokens, ended.cost_usd, ended.unpriced_tokens);
  const lines = [
    '',
    `${paint(look, outcome)} in ${formatDuration(ended.duration_ms)} · ${calls}, ${errors}${used === '' ? '' : ` · ${used}`}`,
    ...shownError(ended.error, toldError),
    ...shownResult(ended, terminal),
    ...(ended.degraded.length === 0 ? [] : [paint('yellow', printable(degradedText(ended.degraded)))]),
    ...(dropped === '' ? [] : [paint('yellow', `dropped or delayed: ${dropped}`)]),
    ...worktreeLines(terminal, ended),
    ...reviewLines(terminal, ended),
    ...pointers(terminal, ended),
  ];
  return `${lines.join('\n')}\n`;
};

/** Owns how tool calls look in the view of a pod: one row each, never wider than the terminal, and their errors below. */
import type { PodEvent } from '../../pod/pod-event.ts';
import { clip, columnsOf, firstLine, formatDuration, padTo, printable } from '../format.ts';
import type { Terminal } from '../terminal.ts';

export type ToolEnded = Extract<PodEvent, { event: 'tool_ended' }>;
export type ToolStarted = Extract<PodEvent, { event: 'tool_started' }>;

const TOOL_COLUMNS = 12;
const DURATION_COLUMNS = 9;
/** Below it tool and duration take no more columns than they need. */
const NARROW_COLUMNS = 60;
const MARGIN = '      ';
const ERROR_LINES = 12;
const ERROR_COLUMNS = 200;

/** What a call does, and behind it the last line that it printed; each gets its share of the room. */
const whatText = (what: string, last: string, room: number): string => {
  const said = printable(firstLine(what));
  if (last === '') return clip(said, room);
  const lastRoom = Math.max(Math.ceil(room / 2), room - columnsOf(said)) - 2;
  return `${clip(said, room - 2 - Math.min(columnsOf(last), lastRoom))}  ${clip(last, lastRoom)}`;
};

export interface CallRow {
  readonly mark: string;
  readonly call: Pick<ToolStarted, 'tool' | 'what'>;
  readonly durationMs: number;
  /** The last line that it printed; empty: none. */
  readonly last?: string;
}

/** `  ✓ shell       git log -z …            120 ms`; on a narrow terminal `  ✓ shell git log -z … 120 ms`. */
export const callRow = (
  { columns }: Pick<Terminal, 'columns'>,
  { mark, call, durationMs, last = '' }: CallRow,
): string => {
  const duration = formatDuration(durationMs);
  const tool = printable(call.tool);
  if (columns < NARROW_COLUMNS) {
    const room = Math.max(8, columns - 6 - duration.length);
    return `  ${mark} ${padTo(whatText(`${tool} ${call.what}`, last, room), room)} ${duration}`;
  }
  const room = columns - TOOL_COLUMNS - DURATION_COLUMNS - 6;
  const what = padTo(whatText(call.what, last, room), room);
  return `  ${mark} ${padTo(clip(tool, TOOL_COLUMNS - 1), TOOL_COLUMNS)}${what}${duration.padStart(DURATION_COLUMNS)}`;
};

/** An error as lines without escapes and blank lines; of many the first, which says it all, and the last. */
export const errorLines = (error: string): readonly string[] => {
  const lines = printable(error)
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
  if (lines.length <= ERROR_LINES) return lines;
  const left = lines.length - ERROR_LINES + 1;
  return [lines[0] ?? '', `… ${left} more lines …`, ...lines.slice(-ERROR_LINES + 2)];
};

/** The row of a call that has ended; below it why it failed, where it did. */
export const endedRow = (terminal: Terminal, event: ToolEnded): string => {
  const mark = event.ok ? terminal.paint('green', '✓') : terminal.paint('red', '✗');
  const row = callRow(terminal, { mark, call: event, durationMs: event.duration_ms });
  if (event.ok || event.error === undefined) return row;
  const lines = errorLines(event.error).map((line) => MARGIN + terminal.paint('red', clip(line, ERROR_COLUMNS)));
  return [row, ...lines].join('\n');
};

/** Owns how the story of an entity looks on a terminal: a header, then its events in order, its tasks as blocks. */
import type { BusLine } from '../../bus/line.ts';
import { bornAt } from '../../bus/query/entities.ts';
import type { EntityView, SessionView } from '../../bus/query/entity-view.ts';
import type { StoryItem } from '../../bus/query/story.ts';
import { transitionOfBusType } from '../../model/entity.ts';
import { bodyText, callGist, gistOf, oneLine } from './bus-line-view.ts';
import { clip, formatDuration, padTo, printable } from '../format.ts';
import { outcomeOf, stateMark, stateWord } from './state-mark.ts';
import type { Terminal } from '../terminal.ts';
import { droppedText } from '../words/dropped.ts';
import { outcomeText, stateText } from '../words/outcome.ts';
import { callsText, lastedText, titleOf } from './tree-view.ts';

const RESULT_LINES = 12;
const TOOL_COLUMNS = 12;
const DURATION_COLUMNS = 9;
const OFFSET_COLUMNS = 9;
/** With less for what a call does, its tool and its duration take no more columns than they need. */
const NARROW_ROOM = 20;

const joined = (parts: readonly (string | undefined)[], between = ' · '): string =>
  parts.filter((part) => part !== undefined && part !== '').join(between);

const labelled = (label: string, value: string | undefined): string | undefined =>
  value === undefined || value === '' ? undefined : `${label} ${oneLine(value)}`;

const seconds = (ts: string): string =>
  oneLine(ts)
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC');

const sessionLines = (session: SessionView, isOnly: boolean): readonly string[] => {
  const { id, attempt, outcome, exitCode, pid, host, cwd } = session;
  const ended = outcome === undefined ? undefined : `${oneLine(outcomeText(outcome))}, exit ${exitCode ?? '?'}`;
  return [
    joined([`session ${oneLine(id)}`, isOnly ? undefined : `attempt ${attempt}`, ended]),
    joined([labelled(`pid ${pid ?? '?'} on`, host), labelled('in', cwd)]),
  ];
};

/** A result as lines: text as it is, an object name by name. */
const resultLines = (result: unknown): readonly string[] => {
  if (result === undefined || result === null) return [];
  if (typeof result === 'string') return printable(result).split('\n');
  const isNamed = typeof result === 'object' && !Array.isArray(result) && !('$blob' in result);
  if (!isNamed) return [bodyText(result)];
  return Object.entries(result).flatMap(([name, value]) => {
    if (typeof value !== 'string' || !value.includes('\n')) return [`${oneLine(name)}: ${bodyText(value)}`];
    return [
      `${oneLine(name)}:`,
      ...printable(value)
        .split('\n')
        .map((line) => `  ${line}`),
    ];
  });
};

const shortened = (lines: readonly string[], most: number): readonly string[] =>
  lines.length <= most ? lines : [...lines.slice(0, most), `… ${lines.length - most} more lines`];

const droppedOf = (view: EntityView): string =>
  joined(
    view.sessions.map(({ dropped }) => oneLine(droppedText(dropped))),
    ', ',
  );

/** What is known of the entity as a whole. */
export const storyHeader = (view: EntityView, terminal: Terminal, nowMs: number): readonly string[] => {
  const { paint, columns } = terminal;
  const head = [stateMark(terminal, view), paint('bold', titleOf(view)), view.id, '', stateWord(terminal, view, nowMs)];
  const dropped = droppedOf(view);
  const superseded = view.supersededCount;
  const facts = [
    joined([seconds(bornAt(view)), lastedText(view, nowMs), callsText(view)]),
    joined([labelled('domain', view.domain), labelled('intent', view.intent), labelled('part of', view.parent)]),
    ...view.sessions.flatMap((session) => sessionLines(session, view.sessions.length === 1)),
  ];
  const warnings = [
    dropped === '' ? '' : `dropped or delayed: ${dropped}`,
    superseded === 0
      ? ''
      : `${superseded} later ${superseded === 1 ? 'end is' : 'ends are'} superseded: the first stands`,
  ];
  const room = columns - 2;
  return [
    head.filter((part, index) => part !== '' || index === 3).join(' '),
    ...facts.filter((fact) => fact !== '').map((fact) => `  ${paint('dim', clip(fact, room))}`),
    ...(view.error === undefined ? [] : [`  ${paint('red', clip(oneLine(view.error), room))}`]),
    ...warnings.filter((warning) => warning !== '').map((warning) => `  ${paint('yellow', clip(warning, room))}`),
    ...shortened(resultLines(view.result), RESULT_LINES).map((line) => `  ${clip(line, room)}`),
  ];
};

export interface StoryPlace {
  readonly terminal: Terminal;
  /** When the story begins; rows tell how long after. Milliseconds since 1970. */
  readonly startMs: number;
  readonly nowMs: number;
}

const offset = (ts: string, { startMs, terminal }: StoryPlace): string => {
  const ms = Date.parse(ts) - startMs;
  const text = !Number.isFinite(ms) ? '?' : ms < 0 ? `-${formatDuration(-ms)}` : formatDuration(ms);
  return terminal.paint('dim', text.padStart(OFFSET_COLUMNS));
};

const callRow = ({ data, ts }: BusLine, indent: string, place: StoryPlace): readonly string[] => {
  const { paint, columns } = place.terminal;
  const isOk = data['ok'] === true;
  const tool = padTo(clip(oneLine(String(data['tool_name'])), TOOL_COLUMNS - 1), TOOL_COLUMNS);
  const took = typeof data['duration_ms'] === 'number' ? formatDuration(data['duration_ms']) : '';
  const mark = isOk ? paint('green', '✓') : paint('red', '✗');
  const start = `${offset(ts, place)}  ${indent}${mark} `;
  const startColumns = OFFSET_COLUMNS + 2 + indent.length + 2;
  const room = columns - startColumns - TOOL_COLUMNS - DURATION_COLUMNS;
  const narrowRoom = Math.max(8, columns - startColumns - took.length - 1);
  const row =
    room < NARROW_ROOM
      ? `${start}${padTo(clip(`${tool.trimEnd()} ${callGist(data)}`, narrowRoom), narrowRoom)} ${took}`
      : `${start}${tool}${padTo(clip(callGist(data), room), room)}${took.padStart(DURATION_COLUMNS)}`;
  if (isOk || typeof data['error'] !== 'string') return [row];
  const margin = ' '.repeat(startColumns);
  return [row, margin + paint('red', clip(oneLine(data['error']), columns - margin.length))];
};

/** In a block the head tells of the state: only what it does not tell has a row. A subagent has no block. */
const isToldByHead = ({ type, data, meta }: BusLine, depth: number): boolean => {
  if (depth === 0 || transitionOfBusType(type) === undefined) return false;
  if (meta['entity_type'] === 'SUB') return type !== 'entity_created';
  return data['reason'] === undefined;
};

/** One for each request to a model, and what these did not tell: their sum is what "nika costs" and "pod show" tell. */
const isOfEachCall = ({ type }: BusLine): boolean => type === 'usage';

const LOOK_OF_TYPE: Readonly<Record<string, 'yellow' | 'red'>> = {
  outage: 'yellow',
  condition: 'yellow',
  attempt_failed: 'red',
};

const SHOWN_TYPE: Readonly<Record<string, string>> = { session_start: 'session', session_end_summary: 'session end' };

const lineRow = (line: BusLine, indent: string, isSuperseded: boolean, place: StoryPlace): string => {
  const { paint, columns } = place.terminal;
  const isTransition = transitionOfBusType(line.type) !== undefined;
  const label = isTransition ? '' : `${SHOWN_TYPE[line.type] ?? oneLine(line.type).replaceAll('_', ' ')}: `;
  const room = Math.max(16, columns - OFFSET_COLUMNS - indent.length - 4);
  const said = clip(`${label}${gistOf(line)}${isSuperseded ? ' (superseded: an earlier end stands)' : ''}`, room);
  const look = isSuperseded ? 'dim' : LOOK_OF_TYPE[line.type];
  const mark = paint('dim', isTransition ? '→' : '·');
  return `${offset(line.ts, place)}  ${indent}${mark} ${look === undefined ? said : paint(look, said)}`;
};

const blockRow = (view: EntityView, indent: string, place: StoryPlace): string => {
  const { terminal, nowMs } = place;
  const { paint, columns } = terminal;
  const title = oneLine(`${view.type} ${titleOf(view)}`).trim();
  const told = joined(
    [
      view.state === undefined ? 'unknown' : stateText(view.state, outcomeOf(view)),
      lastedText(view, nowMs),
      view.type === 'JOB' ? callsText(view) : '',
    ],
    ', ',
  );
  const why = view.error ?? view.summary;
  const room = Math.max(16, columns - OFFSET_COLUMNS - indent.length - 4);
  const text = joined([title, view.id, joined([told, why === undefined ? undefined : oneLine(why)], ': ')], '  ');
  return `${offset(bornAt(view), place)}  ${indent}${stateMark(terminal, view)} ${paint('bold', clip(text, room))}`;
};

/** One item of the story as lines of text; none where its block's head has told it. */
export const storyRows = (item: StoryItem, place: StoryPlace): readonly string[] => {
  const indent = '  '.repeat(item.depth);
  if (item.kind === 'entity') return [blockRow(item.view, indent, place)];
  if (item.line.type === 'tool_call') return callRow(item.line, indent, place);
  if (isOfEachCall(item.line)) return [];
  if (!item.isSuperseded && isToldByHead(item.line, item.depth)) return [];
  return [lineRow(item.line, indent, item.isSuperseded, place)];
};

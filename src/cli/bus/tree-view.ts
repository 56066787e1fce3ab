/** Owns how the hierarchy of entities is drawn: one line each, children below their parent. */
import { bornAt } from '../../bus/query/entities.ts';
import type { EntityView } from '../../bus/query/entity-view.ts';
import { isTerminal } from '../../model/entity.ts';
import { oneLine } from './bus-line-view.ts';
import { clip, formatDuration } from '../format.ts';
import { asCalled } from '../hint/called-as.ts';
import { stateMark, stateWord } from './state-mark.ts';
import type { Terminal } from '../terminal.ts';

export type Children = ReadonlyMap<string | undefined, readonly EntityView[]>;

const WHY_CHARS = 120;

const sum = (counts: readonly (number | undefined)[]): number | undefined => {
  const known = counts.filter((count) => count !== undefined);
  return known.length === 0 ? undefined : known.reduce((total, count) => total + count, 0);
};

/** What its sessions counted, or else what was read of its own channel. */
export const callsOf = (view: EntityView): { readonly calls: number | undefined; readonly errors: number } => {
  const calls = sum(view.sessions.map((session) => session.calls));
  if (calls !== undefined) return { calls, errors: sum(view.sessions.map((session) => session.errors)) ?? 0 };
  return { calls: view.callsRead > 0 ? view.callsRead : undefined, errors: view.errorsRead };
};

export const callsText = (view: EntityView): string => {
  const { calls, errors } = callsOf(view);
  if (calls === undefined) return '';
  const failed = errors === 0 ? '' : `, ${errors} ${errors === 1 ? 'error' : 'errors'}`;
  return `${calls} ${calls === 1 ? 'call' : 'calls'}${failed}`;
};

/** NaN: not known, since the lines of its beginning are gone and no session told it. */
const lastedMs = ({ createdAt, startedAt, endedAt, sessions }: EntityView, nowMs: number): number => {
  const from = Date.parse(startedAt ?? createdAt ?? '');
  if (Number.isFinite(from)) return (endedAt === undefined ? nowMs : Date.parse(endedAt)) - from;
  return sum(sessions.map(({ durationMs }) => durationMs)) ?? Number.NaN;
};

/** How long it took, or has been going on; empty where that is not known. */
export const lastedText = (view: EntityView, nowMs: number): string => {
  const ms = lastedMs(view, nowMs);
  if (!Number.isFinite(ms)) return '';
  return isTerminal(view.state) ? formatDuration(Math.max(0, ms)) : `for ${formatDuration(Math.max(0, ms))}`;
};

const ageText = (view: EntityView, nowMs: number): string => {
  const ms = nowMs - Date.parse(view.endedAt ?? bornAt(view));
  if (!Number.isFinite(ms) || !isTerminal(view.state)) return '';
  return ms < 1000 ? 'just now' : `${formatDuration(ms).replace(/\.\d/, '')} ago`;
};

export const titleOf = (view: EntityView): string =>
  oneLine(view.name ?? (view.type === 'JOB' ? (view.job ?? '') : ''));

const describe = (view: EntityView, terminal: Terminal, nowMs: number): string => {
  const isChild = view.type === 'TASK' || view.type === 'SUB';
  const facts = [
    isChild ? '' : ageText(view, nowMs),
    lastedText(view, nowMs),
    callsText(view),
    view.attempts > 1 ? `${view.attempts} attempts` : '',
    view.supersededCount > 0
      ? `${view.supersededCount} later ${view.supersededCount === 1 ? 'end' : 'ends'} superseded`
      : '',
  ].filter((fact) => fact !== '');
  const why = view.state === 'failed' && view.error !== undefined ? clip(oneLine(view.error), WHY_CHARS) : '';
  const title = titleOf(view);
  const head = [
    stateMark(terminal, view),
    terminal.paint(isChild ? 'reset' : 'bold', title),
    terminal.paint('dim', view.id),
  ];
  const told = [stateWord(terminal, view, nowMs), ...facts].join(', ');
  return `${head.filter((part) => part !== '').join(' ')}  ${told}${why === '' ? '' : `: ${why}`}`;
};

interface Drawing {
  readonly children: Children;
  readonly terminal: Terminal;
  readonly nowMs: number;
  /** How many children of an entity that is over are drawn: those that failed, and the first. */
  readonly mostChildren: number;
}

interface Drawn {
  readonly shown: readonly EntityView[];
  /** What is said of those that are not. */
  readonly rest: string | undefined;
}

const selectChildren = (view: EntityView, below: readonly EntityView[], mostChildren: number): Drawn => {
  if (!isTerminal(view.state) || below.length <= mostChildren) return { shown: below, rest: undefined };
  const badFirst = below.toSorted((a, b) => Number(a.state === 'completed') - Number(b.state === 'completed'));
  const chosen = new Set(badFirst.slice(0, mostChildren));
  const left = below.filter((child) => !chosen.has(child));
  const counts = new Map<string, number>();
  for (const { state } of left) counts.set(state ?? 'unknown', (counts.get(state ?? 'unknown') ?? 0) + 1);
  const states = Array.from(counts, ([state, count]) => `${count} ${state.replaceAll('_', ' ')}`).join(', ');
  return { shown: below.filter((child) => chosen.has(child)), rest: `… and ${states} (nika tree ${view.id})` };
};

/** An entity and all below it, as lines. What is its own ancestor (a damaged bus) is drawn once. */
export const drawTree = (
  view: EntityView,
  drawing: Drawing,
  above: ReadonlySet<string> = new Set(),
): readonly string[] => {
  const { children, terminal, nowMs, mostChildren } = drawing;
  const path = new Set([...above, view.id]);
  const below = (children.get(view.id) ?? []).filter(({ id }) => !path.has(id));
  const lines = [describe(view, terminal, nowMs)];
  const { shown, rest } = selectChildren(view, below, mostChildren);
  for (const [index, child] of shown.entries()) {
    const isLast = rest === undefined && index === shown.length - 1;
    const [first = '', ...more] = drawTree(child, drawing, path);
    lines.push(terminal.paint('dim', isLast ? '└─ ' : '├─ ') + first);
    for (const line of more) lines.push(terminal.paint('dim', isLast ? '   ' : '│  ') + line);
  }
  if (rest !== undefined) lines.push(terminal.paint('dim', `└─ ${asCalled(terminal, rest)}`));
  return lines;
};

/** The same as a value for `--json`. */
export const treeJson = (view: EntityView, children: Children, above: ReadonlySet<string> = new Set()): object => {
  const path = new Set([...above, view.id]);
  const below = (children.get(view.id) ?? []).filter(({ id }) => !path.has(id));
  return { ...view, children: below.map((child) => treeJson(child, children, path)) };
};

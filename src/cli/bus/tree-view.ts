/** Owns how the hierarchy of entities is drawn: one line each, children below their parent. */
import { bornAt } from '../../bus/query/entities.ts';
import type { EntityView } from '../../bus/query/entity-view.ts';
import { isTerminal } from '../../model/entity.ts';
import { oneLine } from './bus-line-view.ts';
import { clip, formatDuration } from '../format.ts';
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

/** How long it took, or has been going on; empty where that is not known. */
export const lastedText = (view: EntityView, nowMs: number): string => {
  const from = Date.parse(view.startedAt ?? bornAt(view));
  const until = view.endedAt === undefined ? nowMs : Date.parse(view.endedAt);
  const ms = until - from;
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
    stateMark(terminal, view.state),
    terminal.paint(isChild ? 'reset' : 'bold', title),
    terminal.paint('dim', view.id),
  ];
  const told = [stateWord(terminal, view.state), ...facts].join(', ');
  return `${head.filter((part) => part !== '').join(' ')}  ${told}${why === '' ? '' : `: ${why}`}`;
};

interface Drawing {
  readonly children: Children;
  readonly terminal: Terminal;
  readonly nowMs: number;
}

/** An entity and all below it, as lines. What is its own ancestor (a damaged bus) is drawn once. */
export const drawTree = (
  view: EntityView,
  drawing: Drawing,
  above: ReadonlySet<string> = new Set(),
): readonly string[] => {
  const { children, terminal, nowMs } = drawing;
  const path = new Set([...above, view.id]);
  const below = (children.get(view.id) ?? []).filter(({ id }) => !path.has(id));
  const lines = [describe(view, terminal, nowMs)];
  for (const [index, child] of below.entries()) {
    const isLast = index === below.length - 1;
    const [first = '', ...rest] = drawTree(child, drawing, path);
    lines.push(terminal.paint('dim', isLast ? '└─ ' : '├─ ') + first);
    for (const line of rest) lines.push(terminal.paint('dim', isLast ? '   ' : '│  ') + line);
  }
  return lines;
};

/** The same as a value for `--json`. */
export const treeJson = (view: EntityView, children: Children, above: ReadonlySet<string> = new Set()): object => {
  const path = new Set([...above, view.id]);
  const below = (children.get(view.id) ?? []).filter(({ id }) => !path.has(id));
  return { ...view, children: below.map((child) => treeJson(child, children, path)) };
};

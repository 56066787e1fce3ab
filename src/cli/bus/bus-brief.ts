/**
 * Owns `nika bus show --max-tokens`: of the story of an entity what counts most, in so many tokens at most: how it ended
 * and why, its tasks and children, its last calls.
 */
import type { BusLine } from '../../bus/line.ts';
import type { EntityView } from '../../bus/query/entity-view.ts';
import type { StoryItem } from '../../bus/query/story.ts';
import { wholeValue } from '../../pod/registry/pod-result.ts';
import { cutToTokens, fillGroups, type LineGroup } from '../../swarm/digest/cut-to-tokens.ts';
import type { CountTokens } from '../../swarm/digest/token-count.ts';
import { cutTo } from '../../swarm/state/clause.ts';
import { transitionOfBusType } from '../../model/entity.ts';
import { printable } from '../format.ts';
import { costText } from '../words/used.ts';
import { gistOf, oneLine } from './bus-line-view.ts';
import { callsText, lastedText, titleOf } from './tree-view.ts';

/** So many of each are kept in memory while a story is read (G6). */
const KEPT_LINES = 400;
const ROW_CHARS = 160;
const LINE_END = /[\n\u2028\u2029]/g;
const RESULT_SHARE = 0.45;
const ERROR_SHARE = 0.3;

export interface BriefPlace {
  readonly busDir: string;
  readonly maxTokens: number;
  readonly count: CountTokens;
  readonly nowMs: number;
}

/** The newest of the lines of one kind, and how many there were. */
class Newest {
  #lines: BusLine[] = [];
  total = 0;

  add(line: BusLine): void {
    this.total += 1;
    this.#lines.push(line);
    if (this.#lines.length >= 2 * KEPT_LINES) this.#lines = this.#lines.slice(-KEPT_LINES);
  }

  /** The newest first. */
  get lines(): readonly BusLine[] {
    return this.#lines.slice(-KEPT_LINES).toReversed();
  }
}

/** What each kind has of a story; transitions stand in the head. */
class Collected {
  readonly errors = new Newest();
  readonly calls = new Newest();
  readonly others = new Newest();
  readonly children: EntityView[] = [];

  add(item: StoryItem): void {
    if (item.kind === 'entity') {
      this.children.push(item.view);
      return;
    }
    const { line, depth } = item;
    if (line.type === 'tool_call') (line.data['ok'] === false ? this.errors : this.calls).add(line);
    else if (transitionOfBusType(line.type) === undefined && depth === 0 && !UNTOLD.includes(line.type))
      this.others.add(line);
  }
}

/** What the head has told, or nobody asks for in brief. */
const UNTOLD = ['session_start', 'session_end_summary', 'usage'];

const row = (line: BusLine): string => {
  const label = line.type === 'tool_call' ? '' : `${oneLine(line.type).replaceAll('_', ' ')}: `;
  return cutTo(`${line.ts.slice(11, 19)} ${label}${gistOf(line)}`, ROW_CHARS);
};

const stateOf = ({ state }: EntityView): string => (state ?? 'unknown').replaceAll('_', ' ');

const childRow = (view: EntityView, nowMs: number): string => {
  const why = view.state === 'failed' ? (view.error ?? '') : (view.summary ?? '');
  const told = [stateOf(view), lastedText(view, nowMs), callsText(view)].filter((fact) => fact !== '').join(', ');
  return cutTo(`${view.id} ${titleOf(view)}, ${told}${why === '' ? '' : `: ${oneLine(why)}`}`, ROW_CHARS);
};

const headOf = (view: EntityView, nowMs: number): string => {
  const costUsd = view.sessions.reduce((sum, { used }) => sum + (used?.costUsd ?? 0), 0);
  const unpriced = view.sessions.reduce((sum, { used }) => sum + (used?.unpricedTokens ?? 0), 0);
  const facts = [
    stateOf(view),
    lastedText(view, nowMs),
    callsText(view),
    view.attempts > 1 ? `${view.attempts} attempts` : '',
    costUsd + unpriced === 0 ? '' : costText(costUsd, unpriced),
    view.parent === undefined ? '' : `of ${oneLine(view.parent)}`,
    view.waits?.[0] === undefined ? '' : `waits for ${view.waits[0].reason ?? 'something'}`,
  ].filter((fact) => fact !== '');
  return `${view.id} ${cutTo(titleOf(view), 80)}: ${facts.join(', ')}`;
};

/** What it came to, whole where that is to be had. */
const resultText = ({ result }: EntityView, busDir: string): string => {
  if (result === undefined || result === null) return '';
  try {
    const value = wholeValue(busDir, result);
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  } catch {
    return JSON.stringify(result) ?? ''; // its blob is gone: as much of it as the line has
  }
};

/** A text of the entity's own as lines, cut where it is long; each but the first is set in, so that none passes for a title. */
const bodyLines = (title: string, text: string, mostTokens: number, count: CountTokens): readonly string[] => {
  const clean = printable(text).trim().replaceAll(LINE_END, '\n  ');
  if (clean === '') return [];
  const cut = cutToTokens(clean, Math.max(0, Math.floor(mostTokens)), count);
  return [
    `${title}: ${cut}${cut.length < clean.length ? `… (${clean.slice(cut.length).replaceAll('\n  ', '\n').length} more characters)` : ''}`,
  ];
};

const byFailure = (a: EntityView, b: EntityView): number =>
  Number(a.state === 'completed') - Number(b.state === 'completed');

const groupsOf = (collected: Collected, bodies: readonly string[], nowMs: number): readonly LineGroup[] => [
  { title: '', lines: bodies, share: 1 },
  {
    title: 'TASKS AND CHILDREN',
    lines: collected.children.toSorted(byFailure).map((view) => childRow(view, nowMs)),
    share: 0.3,
  },
  { title: 'CALLS THAT FAILED', lines: collected.errors.lines.map(row), isReversed: true, share: 0.25 },
  { title: 'LAST CALLS', lines: collected.calls.lines.map(row), isReversed: true, share: 0.25 },
  { title: 'NOTES', lines: collected.others.lines.map(row), isReversed: true, share: 0.2 },
];

const leftText = (id: string, collected: Collected, leftOut: readonly number[]): string => {
  const { children, errors, calls, others } = collected;
  const [, ofChildren = 0, ofErrors = 0, ofCalls = 0, ofOthers = 0] = leftOut;
  const kept = (newest: Newest, left: number): number => left + newest.total - newest.lines.length;
  const left = [
    [ofChildren, children.length, 'tasks and children'],
    [kept(errors, ofErrors), errors.total, 'failed calls'],
    [kept(calls, ofCalls), calls.total, 'calls'],
    [kept(others, ofOthers), others.total, 'notes'],
  ] as const;
  const told = left.filter(([count]) => count > 0).map(([count, total, what]) => `${count} of ${total} ${what}`);
  return told.length === 0 ? '' : `Left out: ${told.join(', ')}. All: nika bus show ${id}`;
};

/** Room for what says what was left out. */
const FOOT_TOKENS = 90;

/** The story in brief; within `maxTokens`, whatever its lines hold. */
export const briefOf = async (
  view: EntityView,
  story: AsyncIterable<StoryItem>,
  { busDir, maxTokens, count, nowMs }: BriefPlace,
): Promise<string> => {
  const collected = new Collected();
  for await (const item of story) collected.add(item);
  const head = cutToTokens(headOf(view, nowMs), maxTokens / 2, count);
  let roomTokens = maxTokens - count(`${head}\n`) - FOOT_TOKENS;
  for (;;) {
    const bodies = [
      ...bodyLines('error', view.error ?? '', ERROR_SHARE * roomTokens, count),
      ...bodyLines('result', resultText(view, busDir), RESULT_SHARE * roomTokens, count),
    ];
    const filled = fillGroups(groupsOf(collected, bodies, nowMs), roomTokens, count);
    const foot = leftText(
      view.id,
      collected,
      filled.map(({ leftOut }) => leftOut),
    );
    const text = `${[head, ...filled.flatMap((group) => group.text), foot].filter((line) => line !== '').join('\n')}\n`;
    if (count(text) <= maxTokens || roomTokens <= 0) return text;
    roomTokens -= count(text) - maxTokens; // lines of results counted alone may differ a little
  }
};

/** Owns how something that memory found is shown: how it ended, when, what, why it was found, and where the rest is. */
import type { SearchHit } from '../../memory/memory-source.ts';
import type { MemoryPayload } from '../../memory/point.ts';
import { SNIPPET_CHARS, snippetOf } from '../../memory/encode/snippet.ts';
import { clip, formatDuration, printable } from '../format.ts';
import { asCalled } from '../hint/called-as.ts';
import { cell } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { outcomeText } from '../words/outcome.ts';

const MARKS: Readonly<Record<string, readonly [string, 'green' | 'red' | 'yellow' | 'dim']>> = {
  completed: ['✓', 'green'],
  failed: ['✗', 'red'],
  timed_out: ['✗', 'red'],
  limit: ['✗', 'red'],
  lost: ['✗', 'red'],
  superseded: ['✗', 'red'],
  cancelled: ['⊘', 'yellow'],
  interrupted: ['⊘', 'yellow'],
  created: ['○', 'dim'],
};

/** In a pipe nothing is cut. */
const PIPE_COLUMNS = 500;
const WORD_COLUMNS = 60;
const INDENT = '   ';

const statusOf = ({ status }: MemoryPayload, { paint }: Terminal): string => {
  const [mark, colour] = MARKS[status] ?? ['?', 'dim'];
  return `${paint(colour, mark)} ${paint(colour, cell(outcomeText(status)))}`;
};

const whenOf = ({ ts }: MemoryPayload): string => cell(ts.slice(0, 16)).replace('T', ' ');

const usdOf = (usd: number): string => `$${usd.toFixed(2)}`;

/** Name, domain, agent, how long and for how much. */
const aboutOf = (payload: MemoryPayload): string => {
  const { kind, job, domain, intent, agent, duration_ms: ms, cost_usd: usd, host } = payload;
  const parts = [
    kind === 'job' ? undefined : kind,
    job,
    [domain, intent].filter((one) => one !== undefined).join('/'),
    agent,
    ms === undefined ? undefined : formatDuration(ms),
    usd === undefined || usd === 0 ? undefined : usdOf(usd),
    host,
  ];
  return parts
    .filter((one) => one !== undefined && one !== '')
    .map((one) => clip(cell(one ?? ''), WORD_COLUMNS))
    .join(' · ');
};

/** The command that shows all of it. */
export const storyCommand = ({ entity_id: entity }: MemoryPayload): string => `nika bus show ${printable(entity)}`;

/** With the words that match made bold, where there are colours. */
export const markedSnippet = (text: string, words: string, { paint }: Pick<Terminal, 'paint'>): string => {
  const { text: line, marks } = snippetOf(text, words);
  let shown = '';
  let at = 0;
  for (const { start, end } of marks) {
    shown += line.slice(at, start) + paint(['bold', 'yellow'], line.slice(start, end));
    at = end;
  }
  return shown + line.slice(at);
};

/** `words`: what was searched; empty: what it is about is shown instead. */
export const hitLines = ({ payload }: SearchHit, words: string, terminal: Terminal): readonly string[] => {
  const { paint } = terminal;
  const columns = (terminal.isInteractive ? terminal.columns : PIPE_COLUMNS) - INDENT.length;
  const head = `${statusOf(payload, terminal)}  ${whenOf(payload)}  ${paint('bold', cell(payload.entity_id))}  ${aboutOf(payload)}`;
  const summary = clip(cell(payload.summary), Math.min(columns, SNIPPET_CHARS));
  const snippet = words === '' ? '' : markedSnippet(payload.text, words, terminal);
  const isSame = words !== '' && snippetOf(payload.text, words).text.startsWith(summary);
  return [
    head.trimEnd(),
    ...(summary === '' || isSame ? [] : [`${INDENT}${summary}`]),
    ...(snippet === '' ? [] : [`${INDENT}${snippet}`]),
    `${INDENT}${paint('dim', asCalled(terminal, storyCommand(payload)))}`,
  ];
};

/** All of the payload but its long text, and what a program would have to make itself. */
export const hitJson = ({ id, score, payload }: SearchHit, words: string) => {
  const { text, standing: _, schema: __, ...rest } = payload;
  const snippet = snippetOf(text, words);
  return { id, score, ...rest, snippet: snippet.text, marks: snippet.marks, show: storyCommand(payload) };
};

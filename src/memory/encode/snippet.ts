/** Owns the piece of a text that shows why it was found: the window with most of the words, and where they stand in it. */
import { termsOf } from './sparse.ts';
import { readableOf, Tokenizer } from './tokenizer.ts';

export interface Range {
  readonly start: number;
  /** Behind the last character. */
  readonly end: number;
}

export interface Snippet {
  /** One line, at most {@link SNIPPET_CHARS}; `…` where something was cut. */
  readonly text: string;
  /** The words that match, in order; none overlaps another. */
  readonly marks: readonly Range[];
}

export const SNIPPET_CHARS = 160;
const LEAD_CHARS = 40;
const CUT = '…';

interface Match extends Range {
  readonly hash: number;
}

const tokenizer = new Tokenizer();

/** By their place; of those within one another the longest. */
const matchesIn = (text: string, words: string): readonly Match[] => {
  const wanted = new Set(termsOf(words).map(({ hash }) => hash));
  const { count, hashes, starts, ends } = tokenizer.tokens(text);
  const matches: Match[] = [];
  for (let n = 0; n < count; n += 1) {
    const hash = hashes[n] ?? 0;
    if (wanted.has(hash)) matches.push({ hash, start: starts[n] ?? 0, end: ends[n] ?? 0 });
  }
  return matches.sort((a, b) => a.start - b.start || b.end - a.end);
};

/** Which matches to show: most different words first, then most of them, then the earliest. */
const bestRun = (matches: readonly Match[], chars: number): readonly Match[] => {
  let best: readonly [number, number] = [0, 0];
  let bestScore = 0;
  let from = 0;
  const within = new Map<number, number>();
  for (const [to, match] of matches.entries()) {
    within.set(match.hash, (within.get(match.hash) ?? 0) + 1);
    for (
      let first = matches[from];
      first !== undefined && from < to && match.end - first.start > chars;
      first = matches[from]
    ) {
      const left = (within.get(first.hash) ?? 0) - 1;
      if (left === 0) within.delete(first.hash);
      else within.set(first.hash, left);
      from += 1;
    }
    const score = within.size * matches.length + (to - from);
    if (score > bestScore) {
      bestScore = score;
      best = [from, to + 1];
    }
  }
  return matches.slice(...best);
};

/** Where a word begins at or behind, so that none is cut; as it is where there is no space near. */
const wordStart = (text: string, at: number): number => {
  if (at <= 0) return 0;
  const space = text.slice(at - 1, at + LEAD_CHARS).search(/\s/);
  return space < 0 ? at : at + space;
};

const wordEnd = (text: string, at: number): number => {
  if (at >= text.length) return text.length;
  const space = text.slice(at - LEAD_CHARS, at + 1).search(/\s\S*$/);
  return space < 0 ? at : at - LEAD_CHARS + space;
};

const windowOf = (text: string, run: readonly Match[]): Range => {
  const room = SNIPPET_CHARS - 2 * CUT.length;
  const [first, last] = [run[0], run.at(-1)];
  if (first === undefined || last === undefined)
    return { start: 0, end: text.length <= SNIPPET_CHARS ? text.length : wordEnd(text, room) };
  if (text.length <= SNIPPET_CHARS) return { start: 0, end: text.length };
  const spare = room - (last.end - first.start);
  const lead = Math.max(0, Math.min(LEAD_CHARS, spare));
  const start = Math.min(first.start, wordStart(text, first.start - lead));
  const end = Math.max(Math.min(last.end, start + room), wordEnd(text, Math.min(text.length, start + room)));
  return { start, end };
};

/** One line of it, with no character that would move a terminal's cursor; where each of the old places is in it. */
const lineOf = (
  text: string,
  { start, end }: Range,
): { readonly line: string; readonly placeOf: (at: number) => number } => {
  let line = start > 0 ? CUT : '';
  const places: number[] = [];
  for (let at = start; at < end; at += 1) {
    places.push(line.length);
    const char = text.charAt(at);
    const isBlank = /[\s\p{Cc}\p{Cf}]/u.test(char);
    if (!isBlank) line += char;
    else if (line !== '' && line !== CUT && !line.endsWith(' ')) line += ' ';
  }
  const { length } = line;
  line = (end < text.length ? line.trimEnd() + CUT : line.trimEnd()).toWellFormed();
  return { line, placeOf: (at) => places[at - start] ?? length };
};

/** Nothing of it matches: its beginning. Never throws. */
export const snippetOf = (text: string, words: string): Snippet => {
  const readable = readableOf(text);
  const run = bestRun(matchesIn(readable, words), SNIPPET_CHARS - 2 * CUT.length);
  const window = windowOf(readable, run);
  const { line, placeOf } = lineOf(readable, window);
  const marks: Range[] = [];
  for (const match of run) {
    const [start, end] = [placeOf(match.start), placeOf(Math.min(match.end, window.end))];
    if (start < end && start >= (marks.at(-1)?.end ?? 0)) marks.push({ start, end });
  }
  return { text: line, marks };
};

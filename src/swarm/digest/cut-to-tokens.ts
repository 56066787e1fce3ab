/** Owns how texts of any length are kept within so many tokens. */
import type { CountTokens } from './token-count.ts';

/** The encoding takes time by the square of a long word: so much is looked at at once. */
const SLICE_CHARS = 512;
const SHRINK = 0.95;

/** How many characters of a short text are within so many tokens. */
const fitting = (text: string, maxTokens: number, count: CountTokens): number => {
  let [fits, tooLong] = [0, text.length + 1];
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1;
    if (count(text.slice(0, middle)) <= maxTokens) fits = middle;
    else tooLong = middle;
  }
  return fits;
};

/** The beginning of a text, at most so many tokens; no character is cut in two. Empty: there is no room. */
export const cutToTokens = (text: string, maxTokens: number, count: CountTokens): string => {
  let [chars, left] = [0, maxTokens];
  while (chars < text.length && left > 0) {
    const slice = text.slice(chars, chars + SLICE_CHARS);
    const tokens = count(slice);
    if (tokens > left) {
      chars += fitting(slice, left, count);
      break;
    }
    chars += slice.length;
    left -= tokens;
  }
  const whole = (end: number): string => text.slice(0, end).replace(/[\uD800-\uDBFF]$/, '');
  while (chars > 0 && count(whole(chars)) > maxTokens) chars = Math.floor(chars * SHRINK); // slices counted alone may differ
  return whole(chars);
};

/** Lines of one kind. */
export interface LineGroup {
  /** The most important first. */
  readonly lines: readonly string[];
  /** Stands above them; empty: nothing does. */
  readonly title: string;
  /** Whether they are shown in the other direction: the newest are the most important, and are read from the oldest. */
  readonly isReversed?: boolean;
  /** Of the room, what it may take before the others had theirs. */
  readonly share: number;
}

export interface FilledGroup {
  readonly text: readonly string[];
  readonly leftOut: number;
}

/** How many lines of each group there is room for: first within their shares, then as they come. */
export const fillGroups = (
  groups: readonly LineGroup[],
  roomTokens: number,
  count: CountTokens,
): readonly FilledGroup[] => {
  const shown = groups.map(() => 0);
  let used = 0;
  const tokensOf = (line: string): number => count(`${line}\n`);
  const fill = (at: number, { lines, title }: LineGroup, mostTokens: number): void => {
    let own = 0;
    for (let next = shown[at] ?? 0; next < lines.length; next = shown[at] ?? 0) {
      const tokens = tokensOf(lines[next] ?? '') + (next === 0 && title !== '' ? tokensOf(title) : 0);
      if (used + tokens > roomTokens || own + tokens > mostTokens) return;
      shown[at] = next + 1;
      used += tokens;
      own += tokens;
    }
  };
  for (const [at, group] of groups.entries()) fill(at, group, group.share * roomTokens);
  for (const [at, group] of groups.entries()) fill(at, group, Infinity);
  return groups.map(({ lines, title, isReversed }, at) => {
    const told = lines.slice(0, shown[at]);
    const inOrder = isReversed === true ? told.toReversed() : told;
    const text = told.length === 0 || title === '' ? inOrder : [title, ...inOrder];
    return { text, leftOut: lines.length - told.length };
  });
};

/**
 * Owns where the comments of a source text are. A heuristic, not a parser: it knows marks and quotes, and where it is
 * mistaken about a quote the end of the line puts it right.
 *
 * T1. Takes time in proportion to the text, whatever stands in it.
 */

/** @import { CommentSyntax } from './comment-syntax.mjs' */

/** Whether a mark like `#` begins a comment there and is no part of a word (`a#b`, `$#`, `\%`). @param {string} text @param {number} at @param {string} mark */
const isFree = (text, at, mark) => {
  if (at === 0 || mark.length > 1) return true;
  const before = text[at - 1] ?? '';
  return mark === '%' ? before !== '\\' : /[\s;{}()[\],]/.test(before);
};

/** What stands before `/` where it begins a regular expression and does not divide. */
const BEFORE_PATTERN = /(^|[=(,:;!&|?{}[+>~\n]|\b(return|typeof|case|of|in))[ \t]*$/;
const LOOK_BACK_CHARS = 40;
const MAX_PATTERN_CHARS = 1000; // T1

/** Where the text in quotes that begins at `from` ends; without an end: at the end of the line. @param {string} text @param {number} from @param {{ quote: string, isLong: boolean }} how */
const endOfQuoted = (text, from, { quote, isLong }) => {
  for (let at = from + quote.length; at < text.length; at += 1) {
    const char = text[at];
    if (char === '\\') at += 1;
    else if (char === '\n' && !isLong) return at;
    else if (char === quote[0] && text.startsWith(quote, at)) return at + quote.length;
  }
  return text.length;
};

/** @param {string} text @param {number} from @returns {number} `from`: it is none */
const endOfPattern = (text, from) => {
  if (!BEFORE_PATTERN.test(text.slice(Math.max(0, from - LOOK_BACK_CHARS), from))) return from;
  let isInClass = false;
  const last = Math.min(text.length, from + MAX_PATTERN_CHARS);
  for (let at = from + 1; at < last; at += 1) {
    const char = text[at];
    if (char === '\n') return from;
    if (char === '\\') at += 1;
    else if (char === '[') isInClass = true;
    else if (char === ']') isInClass = false;
    else if (char === '/' && !isInClass) return at + 1;
  }
  return from;
};

/** @param {string} text @param {string} mark @param {number} from */
const indexOrEnd = (text, mark, from) => {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found;
};

/** @param {string} text */
const escapePattern = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);

/** @type {Map<CommentSyntax, RegExp>} */
const marks = new Map();

/** All that begins something, the longer first. @param {CommentSyntax} syntax */
const marksOf = (syntax) => {
  const known = marks.get(syntax);
  if (known !== undefined) return known;
  const all = [...syntax.block.map(([open]) => open), ...syntax.line, ...syntax.quotes];
  if (syntax.hasPatterns) all.push('/');
  const sorted = all.toSorted((a, b) => b.length - a.length).map(escapePattern);
  const pattern = new RegExp(sorted.join('|'), 'g');
  marks.set(syntax, pattern);
  return pattern;
};

/**
 * What begins at a mark.
 * @param {string} text @param {{ mark: string, at: number }} found @param {CommentSyntax} syntax
 * @returns {{ isComment: boolean, end: number }}
 */
const partAt = (text, { mark, at }, syntax) => {
  const block = syntax.block.find(([open]) => open === mark);
  if (block !== undefined)
    return { isComment: true, end: indexOrEnd(text, block[1], at + mark.length) + block[1].length };
  if (syntax.line.includes(mark)) {
    return isFree(text, at, mark)
      ? { isComment: true, end: indexOrEnd(text, '\n', at) }
      : { isComment: false, end: at + mark.length };
  }
  if (mark === '/') return { isComment: false, end: Math.max(at + 1, endOfPattern(text, at)) };
  const isLong = syntax.long.includes(mark);
  return { isComment: false, end: endOfQuoted(text, at, { quote: mark, isLong }) };
};

/**
 * The comments of a text, in order; a triple-quoted text that is a statement of its own (a docstring) is one too.
 * @param {string} text
 * @param {CommentSyntax} syntax
 * @returns {{ from: number, to: number }[]}
 */
export const commentsIn = (text, syntax) => {
  /** @type {{ from: number, to: number }[]} */
  const comments = [];
  const pattern = marksOf(syntax);
  pattern.lastIndex = 0;
  for (let found = pattern.exec(text); found !== null; found = pattern.exec(text)) {
    const { isComment, end } = partAt(text, { mark: found[0], at: found.index }, syntax);
    const isDocstring = found[0].length === 3 && syntax.line.includes('#') && isAlone(text, found.index);
    if (isComment || isDocstring) comments.push({ from: found.index, to: end });
    pattern.lastIndex = end;
  }
  return comments;
};

/** Whether nothing stands before it on its line. @param {string} text @param {number} at */
const isAlone = (text, at) => /(^|\n)[ \t]*$/.test(text.slice(Math.max(0, at - 200), at));

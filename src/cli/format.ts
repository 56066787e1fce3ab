/** Owns how durations, sizes and foreign text are shown to people. */
import { eastAsianWidth } from 'get-east-asian-width';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `4 ms`, `1.2 s`, `3m 05s`, `2h 10m`, `5d 3h`. */
export const formatDuration = (ms: number): string => {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < MINUTE_MS) return `${(ms / 1000).toFixed(1)} s`;
  const two = (value: number): string => String(Math.trunc(value)).padStart(2, '0');
  if (ms < HOUR_MS) return `${Math.trunc(ms / MINUTE_MS)}m ${two((ms % MINUTE_MS) / 1000)}s`;
  if (ms < DAY_MS) return `${Math.trunc(ms / HOUR_MS)}h ${two((ms % HOUR_MS) / MINUTE_MS)}m`;
  return `${Math.trunc(ms / DAY_MS)}d ${Math.trunc((ms % DAY_MS) / HOUR_MS)}h`;
};

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Decimal units, as disks and `ls --si` have them: `913 B`, `1.4 MB`. */
export const formatBytes = (bytes: number): string => {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
};

// eslint-disable-next-line no-control-regex -- finding control characters is what it is for
const CONTROL = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]|\u202A|\u202B|\u202D|\u202E|\u2066|\u2067|\u2068/g;

/** Whole sequences: colours and cursor (CSI), titles and links (OSC), other strings, and the short ones. */
const ESCAPE_SEQUENCE =
  // eslint-disable-next-line no-control-regex -- the same
  /(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]|\u001B[\]PX^_][^\u0007\u001B\u009C]*(?:\u0007|\u001B\\|\u009C)|\u001B[ -/]*[0-~]/g;

/**
 * Text of a tool or an agent without what would steer the terminal: escape sequences, carriage returns, direction
 * overrides. Line feeds and tabs stay.
 */
export const printable = (text: string): string => {
  const hasEscapes = text.includes('\u001B') || text.includes('\u009B');
  return (hasEscapes ? text.replaceAll(ESCAPE_SEQUENCE, '') : text).replaceAll(CONTROL, '');
};

export const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';

// oxlint-disable-next-line no-control-regex -- what is outside of printable ASCII is measured
const PLAIN = /^[\x20-\x7E]*$/;
const MARKS = /\p{Mark}|\u200B|\u200D|\uFE0F/gu;

/** Made when it is first needed: it takes 20 ms, as much as all else of a short command. */
let segmenter: Intl.Segmenter | undefined;
const graphemesOf = (text: string): Iterable<{ readonly segment: string }> =>
  (segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' })).segment(text);

/** Of one character as people see it: that of its first part, which others only modify. */
const widthOf = (grapheme: string): number => {
  const first = grapheme.replaceAll(MARKS, '').codePointAt(0);
  return first === undefined ? 0 : eastAsianWidth(first);
};

/** How many columns of a terminal the text takes: wide characters take two, marks none. */
export const columnsOf = (text: string): number => {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemesOf(text)) width += widthOf(segment);
  return width;
};

/** At most so many columns; what was cut ends in `…`. */
export const clip = (text: string, columns: number): string => {
  if (text.length * 2 <= columns || columnsOf(text) <= columns) return text;
  const room = Math.max(1, columns - 1);
  if (PLAIN.test(text)) return `${text.slice(0, room)}…`;
  let kept = '';
  let width = 0;
  for (const { segment } of graphemesOf(text.slice(0, 4 * columns).toWellFormed())) {
    width += widthOf(segment);
    if (width > room) break;
    kept += segment;
  }
  return `${kept}…`;
};

/** The text with spaces behind it, so that it takes that many columns. */
export const padTo = (text: string, columns: number): string =>
  text + ' '.repeat(Math.max(0, columns - columnsOf(text)));

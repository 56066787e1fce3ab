/** Owns plain tables for terminals: columns as wide as their widest cell, nothing padded at the end of a line. */
import { printable } from './format.ts';

// eslint-disable-next-line no-control-regex -- colours take no room on the screen
const COLOUR = /\u001B\[[\d;]*m/g;

const widthOf = (text: string): number => text.replaceAll(COLOUR, '').length;

/** Foreign text as one line that cannot steer the terminal. */
export const cell = (text: string): string => printable(text).replaceAll(/\s+/g, ' ').trim();

/** Rows of cells as lines, `indent` spaces before each. */
export const renderTable = (rows: readonly (readonly string[])[], indent = 0): string => {
  const widths = rows.reduce<number[]>((widest, row) => {
    for (const [at, text] of row.entries()) widest[at] = Math.max(widest[at] ?? 0, widthOf(text));
    return widest;
  }, []);
  const line = (row: readonly string[]): string =>
    row
      .map((text, at) => text + ' '.repeat(Math.max(0, (widths[at] ?? 0) - widthOf(text))))
      .join('  ')
      .trimEnd();
  return rows.map((row) => `${' '.repeat(indent)}${line(row)}\n`).join('');
};

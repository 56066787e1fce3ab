/** Owns how facts become Markdown that shows them as they are: nothing in a file name or a message is taken for markup. */

/** @param {number} count */
export const number = (count) => Math.round(count).toLocaleString('en-US');

/** @param {number} count @param {string} noun @param {string} [plural] */
export const counted = (count, noun, plural = `${noun}s`) => `${number(count)} ${count === 1 ? noun : plural}`;

/** `2 files and 1 folder`; what there is none of is left out. @param {number} files @param {number} folders */
export const filesAndFolders = (files, folders) =>
  [files > 0 ? counted(files, 'file') : '', folders > 0 ? counted(folders, 'folder') : '']
    .filter((part) => part !== '')
    .join(' and ');

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];

/** Powers of 1,000. @param {number} bytes */
export const size = (bytes) => {
  if (bytes === 1) return '1 byte';
  let value = bytes;
  let unit = 0;
  for (; value >= 999.5 && unit < UNITS.length - 1; unit += 1) value /= 1000;
  const digits = unit === 0 || value >= 99.5 ? 0 : value >= 9.95 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
};

/** A part of a whole, in per cent. @param {number} part @param {number} whole */
export const share = (part, whole) => {
  if (whole === 0) return '–';
  const percent = (part / whole) * 100;
  return percent > 0 && percent < 1 ? '< 1 %' : `${Math.round(percent)} %`;
};

/** @param {number} atS Unix seconds; UTC */
export const day = (atS) => {
  const date = new Date(atS * 1000);
  return Number.isNaN(date.getTime()) ? 'unknown' : date.toISOString().slice(0, 10);
};

/** Text as text: what Markdown would take for markup is escaped. @param {string} value */
export const text = (value) =>
  value.replace(/[\\`*_{}[\]<>#|~$&]/g, (char) => `\\${char}`).replace(/(^|\s)([+-]|\d+\.)(?=\s)/g, '$1\\$2');

/** Code as code, also with backticks in it; in a table a bar would end the cell. @param {string} value */
export const code = (value) => {
  if (value === '') return '';
  const longest = Math.max(0, ...(value.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  const pad = value.startsWith('`') || value.endsWith('`') || value.startsWith(' ') || value.endsWith(' ') ? ' ' : '';
  return `${fence}${pad}${value.replaceAll('|', String.raw`\|`)}${pad}${fence}`;
};

/**
 * @param {readonly string[]} head a title that ends in `>` sets its column to the right
 * @param {readonly (readonly string[])[]} rows
 * @returns {string} empty where there are no rows
 */
export const table = (head, rows) => {
  if (rows.length === 0) return '';
  const titles = head.map((title) => title.replace(/>$/, ''));
  const rule = head.map((title) => (title.endsWith('>') ? '---:' : '---'));
  return [titles, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
};

/** Facts by name; those without a value are left out. @param {readonly (readonly [string, string])[]} facts */
export const factTable = (facts) =>
  table(
    ['', ''],
    facts.filter(([, value]) => value !== ''),
  );

/** `a, b and 3 more` @param {readonly string[]} items @param {number} [total] how many there are in all */
export const list = (items, total = items.length) =>
  `${items.join(', ')}${total > items.length ? ` and ${number(total - items.length)} more` : ''}`;

/** Parts with an empty line between them; empty ones are left out. @param {readonly string[]} parts */
export const paragraphs = (parts) => parts.filter((part) => part !== '').join('\n\n');

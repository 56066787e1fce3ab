/**
 * Owns a line of the bus as a row of CSV (RFC 4180): columns that stay the same whatever the lines hold.
 *
 * V1. Columns are API: new ones come before `data`, none changes its meaning.
 * V2. A text that a spreadsheet would take for a formula gets an apostrophe before it: what agents write is no program.
 */
import { type BusLine, redactionOf } from '../../bus/line.ts';
import { transitionOfBusType } from '../../model/entity.ts';

type Column = readonly [name: string, value: (line: BusLine) => unknown];

const ofMeta = (key: string): Column => [key, ({ meta }) => meta[key]];
const ofData = (key: string): Column => [key, ({ data }) => data[key]];

/** As `--status` asks for it. */
const statusOf = ({ type, data }: BusLine): unknown => {
  if (type === 'tool_call') return typeof data['ok'] === 'boolean' ? (data['ok'] ? 'ok' : 'failed') : undefined;
  if (type === 'session_end_summary') return data['outcome'];
  return transitionOfBusType(type) === undefined ? undefined : data['to'];
};

const COLUMNS: readonly Column[] = [
  ['ts', ({ ts }) => ts],
  ['type', ({ type }) => type],
  ['entity', ({ entity, meta }) => meta['entity_id'] ?? entity],
  ['channel', ({ entity }) => entity],
  ['writer', ({ writer }) => writer],
  ['seq', ({ seq }) => seq],
  ['id', ({ id }) => id],
  ofMeta('session_id'),
  ofMeta('entity_type'),
  ofMeta('parent_id'),
  ofMeta('root_id'),
  ofMeta('attempt'),
  ofMeta('job'),
  ofMeta('domain'),
  ofMeta('intent'),
  ofMeta('role'),
  ofMeta('agent'),
  ofMeta('host'),
  ofMeta('pid'),
  ofMeta('trace_id'),
  ofMeta('span_id'),
  ['tags', ({ meta: { tags } }) => (Array.isArray(tags) ? tags.join(' ') : tags)],
  ['status', statusOf],
  ofData('from'),
  ofData('rev'),
  ofData('tool_name'),
  ofData('tool_use_id'),
  ofData('duration_ms'),
  ofData('exit_code'),
  ofData('summary'),
  ofData('error'),
  ofData('reason'),
  ofData('text'),
  ofData('calls'),
  ofData('errors'),
  ofData('model'),
  ofData('input_tokens'),
  ofData('cache_read_tokens'),
  ofData('cache_write_tokens'),
  ofData('output_tokens'),
  ofData('cost_usd'),
  ['redacted', (line) => redactionOf(line)],
  ['data', ({ data }) => data],
];

const FORMULA_START = /^[=+\-@\t\r]/;
const NEEDS_QUOTES = /[",\r\n]/;

const textOf = (value: unknown): string => {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return FORMULA_START.test(text) ? `'${text}` : text; // V2
};

const cellOf = (text: string): string => (NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

const rowOf = (values: readonly unknown[]): string => `${values.map((value) => cellOf(textOf(value))).join(',')}\r\n`;

/** The first row: the names of the columns. */
export const CSV_HEADER = rowOf(COLUMNS.map(([name]) => name));

export const csvRow = (line: BusLine): string => rowOf(COLUMNS.map(([, value]) => value(line)));

/** Owns the text of a line that it is found by, and the line of it that people are shown. Pure; all of it is redacted. */
import type { BusLine } from '../bus/line.ts';

export interface MemoryDocument {
  /** A line for people. */
  readonly summary: string;
  /** At most {@link DOCUMENT_CHARS}: the most telling first. */
  readonly text: string;
}

export const DOCUMENT_CHARS = 6_000;
const RESULT_CHARS = 2_000;

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textOf = (fields: Fields, key: string): string => {
  const value = fields[key];
  return typeof value === 'string' ? value : '';
};

const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];

/** A body as text: of a long one its head. */
const bodyText = (value: unknown): string => {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value.slice(0, RESULT_CHARS);
  if (isFields(value) && typeof value['$blob'] === 'string') return textOf(value, 'head').slice(0, RESULT_CHARS);
  return JSON.stringify(value).slice(0, RESULT_CHARS);
};

const firstLine = (text: string): string => text.trim().split('\n', 1)[0]?.trim() ?? '';

const partsOf = ({ type, meta, data }: BusLine): readonly string[] => {
  const about = [textOf(data, 'name'), textOf(meta, 'job'), textOf(meta, 'domain'), textOf(meta, 'intent')];
  const end = [textOf(data, 'error'), textOf(data, 'reason'), bodyText(data['result'])];
  if (type !== 'session_end_summary') {
    const dispatch = isFields(data['dispatch']) ? data['dispatch'] : {};
    return [textOf(data, 'summary'), textOf(data, 'description'), ...end, bodyText(dispatch['inputs']), ...about];
  }
  const digest = isFields(data['digest']) ? data['digest'] : {};
  const lists = ['errors', 'files', 'commands'].map((key) => textsOf(digest[key]).join('\n'));
  const tools = isFields(data['calls_by_tool']) ? Object.keys(data['calls_by_tool']).join(' ') : '';
  const said = textOf(digest, 'said');
  const result = bodyText(data['result']);
  return [
    textOf(digest, 'asked'),
    said,
    said === result ? '' : result,
    ...lists,
    ...about,
    textOf(meta, 'agent'),
    tools,
  ];
};

/** Pure; never throws. */
export const documentOf = (line: BusLine): MemoryDocument => {
  const { data } = line;
  const digest = isFields(data['digest']) ? data['digest'] : {};
  const parts = partsOf(line).filter((part) => part.trim() !== '');
  const told = [textOf(data, 'summary'), textOf(data, 'error'), textOf(data, 'reason'), bodyText(data['result'])];
  const shown = [textOf(digest, 'asked'), textOf(digest, 'said'), ...told].map(firstLine).find((one) => one !== '');
  return { summary: shown ?? firstLine(parts[0] ?? ''), text: parts.join('\n').slice(0, DOCUMENT_CHARS) };
};

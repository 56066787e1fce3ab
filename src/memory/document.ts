/** Owns the text of a line that it is found by, and the line of it that people are shown. Pure; all of it is redacted. */
import type { BusLine } from '../bus/line.ts';

export interface MemoryDocument {
  /** A line for people. */
  readonly summary: string;
  /** At most {@link DOCUMENT_CHARS}: the most telling first, as models for dense vectors may read no more than that. */
  readonly text: string;
}

export const DOCUMENT_CHARS = 6_000;
const RESULT_CHARS = 2_000;
/** Kept for names, files, commands and errors, however long what was asked and said is. */
const NAMES_CHARS = 2_000;

/** No half of a character stays at the cut: Qdrant would refuse the whole batch. */
export const cutText = (text: string, chars: number): string => text.slice(0, chars).toWellFormed();

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textOf = (fields: Fields, key: string): string => {
  const value = fields[key];
  return typeof value === 'string' ? value : '';
};

const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];

/** Of declared outputs what is written for people, where it comes first; also of a JSON that is cut. */
const TOLD_FIRST = /^\{"(?:gist|summary|message|text|result)":("(?:[^"\\]|\\.)*)/;

const toldFirst = (json: string): string => {
  const told = TOLD_FIRST.exec(json)?.[1];
  if (told === undefined) return json;
  try {
    return `${String(JSON.parse(`${told}"`))}\n${json.slice(json.indexOf(told) + told.length)}`;
  } catch {
    return json; // cut within an escape
  }
};

/** A body as text: of a long one its head. */
const bodyText = (value: unknown): string => {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value.slice(0, RESULT_CHARS);
  const isBlob = isFields(value) && typeof value['$blob'] === 'string';
  return toldFirst(isBlob ? textOf(value, 'head') : JSON.stringify(value)).slice(0, RESULT_CHARS);
};

const firstLine = (text: string): string => text.trim().split('\n', 1)[0]?.trim() ?? '';

interface Parts {
  /** What was asked, said, and what came of it. */
  readonly prose: readonly string[];
  readonly names: readonly string[];
}

const partsOf = ({ type, meta, data }: BusLine): Parts => {
  const about = [textOf(data, 'name'), textOf(meta, 'job'), textOf(meta, 'domain'), textOf(meta, 'intent')];
  if (type !== 'session_end_summary') {
    const dispatch = isFields(data['dispatch']) ? data['dispatch'] : {};
    const told = ['summary', 'description', 'error', 'reason'].map((key) => textOf(data, key));
    return { prose: [...told, bodyText(data['result']), bodyText(dispatch['inputs'])], names: about };
  }
  const digest = isFields(data['digest']) ? data['digest'] : {};
  const lists = ['errors', 'files', 'commands'].map((key) => textsOf(digest[key]).join('\n'));
  const tools = isFields(data['calls_by_tool']) ? Object.keys(data['calls_by_tool']).join(' ') : '';
  const said = textOf(digest, 'said');
  const result = bodyText(data['result']);
  return {
    prose: [textOf(digest, 'asked'), said, said === result ? '' : result],
    names: [...about, textOf(meta, 'agent'), tools, ...lists],
  };
};

const joined = (parts: readonly string[]): string => parts.filter((part) => part.trim() !== '').join('\n');

/** Pure; never throws. */
export const documentOf = (line: BusLine): MemoryDocument => {
  const { data } = line;
  const digest = isFields(data['digest']) ? data['digest'] : {};
  const { prose, names } = partsOf(line);
  const allNames = joined(names);
  const room = DOCUMENT_CHARS - 1 - Math.min(allNames.length, NAMES_CHARS);
  const allProse = cutText(joined(prose), room);
  // A step that says nothing of itself would be found by its job's name, before the job that says much.
  const isSilent = line.type !== 'session_end_summary' && allProse === '' && textOf(data, 'name') === '';
  const text = isSilent ? '' : cutText(joined([allProse, allNames]), DOCUMENT_CHARS);
  const told = [textOf(data, 'summary'), textOf(data, 'error'), textOf(data, 'reason'), bodyText(data['result'])];
  const shown = [textOf(digest, 'asked'), textOf(digest, 'said'), ...told].map(firstLine).find((one) => one !== '');
  return { summary: (shown ?? firstLine(allNames)).toWellFormed(), text };
};

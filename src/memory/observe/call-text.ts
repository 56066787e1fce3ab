/** Owns the text of a tool call that it is found by: tool, title, input, error, and how its response begins. Pure. */
import type { BusLine } from '../../bus/line.ts';

const INPUT_CHARS = 3_000;
const ERROR_CHARS = 1_500;
const RESPONSE_CHARS = 1_500;
const MAX_DEPTH = 8;

type Fields = Readonly<Record<string, unknown>>;

/** The words of JSON that is not whole: what is escaped in it parts them. */
const brokenJson = (text: string): string => text.replaceAll(/\\(?:u[\da-fA-F]{4}|.)/g, ' ');

/** All texts and numbers in a body, in its order, on a line each; names of fields are left out. */
const wordsOf = (body: unknown, maxChars: number): string => {
  let text = '';
  const add = (value: unknown, depth: number): void => {
    if (text.length >= maxChars) return;
    if (typeof value === 'string') text += `${text === '' ? '' : '\n'}${value.slice(0, maxChars)}`;
    else if (typeof value === 'number') text += ` ${value}`;
    else if (typeof value === 'object' && value !== null && depth < MAX_DEPTH) {
      const { $blob: blob, head } = value as Fields;
      if (typeof blob === 'string' && typeof head === 'string') add(brokenJson(head), depth + 1);
      else for (const one of Object.values(value)) add(one, depth + 1);
    }
  };
  add(body, 0);
  return text.slice(0, maxChars).trim();
};

/** Pure; never throws. */
export const callText = ({ data }: Pick<BusLine, 'data'>): string =>
  [
    typeof data['tool_name'] === 'string' ? data['tool_name'] : '',
    wordsOf(data['title'], INPUT_CHARS),
    wordsOf(data['tool_input'], INPUT_CHARS),
    wordsOf(data['error'], ERROR_CHARS),
    wordsOf(data['tool_response'], RESPONSE_CHARS),
  ]
    .filter((part) => part !== '')
    .join('\n')
    .toWellFormed();

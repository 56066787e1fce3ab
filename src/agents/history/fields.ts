/** Owns how parts of foreign JSON are looked at besides single fields: lists, times, texts in parts. Nothing throws. */
import { type Fields, numberOf, wordOf } from '../read-fields.ts';

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const fieldsIn = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);

/** 1 January of the year 10000: later times have more digits than a line has room for. */
const END_OF_TIME_MS = 253_402_300_800_000;

/** Milliseconds since 1970, of ISO 8601 or of such a number. */
export const timeOf = (value: unknown): number | undefined => {
  const ms = typeof value === 'string' ? Date.parse(value) : numberOf(value);
  return ms !== undefined && ms >= 0 && ms < END_OF_TIME_MS ? Math.trunc(ms) : undefined;
};

/** Parts of text such as `[{type: 'text', text: …}]`, or text alone, as one text. */
export const joinedText = (content: unknown): string | undefined => {
  if (typeof content === 'string') return wordOf(content);
  if (!Array.isArray(content)) return undefined;
  const texts = content.flatMap((part: unknown) =>
    typeof part === 'string' ? part : isFields(part) ? (wordOf(part['text']) ?? []) : [],
  );
  return wordOf(texts.join('\n'));
};

/** `path` is not a path of any system, but its last part names the project well enough. */
export const lastPartOf = (path: string): string | undefined => path.split(/[/\\]/).findLast((part) => part !== '');

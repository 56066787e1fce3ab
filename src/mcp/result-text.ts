/** Owns how an agent is given the result of a pod: as much as it has room for, and how it gets the rest. */
import { errorMessage } from '../model/error.ts';
import { clip } from './clip.ts';
import type { PodRecord } from '../pod/registry/pod-record.ts';
import { headOf, wholeResult } from '../pod/registry/pod-result.ts';

/** Text as it is, anything else as JSON on one line: indentation is context too. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

interface Whole {
  readonly text: string;
  /** Why it is not the whole. */
  readonly gap?: string;
}

/** What came of it; empty: nothing. */
export const readResult = async (record: PodRecord, busDir: string): Promise<Whole> => {
  const known: unknown = record.end?.result ?? null;
  try {
    const value = await wholeResult(record, busDir);
    return { text: value === null ? '' : textOf(value) };
  } catch (thrown) {
    const text = headOf(known) ?? (known === null ? '' : textOf(known));
    return { text, gap: `only its beginning can be read: ${errorMessage(thrown)}` };
  }
};

export interface Part {
  readonly text: string;
  /** Where the next part begins; the length of the whole: there is none. */
  readonly nextOffset: number;
}

const isHighSurrogate = (text: string, at: number): boolean => /[\uD800-\uDBFF]/.test(text.charAt(at));

/** From `offset`, about `maxChars`: no character is cut in two. */
export const partOf = (text: string, offset: number, maxChars: number): Part => {
  const end = Math.min(text.length, offset + Math.max(1, maxChars));
  const isCut = end < text.length && isHighSurrogate(text, end - 1);
  const nextOffset = isCut ? (end - 1 > offset ? end - 1 : end + 1) : end;
  return { text: text.slice(offset, nextOffset), nextOffset };
};

/** What to call for the rest; empty: there is none. */
export const restText = (id: string, text: string, { nextOffset }: Part): string =>
  nextOffset < text.length
    ? `… ${text.length - nextOffset} of ${text.length} characters follow: result with {"id": "${id}", "offset": ${nextOffset}}`
    : '';

/** The error, and the beginning of the result. */
export const resultText = async (
  record: PodRecord,
  { busDir, maxChars }: { readonly busDir: string; readonly maxChars: number },
): Promise<string> => {
  const error = record.end?.error ?? null;
  const { text, gap } = await readResult(record, busDir);
  const told = error === null ? '' : `error: ${clip(error, maxChars)}`;
  const part = partOf(text, 0, maxChars - told.length);
  return [told, part.text, restText(record.entity, text, part), gap ?? ''].filter((each) => each !== '').join('\n');
};

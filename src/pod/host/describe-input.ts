/** Owns the one line that a person sees of a call's input, where the call does not bring its own. */
import { oneLine } from '../tools/tool.ts';

const MAX_CHARS = 400;

/** Never throws, whatever the input is. */
export const describeInput = (input: unknown): string => {
  try {
    if (input === null || input === undefined) return '';
    if (typeof input === 'string') return oneLine(input);
    if (Array.isArray(input) && input.length > 100) return oneLine(`a list of ${input.length}`);
    return oneLine((JSON.stringify(input) ?? '').slice(0, MAX_CHARS));
  } catch {
    return ''; // a cycle, a getter that throws
  }
};

/** Owns the one line that a person sees of an agent's call: the field of its input that says most. */
import { oneLine } from '../tools/tool.ts';
import { describeInput } from './describe-input.ts';

/** As the agents name them, the most telling first. */
const TELLING = [
  'command',
  'cmd',
  'file_path',
  'filePath',
  'absolute_path',
  'path',
  'pattern',
  'query',
  'url',
  'description',
  'prompt',
  'message',
] as const;

/** Never throws, whatever the input is. */
export const describeCall = (input: unknown): string => {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return describeInput(input);
  for (const field of TELLING) {
    const value: unknown = (input as Readonly<Record<string, unknown>>)[field];
    if (typeof value === 'string' && value !== '') return oneLine(value);
    if (Array.isArray(value) && value.length > 0 && value.every((word) => typeof word === 'string')) {
      return oneLine(value.join(' '));
    }
  }
  return describeInput(input);
};

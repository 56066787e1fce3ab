/** Owns the limits that a job sets to the values of its inputs: which type may have which, and whether a value keeps them. */
import { z } from 'zod';

/** Fields of an input in a job file. */
export const INPUT_LIMITS = {
  min: z.number().optional().describe('Of a number: the least it may be.'),
  max: z.number().optional().describe('Of a number: the most it may be.'),
  integer: z.boolean().optional().describe('Of a number: whether it must be a whole one.'),
  enum: z.array(z.string()).min(1).max(100).optional().describe('Of a string: the values it may have.'),
  pattern: z
    .string()
    .min(1)
    .max(2000)
    .optional()
    .describe('Of a string: a regular expression that the whole of it must match.'),
};

type LimitName = keyof typeof INPUT_LIMITS;

/** An input as far as limits go; `description` is told where a pattern would tell nothing. */
export interface LimitedInput {
  readonly type: string;
  readonly description?: string | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly integer?: boolean | undefined;
  readonly enum?: readonly string[] | undefined;
  readonly pattern?: string | undefined;
}

const TYPE_OF_LIMIT: Readonly<Record<LimitName, 'number' | 'string'>> = {
  min: 'number',
  max: 'number',
  integer: 'number',
  enum: 'string',
  pattern: 'string',
};

const compiled = (pattern: string): RegExp | undefined => {
  try {
    return new RegExp(`^(?:${pattern})$`, 'u');
  } catch {
    return undefined;
  }
};

const rangeText = ({ min, max, integer }: LimitedInput): string => {
  const noun = integer === true ? 'a whole number' : 'a number';
  if (min !== undefined && max !== undefined) return `${noun} from ${min} to ${max}`;
  if (min !== undefined) return `${noun} from ${min} on`;
  return max === undefined ? noun : `${noun} up to ${max}`;
};

/** What the value must be, where it is not; `undefined`: it keeps all limits. */
export const unkeptLimit = (input: LimitedInput, value: string | number | boolean): string | undefined => {
  if (typeof value === 'number') {
    const { min = -Infinity, max = Infinity, integer } = input;
    const isKept = value >= min && value <= max && (integer !== true || Number.isInteger(value));
    return isKept ? undefined : rangeText(input);
  }
  if (typeof value !== 'string') return undefined;
  if (input.enum !== undefined && !input.enum.includes(value))
    return input.enum.map((one) => JSON.stringify(one)).join(' or ');
  if (input.pattern === undefined || compiled(input.pattern)?.test(value) !== false) return undefined;
  return input.description === undefined
    ? `text that matches ${JSON.stringify(input.pattern)}`
    : `as described (${input.description.replace(/\.$/, '')})`;
};

export interface LimitProblem {
  readonly field: LimitName;
  readonly message: string;
}

/** What is wrong with the limits themselves. */
export const limitProblems = (input: LimitedInput): readonly LimitProblem[] => {
  const problems: LimitProblem[] = [];
  for (const field of Object.keys(TYPE_OF_LIMIT) as LimitName[]) {
    const type = TYPE_OF_LIMIT[field];
    if (input[field] !== undefined && input.type !== type)
      problems.push({ field, message: `is a limit for an input of type ${type}; this one is of type ${input.type}` });
  }
  const { min, max, pattern } = input;
  if (min !== undefined && max !== undefined && min > max)
    problems.push({ field: 'min', message: `must not be above max (${max})` });
  if (pattern !== undefined && compiled(pattern) === undefined)
    problems.push({ field: 'pattern', message: 'is not a regular expression' });
  return problems;
};

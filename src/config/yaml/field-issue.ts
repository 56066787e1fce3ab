/** Owns what is said of a value that does not fit its schema: what is wrong, and what would be right. Pure. */
import type { z } from 'zod';
import { suggestion } from './nearest.ts';
import { shapeOf } from '../init/setting-list.ts';

export interface FieldIssue {
  readonly path: readonly PropertyKey[];
  /** The key itself is wrong, not what stands behind it. */
  readonly isAboutKey: boolean;
  readonly message: string;
}

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly issues: readonly FieldIssue[] };

type RawIssue = z.core.$ZodRawIssue;

const NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'fields by name',
  record: 'fields by name',
  null: 'nothing',
};

/** What a value is, in the words of the person who wrote the file. */
export const kindOf = (value: unknown): string => {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'fields by name';
  if (typeof value === 'string' && value.length > 60) return 'text';
  return JSON.stringify(value);
};

/** `steps[0].input.argv` */
export const fieldName = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((name, part) => {
    if (typeof part === 'number') return `${name}[${part}]`;
    const text = String(part);
    if (!/^[\p{L}_][\p{L}\p{N}_-]*$/u.test(text)) return `${name}[${JSON.stringify(text)}]`;
    return name === '' ? text : `${name}.${text}`;
  }, '');

const ofRange = (issue: Extract<RawIssue, { code: 'too_small' | 'too_big' }>): string => {
  const isLow = issue.code === 'too_small';
  const bound = Number(issue.code === 'too_small' ? issue.minimum : issue.maximum);
  const word = isLow ? 'at least' : 'at most';
  if (issue.origin === 'string')
    return bound === 1 && isLow ? 'must not be empty' : `must have ${word} ${bound} characters`;
  if (issue.origin === 'array')
    return bound === 1 && isLow ? 'must not be empty' : `must have ${word} ${bound} entries`;
  return `must be ${issue.inclusive === false ? (isLow ? 'more than' : 'less than') : word} ${bound}; this is ${kindOf(issue.input)}`;
};

/** Stands for: tell what the union's first option has to say. A union with words of its own does not come to this. */
const OF_FIRST_OPTION = '\0';

const describe = (issue: RawIssue): string => {
  switch (issue.code) {
    case 'invalid_type': {
      const wanted = NAMES[issue.expected] ?? issue.expected;
      return issue.input === undefined
        ? `is missing; must be ${wanted}`
        : `must be ${wanted}, not ${kindOf(issue.input)}`;
    }
    case 'invalid_value': {
      const values = issue.values.map(String);
      const missing = issue.input === undefined ? 'is missing; ' : `must not be ${kindOf(issue.input)}; `;
      return `${missing}${suggestion(typeof issue.input === 'string' ? issue.input : '', values)}`;
    }
    case 'too_small':
    case 'too_big':
      return ofRange(issue);
    case 'unrecognized_keys':
      return 'unknown field';
    case 'invalid_union':
      return OF_FIRST_OPTION;
    default:
      return issue.input === undefined ? 'is missing' : `does not fit: ${kindOf(issue.input)}`;
  }
};

const knownKeys = (issue: RawIssue): readonly string[] =>
  issue.inst === undefined ? [] : Object.keys(shapeOf(issue.inst as z.core.$ZodType) ?? {});

type KnownKeys = ReadonlyMap<string, readonly string[]>;

/** One finding for each unknown field; a finding about a name is told at the name. */
const findings = (issue: z.core.$ZodIssue, known: KnownKeys): readonly FieldIssue[] => {
  const { path, message } = issue;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      isAboutKey: true,
      message: `unknown field; ${suggestion(key, known.get(fieldName(path)) ?? [])}`,
    }));
  }
  if (issue.code === 'invalid_key') {
    return [{ path, isAboutKey: true, message: `the name ${issue.issues[0]?.message ?? 'does not fit'}` }];
  }
  if (issue.code === 'invalid_union' && message === OF_FIRST_OPTION) {
    const below = (issue.errors[0] ?? []).flatMap((inner) => findings(inner, known));
    return below.map((inner) => ({ ...inner, path: [...path, ...inner.path] }));
  }
  return [{ path, isAboutKey: false, message }];
};

/** Checks a value; all that is wrong at once. A schema's own words go before ours. */
export const checkValue = <T extends z.ZodType>(schema: T, value: unknown): Checked<z.output<T>> => {
  const known = new Map<string, readonly string[]>();
  const parsed = schema.safeParse(value, {
    jitless: true, // to make code of a schema takes longer than the few values that a command checks
    error: (issue) => {
      if (issue.code === 'unrecognized_keys') known.set(fieldName(issue.path ?? []), knownKeys(issue));
      return describe(issue);
    },
  });
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, issues: parsed.error.issues.flatMap((issue) => findings(issue, known)) };
};

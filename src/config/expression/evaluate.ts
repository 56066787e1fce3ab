/**
 * Owns what an expression comes to, and what it refers to.
 *
 * V1. Only own properties are reached: nothing of a prototype, no function of the runtime, no code.
 * V2. What is not there is nothing (null), not an error; a comparison that makes no sense is one.
 */
import { isDeepStrictEqual } from 'node:util';
import { NikaError } from '../../model/error.ts';
import type { BinaryOperator, Expression, FunctionName } from './expression.ts';

/** What a finished step left behind, as expressions see it. */
export interface StepResult {
  /** The gist: stdout without its last newline, a file's content, the list, the matches, the body. */
  readonly output: unknown;
  readonly ok: boolean;
  readonly exit_code: number | null;
  readonly stdout: string | null;
  readonly stderr: string | null;
  /** All that the tool gave back. */
  readonly response: unknown;
  readonly error: string | null;
}

/** The names an expression can begin with. */
export interface Scope {
  readonly inputs: Readonly<Record<string, unknown>>;
  /** By the id of the step; a step that did not run is not there. */
  readonly steps: Readonly<Record<string, StepResult>>;
  /** `dir`: folder of the job file. `cwd`: where the steps run. */
  readonly job: { readonly id: string; readonly name: string; readonly dir: string; readonly cwd: string };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `node`: path of the Node that runs nika. */
  readonly nika: { readonly node: string; readonly home: string };
}

/** What can stand behind `steps.<id>`, `job` and `nika`. */
export const STEP_FIELDS = [
  'output',
  'ok',
  'exit_code',
  'stdout',
  'stderr',
  'response',
  'error',
] as const satisfies (keyof StepResult)[];
export const JOB_FIELDS = ['id', 'name', 'dir', 'cwd'] as const satisfies (keyof Scope['job'])[];
export const NIKA_FIELDS = ['node', 'home'] as const satisfies (keyof Scope['nika'])[];

/** The names an expression can begin with, and what can stand behind each; `undefined`: that depends on the job. */
export const SCOPE_FIELDS: { readonly [K in keyof Scope]: readonly string[] | undefined } = {
  inputs: undefined,
  steps: undefined,
  job: JOB_FIELDS,
  env: undefined,
  nika: NIKA_FIELDS,
};

/** How the job stands when a step is looked at. */
export interface JobStatus {
  /** A step failed, and was not allowed to. */
  readonly failed: boolean;
}

const refuse = (message: string): never => {
  throw new NikaError('NIKA_JOB_BAD_EXPRESSION', message);
};

const kind = (value: unknown): string => {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
};

const member = (of: unknown, key: unknown): unknown => {
  if (of === null || of === undefined || (typeof key !== 'string' && typeof key !== 'number')) return null;
  if (typeof of === 'string') return key === 'length' ? of.length : null;
  if (typeof of !== 'object' || !Object.hasOwn(of, key)) return null; // V1
  const value: unknown = (of as Readonly<Record<string | number, unknown>>)[key];
  return value === undefined || typeof value === 'function' ? null : value; // V1, V2
};

/** All but nothing, false, 0 and empty text. */
export const isTrue = (value: unknown): boolean => value !== null && value !== false && value !== 0 && value !== '';

const compare = (operator: '<' | '<=' | '>' | '>=', left: unknown, right: unknown): boolean => {
  const areNumbers = typeof left === 'number' && typeof right === 'number';
  const areTexts = typeof left === 'string' && typeof right === 'string';
  if (!areNumbers && !areTexts) return refuse(`${kind(left)} and ${kind(right)} cannot be compared with ${operator}`);
  switch (operator) {
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    default:
      return left >= right;
  }
};

/** JSON of a value; refuses what has none. */
export const jsonOf = (value: unknown): string => {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch {
    return refuse('this value cannot be written as JSON');
  }
};

const contains = (whole: unknown, part: unknown): boolean => {
  if (whole === null) return false;
  if (Array.isArray(whole)) return whole.some((entry) => isDeepStrictEqual(entry, part));
  if (typeof whole === 'string') return whole.includes(typeof part === 'string' ? part : jsonOf(part));
  return refuse(`contains() looks into a text or a list, not into ${kind(whole)}`);
};

const call = (name: FunctionName, [first = null, second = null]: readonly unknown[], status: JobStatus): unknown => {
  switch (name) {
    case 'contains':
      return contains(first, second);
    case 'starts_with':
      return typeof first === 'string' && typeof second === 'string' && first.startsWith(second);
    case 'default':
      return first ?? second;
    case 'json':
      return jsonOf(first);
    case 'always':
      return true;
    case 'failure':
      return status.failed;
    case 'success':
      return !status.failed;
  }
};

const binary = (operator: BinaryOperator, left: unknown, right: () => unknown): unknown => {
  switch (operator) {
    case '||':
      return isTrue(left) ? left : right();
    case '&&':
      return isTrue(left) ? right() : left;
    case '==':
      return isDeepStrictEqual(left, right());
    case '!=':
      return !isDeepStrictEqual(left, right());
    default:
      return compare(operator, left, right());
  }
};

const nameIn = (scope: Scope, name: string): unknown =>
  Object.hasOwn(scope, name) ? scope[name as keyof Scope] : refuse(`unknown name "${name}"`);

/**
 * What the expression comes to: JSON, null for what is not there (V2). `&&` and `||` give one of their sides, as in JavaScript.
 * @throws {NikaError} `NIKA_JOB_BAD_EXPRESSION`: a comparison of things that cannot be compared, or an unknown name.
 */
export const evaluate = (expression: Expression, scope: Scope, status: JobStatus = { failed: false }): unknown => {
  const of = (part: Expression): unknown => evaluate(part, scope, status);
  switch (expression.kind) {
    case 'literal':
      return expression.value;
    case 'name':
      return nameIn(scope, expression.name);
    case 'member':
      return member(of(expression.of), of(expression.key));
    case 'not':
      return !isTrue(of(expression.of));
    case 'binary':
      return binary(expression.operator, of(expression.left), () => of(expression.right));
    case 'call':
      return call(expression.name, expression.args.map(of), status);
  }
};

/** `steps.build.output[0]` is `['steps', 'build', 'output', 0]`; null stands for a key that only the run knows. */
export interface Reference {
  readonly path: readonly (string | number | null)[];
  /** Offset of each part in the text, from 0. */
  readonly at: readonly number[];
}

const literalKey = (key: Expression): string | number | null =>
  key.kind === 'literal' && (typeof key.value === 'string' || typeof key.value === 'number') ? key.value : null;

/** All that an expression reaches for by name. */
export const referencesOf = (expression: Expression): readonly Reference[] => {
  switch (expression.kind) {
    case 'literal':
      return [];
    case 'name':
      return [{ path: [expression.name], at: [expression.at] }];
    case 'member': {
      const [base, ...others] = referencesOf(expression.of);
      const inKey = expression.key.kind === 'literal' ? [] : referencesOf(expression.key);
      if (base === undefined || !isPath(expression.of))
        return [...(base === undefined ? [] : [base]), ...others, ...inKey];
      const longer = { path: [...base.path, literalKey(expression.key)], at: [...base.at, expression.key.at] };
      return [longer, ...others, ...inKey];
    }
    case 'not':
      return referencesOf(expression.of);
    case 'binary':
      return [...referencesOf(expression.left), ...referencesOf(expression.right)];
    case 'call':
      return expression.args.flatMap(referencesOf);
  }
};

const isPath = (expression: Expression): boolean =>
  expression.kind === 'name' || (expression.kind === 'member' && isPath(expression.of));

/** Whether always(), failure() or success() stands in it, and where the first does. */
export const statusCallIn = (expression: Expression): { readonly name: string; readonly at: number } | undefined => {
  switch (expression.kind) {
    case 'literal':
    case 'name':
      return undefined;
    case 'member':
      return statusCallIn(expression.of) ?? statusCallIn(expression.key);
    case 'not':
      return statusCallIn(expression.of);
    case 'binary':
      return statusCallIn(expression.left) ?? statusCallIn(expression.right);
    case 'call':
      if (['always', 'failure', 'success'].includes(expression.name))
        return { name: expression.name, at: expression.at };
      return expression.args.map(statusCallIn).find((found) => found !== undefined);
  }
};

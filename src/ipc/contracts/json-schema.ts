/**
 * Owns how values are checked by JSON Schema (2020-12). The one file that loads ajv: reached by `import()` alone.
 *
 * V1. Schemas and values are of agents, and are checked in the process that watches over a pod: a pattern that never comes
 *     to an end is given up, so that it holds up no tool call (G1).
 */
import { createContext, Script } from 'node:vm';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { errorMessage } from '../../model/error.ts';

const MAX_WHY_CHARS = 1_000;
const WITHIN_MS = 500;
/** By the clock: a process that was stopped meanwhile is late as well. */
const TRIES = 2;
const LATE = `it cannot be checked within ${WITHIN_MS} ms: a pattern, or what it is about, is too much`;

const context: { work?: () => unknown } = {};
createContext(context);
const script = new Script('work()');

/** V1: a limit on time stops the code of a regular expression too; nothing else does. @throws {Error} what `work` throws */
const inTime = <T>(work: () => T): { readonly value: T } | 'late' => {
  context.work = work;
  try {
    return { value: script.runInContext(context, { timeout: WITHIN_MS }) as T };
  } catch (thrown) {
    if ((thrown as { readonly code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return 'late';
    throw thrown;
  } finally {
    delete context.work;
  }
};

/** `strict: false`: a keyword that is not known is passed over, as the standard has it. Nothing is loaded from elsewhere. */
const createChecker = (): Ajv2020 =>
  new Ajv2020({ strict: false, allErrors: true, validateFormats: false, logger: false });

/** @throws {Error} it is no schema, or one of ajv's own that answers later: its answer would be nobody's */
const compile = (checker: Ajv2020, schema: object | boolean): ValidateFunction => {
  if (typeof schema === 'object' && '$async' in schema) throw new Error('"$async" is no word of JSON Schema');
  return checker.compile(schema);
};

/** Why it is no schema that can be used; `undefined`: it is one. */
export const schemaProblem = (schema: object | boolean): string | undefined => {
  try {
    compile(createChecker(), schema);
    return undefined;
  } catch (thrown) {
    return errorMessage(thrown).slice(0, MAX_WHY_CHARS);
  }
};

/** Why the value does not fit; `undefined`: it does. `named`: how the value is called. */
export const valueProblem = (schema: object | boolean, value: unknown, named: string): string | undefined => {
  const checker = createChecker();
  try {
    const check = compile(checker, schema);
    for (let tries = 1; tries <= TRIES; tries += 1) {
      const checked = inTime(() => check(value));
      if (checked === 'late') continue;
      if (checked.value) return undefined;
      const { errors = null } = check;
      return checker.errorsText(errors, { dataVar: named, separator: '; ' }).slice(0, MAX_WHY_CHARS);
    }
    return LATE;
  } catch (thrown) {
    return errorMessage(thrown).slice(0, MAX_WHY_CHARS);
  }
};

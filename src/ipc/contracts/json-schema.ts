/** Owns how values are checked by JSON Schema (2020-12). The one file that loads ajv: reached by `import()` alone. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { errorMessage } from '../../model/error.ts';

const MAX_WHY_CHARS = 1_000;

/** `strict: false`: a keyword that is not known is passed over, as the standard has it. Nothing is loaded from elsewhere. */
const createChecker = (): Ajv2020 =>
  new Ajv2020({ strict: false, allErrors: true, validateFormats: false, logger: false });

/** Why it is no schema that can be used; `undefined`: it is one. */
export const schemaProblem = (schema: object | boolean): string | undefined => {
  try {
    createChecker().compile(schema);
    return undefined;
  } catch (thrown) {
    return errorMessage(thrown).slice(0, MAX_WHY_CHARS);
  }
};

/** Why the value does not fit; `undefined`: it does. `named`: how the value is called. */
export const valueProblem = (schema: object | boolean, value: unknown, named: string): string | undefined => {
  const checker = createChecker();
  try {
    if (checker.validate(schema, value)) return undefined;
  } catch (thrown) {
    return errorMessage(thrown).slice(0, MAX_WHY_CHARS);
  }
  return checker.errorsText(checker.errors, { dataVar: named, separator: '; ' }).slice(0, MAX_WHY_CHARS);
};

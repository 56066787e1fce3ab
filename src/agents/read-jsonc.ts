/** Owns the reading of JSON as agents' settings have it: with comments, and with commas that nothing follows. */
import { type ParseError, parse } from 'jsonc-parser';

/** `undefined`: it is none. */
export const readJsonc = (text: string): unknown => {
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true, disallowComments: false });
  return errors.length === 0 ? value : undefined;
};

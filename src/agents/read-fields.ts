/** Owns the reading of fields from what comes from outside: of another type they are missing (A2). */

export type Fields = Readonly<Record<string, unknown>>;

const NONE: Fields = {};

/** `{}` where it is no object. */
export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : NONE;

export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Not empty. */
export const wordOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

export const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

/** A count of tokens or the like: 0 where it is missing. */
export const countOf = (value: unknown): number => Math.max(0, Math.trunc(numberOf(value) ?? 0));

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The object that a line of JSON is; `undefined`: it is none. */
export const parseFields = (line: string): Fields | undefined => {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
};

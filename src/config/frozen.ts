/** Owns values that nobody can change any more, all the way down. */
import type { Secret } from '../model/secret.ts';

export type Frozen<T> = T extends Secret ? T : T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** Freezes the value itself and all within it; gives it back. */
export const frozen = <T>(value: T): Frozen<T> => {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(Object.freeze(value))) frozen(part);
  return value as Frozen<T>;
};

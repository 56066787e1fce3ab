/**
 * Owns how a glob becomes a sorted list of files. Symbolic links are neither followed nor listed: no circles, and nothing
 * outside of the folder comes in unasked.
 */
import { stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';

export interface FindOptions {
  /** Absolute; the paths found are relative to it. */
  readonly cwd: string;
  /** One that begins with `!` leaves out, like those of `ignore`. */
  readonly globs: readonly string[];
  readonly ignore: readonly string[];
  /** Also names that begin with a dot. */
  readonly dot: boolean;
}

export type Found =
  | { readonly kind: 'found'; readonly paths: readonly string[] }
  | { readonly kind: 'refused'; readonly error: string };

const MAGIC = /[*?[\]{}()!+@\\]/;

/** `../lib/**` as the folder `../lib` and the pattern `**`: a glob is matched below one folder only. */
const splitOutside = (pattern: string): { readonly base: string; readonly rest: string } => {
  if (!isAbsolute(pattern) && !pattern.startsWith('../')) return { base: '.', rest: pattern };
  const parts = pattern.split('/');
  const magicAt = parts.findIndex((part) => MAGIC.test(part));
  const count = magicAt === -1 ? parts.length - 1 : magicAt;
  return { base: parts.slice(0, count).join('/') || '/', rest: parts.slice(count).join('/') };
};

const isNegated = (glob: string): boolean => glob.startsWith('!') && !glob.startsWith('!(');

const isFolder = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false; // not there, or not to be looked at: there is nothing to list
  }
};

/** Patterns by the folder that each is matched below: one walk of each folder. */
const byBase = (patterns: readonly string[]): ReadonlyMap<string, readonly string[]> => {
  const groups = new Map<string, string[]>();
  for (const { base, rest } of patterns.map(splitOutside)) groups.set(base, [...(groups.get(base) ?? []), rest]);
  return groups;
};

/** Sorted by code unit, each once. An aborted signal ends it soon, with what was found by then. */
export const findFiles = async (options: FindOptions, signal: AbortSignal): Promise<Found> => {
  const { cwd, dot, globs } = options;
  if (!(await isFolder(cwd))) return { kind: 'refused', error: `${cwd} is not a folder` };
  const { glob } = await import('tinyglobby');
  const ignore = [...options.ignore, ...globs.filter(isNegated).map((negated) => negated.slice(1))];
  const settings = { dot, ignore, followSymbolicLinks: false, expandDirectories: false, signal };
  const groups = [...byBase(globs.filter((pattern) => !isNegated(pattern)))];
  const found = await Promise.all(
    groups.map(async ([base, patterns]) => {
      const dir = resolve(cwd, base);
      const names = await glob(patterns, { ...settings, cwd: dir });
      return dir === cwd ? names : names.map((name) => relative(cwd, resolve(dir, name)));
    }),
  );
  return { kind: 'found', paths: [...new Set(found.flat())].sort() };
};

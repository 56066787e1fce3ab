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

const findOne = async (pattern: string, options: FindOptions, signal: AbortSignal): Promise<readonly string[]> => {
  const { glob } = await import('tinyglobby');
  const { base, rest } = splitOutside(pattern);
  const dir = resolve(options.cwd, base);
  const names = await glob(rest, {
    cwd: dir,
    dot: options.dot,
    ignore: [...options.ignore, ...options.globs.filter(isNegated).map((glob) => glob.slice(1))],
    followSymbolicLinks: false,
    expandDirectories: false,
    signal,
  });
  return dir === options.cwd ? names : names.map((name) => relative(options.cwd, resolve(dir, name)));
};

/** Sorted by code unit, each once. An aborted signal ends it soon, with what was found by then. */
export const findFiles = async (options: FindOptions, signal: AbortSignal): Promise<Found> => {
  if (!(await isFolder(options.cwd))) return { kind: 'refused', error: `${options.cwd} is not a folder` };
  const patterns = options.globs.filter((glob) => !isNegated(glob));
  const found = await Promise.all(patterns.map((pattern) => findOne(pattern, options, signal)));
  return { kind: 'found', paths: [...new Set(found.flat())].sort() };
};

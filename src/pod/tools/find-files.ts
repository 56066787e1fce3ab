/**
 * Owns how a glob becomes a sorted list of files. Symbolic links are neither followed nor listed: no circles, and nothing
 * outside of the folder comes in unasked. `.git` and `node_modules` are passed over unless `ignore` says otherwise.
 */
import { stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';

export interface FindOptions {
  /** Absolute; the paths found are relative to it. */
  readonly cwd: string;
  readonly glob: string | readonly string[];
  /** Takes the place of {@link DEFAULT_IGNORE}; an empty list passes over nothing. */
  readonly ignore: readonly string[] | undefined;
  /** Also names that begin with a dot. */
  readonly dot: boolean;
}

export type Found = { readonly kind: 'found'; readonly paths: readonly string[] } | { readonly kind: 'refused'; readonly error: string };

export const DEFAULT_IGNORE: readonly string[] = ['**/.git', '**/node_modules'];

const MAGIC = /[*?[\]{}()!+@\\]/;

/** `../lib/**` as the folder `../lib` and the pattern `**`: a glob is matched below one folder only. */
const splitOutside = (pattern: string): { readonly base: string; readonly rest: string } => {
  if (!isAbsolute(pattern) && !pattern.startsWith('../')) return { base: '.', rest: pattern };
  const parts = pattern.split('/');
  const magicAt = parts.findIndex((part) => MAGIC.test(part));
  const count = magicAt === -1 ? parts.length - 1 : magicAt;
  return { base: parts.slice(0, count).join('/') || '/', rest: parts.slice(count).join('/') };
};

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
    ignore: [...(options.ignore ?? DEFAULT_IGNORE)],
    followSymbolicLinks: false,
    expandDirectories: false,
    signal,
  });
  return dir === options.cwd ? names : names.map((name) => relative(options.cwd, resolve(dir, name)));
};

/** Sorted by code unit, each once. An aborted signal ends it soon, with what was found by then. */
export const findFiles = async (options: FindOptions, signal: AbortSignal): Promise<Found> => {
  if (!(await isFolder(options.cwd))) return { kind: 'refused', error: `${options.cwd} is not a folder` };
  const patterns = typeof options.glob === 'string' ? [options.glob] : options.glob;
  const found = await Promise.all(patterns.map((pattern) => findOne(pattern, options, signal)));
  return { kind: 'found', paths: [...new Set(found.flat())].sort() };
};

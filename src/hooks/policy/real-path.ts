/** Owns where a path really leads: symbolic links followed, also where its end is not there yet. */
import { readlink, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { errnoOf } from '../../model/error.ts';

/** As many links as the system itself follows. */
const MAX_LINKS = 40;

const isMissing = (thrown: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errnoOf(thrown) ?? '');

/** What a link says; `undefined`: it is none, or not there. */
const tryReadlink = async (path: string): Promise<string | undefined> => {
  try {
    return await readlink(path);
  } catch {
    return undefined;
  }
};

const follow = async (path: string, linksLeft: number): Promise<string> => {
  try {
    return await realpath(path);
  } catch (thrown) {
    if (!isMissing(thrown) || linksLeft === 0 || dirname(path) === path) throw thrown;
  }
  const dir = await follow(dirname(path), linksLeft);
  const link = await tryReadlink(join(dir, basename(path)));
  if (link === undefined) return join(dir, basename(path));
  // A link to what is not there: a write would make it there, not here. Not joined: the system follows links before "..".
  return follow(isAbsolute(link) ? link : `${dir}/${link}`, linksLeft - 1);
};

/**
 * The path without links, as far as it exists; `undefined`: that cannot be told (a circle of links, a folder that may
 * not be read). An absolute path; its `..` are followed as the system does, after links.
 */
export const tryRealPath = async (path: string): Promise<string | undefined> => {
  try {
    return await follow(path, MAX_LINKS);
  } catch {
    return undefined; // whoever asks takes it for outside
  }
};

/** Whether a path is a folder or lies in it; both are real paths. */
export const isInside = (path: string, root: string): boolean => {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith('../') && !isAbsolute(way);
};

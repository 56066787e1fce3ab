/** Owns which path is meant by what an agent writes: absolute, links followed, also where it is not there yet. */
import { isAbsolute } from 'node:path';
import { tryRealPath } from '../../hooks/policy/real-path.ts';

export type ClaimedPath =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'refused'; readonly why: string };

/** `home`: the user's folder, for `~/`. */
export const resolveClaimedPath = async (text: string, cwd: string, home = ''): Promise<ClaimedPath> => {
  if (text.includes('\0')) return { kind: 'refused', why: 'a path has no NUL' };
  const given = text.startsWith('~/') && home !== '' ? `${home}/${text.slice(2)}` : text;
  const path = await tryRealPath(isAbsolute(given) ? given : `${cwd}/${given}`);
  if (path === undefined)
    return {
      kind: 'refused',
      why: `where ${text} leads cannot be told (a circle of links, or a folder that may not be read)`,
    };
  if (path === '/') return { kind: 'refused', why: 'the whole machine cannot be claimed' };
  return { kind: 'path', path };
};

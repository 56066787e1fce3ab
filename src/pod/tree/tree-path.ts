/**
 * Owns the marker in the environment by which a process says whose it is: `NIKA_TREE`, the ids of the trees it is in,
 * outermost first, such as `<session>/<call>/<session of a pod that the call started>`.
 */

export const TREE_VARIABLE = 'NIKA_TREE';
const SESSION_VARIABLE = 'NIKA_SESSION_ID';

type Environment = Readonly<Record<string, string | undefined>>;

export const pathIds = (path: string): readonly string[] => path.split('/');

/** The path of a pod's tree: below the tree that its supervisor was started in. */
export const pathOfPod = (session: string, env: Environment): string => {
  const outer = env[TREE_VARIABLE] ?? '';
  if (outer === '') return session;
  return pathIds(outer).includes(session) ? outer : `${outer}/${session}`;
};

/** What a detached supervisor has to be started with, so that it does not belong to the pod that it is started from. */
export const detachedEnv = (session: string): Readonly<Record<string, string>> => ({
  [TREE_VARIABLE]: session,
  [SESSION_VARIABLE]: session,
});

/** What a process says of itself; `path` is empty where it says nothing. */
export interface Claim {
  readonly path: string;
  readonly session: string;
}

/** From the text of /proc/<pid>/environ: variables, each ended by a NUL. */
export const claimOf = (environ: string): Claim => {
  const text = `\0${environ}`;
  const value = (name: string): string => {
    const at = text.indexOf(`\0${name}=`);
    if (at === -1) return '';
    const from = at + name.length + 2;
    const to = text.indexOf('\0', from);
    return text.slice(from, to === -1 ? undefined : to);
  };
  return { path: value(TREE_VARIABLE), session: value(SESSION_VARIABLE) };
};

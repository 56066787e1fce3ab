/**
 * Owns where the home is: the folder that holds `config/`, `_bus/`, `logs/` and `run/` (design, section 4).
 *
 * O1. The home is never simply the current folder: runs must not litter people's repositories.
 * O2. What another user put above the current folder is not used unasked: its jobs would run as this user.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { makeFolder } from '../failopen/make-folder.ts';
import { errnoOf, errorMessage, NikaError } from '../model/error.ts';

/** `flag`: --home, `env`: NIKA_HOME, `folder`: the nearest with a config/nika.yaml, `state`: the user's state folder. */
export type HomeSource = 'flag' | 'env' | 'folder' | 'state';

/** All paths are absolute; none of them need be there. */
export interface Home {
  readonly dir: string;
  readonly configDir: string;
  readonly busDir: string;
  readonly logsDir: string;
  readonly runDir: string;
  readonly source: HomeSource;
}

export interface HomeRequest {
  /** What was given as `--home`. */
  readonly flag?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** Something of the home that could not be made, and why (an errno code where there is one). */
export interface HomeGap {
  readonly path: string;
  readonly why: string;
}

const DIR_MODE = 0o700;
const CONFIG_FILE = join('config', 'nika.yaml');

const homeAt = (dir: string, source: HomeSource): Home => ({
  dir,
  configDir: join(dir, 'config'),
  busDir: join(dir, '_bus'),
  logsDir: join(dir, 'logs'),
  runDir: join(dir, 'run'),
  source,
});

/** The file of the home's settings; it need not be there. */
export const settingsFile = (home: Home): string => join(home.dir, CONFIG_FILE);

const statOf = (path: string) => {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // a folder on the way that may not be read
  }
};

const isHome = (dir: string): boolean => statOf(join(dir, CONFIG_FILE))?.isFile() === true;

/** `dir` and all folders above it, nearest first. */
const upward = (dir: string): readonly string[] => {
  const dirs = [dir];
  for (let above = dirname(dir); above !== dirs.at(-1); above = dirname(above)) dirs.push(above);
  return dirs;
};

interface Worktree {
  readonly root: string;
  readonly mainRoot: string;
}

/** A worktree's `.git` is a file that says `gitdir: <main checkout>/.git/worktrees/<name>`. */
const worktreeAround = (cwd: string): Worktree | undefined => {
  for (const root of upward(cwd)) {
    const dotGit = join(root, '.git');
    const stat = statOf(dotGit);
    if (stat?.isDirectory() === true) return undefined;
    if (stat?.isFile() !== true) continue;
    const gitDir = /^gitdir: (.+)$/m.exec(tryRead(dotGit))?.[1]?.trim();
    const worktrees = gitDir === undefined ? '' : dirname(resolve(root, gitDir));
    const isOfCheckout = basename(worktrees) === 'worktrees' && basename(dirname(worktrees)) === '.git';
    if (isOfCheckout) return { root, mainRoot: dirname(dirname(worktrees)) }; // else a submodule: look further up
  }
  return undefined;
};

const tryRead = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // not to be read: no worktree for us
  }
};

/** Where a home is looked for, in order; in a worktree its main checkout's folders go first. */
const candidates = (cwd: string): readonly string[] => {
  const dirs = upward(cwd);
  const worktree = worktreeAround(cwd);
  if (worktree === undefined) return dirs;
  const { root, mainRoot } = worktree;
  const inside = dirs.slice(0, dirs.indexOf(root) + 1);
  const paired = inside.flatMap((dir) => [join(mainRoot, relative(root, dir)), dir]);
  return [...paired, ...upward(mainRoot).slice(1), ...dirs.slice(inside.length)];
};

/** Whether this user, or root, put the configuration there (O2). */
const isTrusted = (dir: string): boolean => {
  const me = process.getuid?.();
  const owner = statOf(join(dir, CONFIG_FILE))?.uid;
  if (me === undefined || owner === undefined || owner === me) return true;
  const mayOthersWrite = ((statOf(dir)?.mode ?? 0) & 0o002) !== 0;
  return !mayOthersWrite && (owner === 0 || me === 0);
};

const findAbove = (cwd: string): string | undefined => {
  const dir = candidates(cwd).find(isHome);
  if (dir === undefined || isTrusted(dir)) return dir;
  throw new NikaError('NIKA_CONFIG_NO_HOME', `the home above this folder belongs to another user: ${dir}`, {
    subject: join(dir, CONFIG_FILE),
    remedy: `If you trust it, say so: --home ${dir}, or NIKA_HOME=${dir}.`,
  });
};

/** The user's own folder: `HOME`, or what the system knows where that is empty or no whole path (O1). */
const userDir = ({ HOME: named }: HomeRequest['env']): string => {
  if (named !== undefined && isAbsolute(named)) return named;
  try {
    const { homedir } = userInfo(); // not os.homedir(), which takes an empty HOME for an answer
    if (isAbsolute(homedir)) return homedir;
  } catch {
    // a user without an entry, as in a container: told below
  }
  throw new NikaError(
    'NIKA_CONFIG_NO_HOME',
    'it is not known where your folder is: HOME is empty, and so is the system',
  );
};

/** Of the user: nika's part of it. @throws {NikaError} `NIKA_CONFIG_NO_HOME` */
export const stateDir = (env: HomeRequest['env']): string => {
  const state = env['XDG_STATE_HOME'];
  if (state !== undefined && isAbsolute(state)) return join(state, 'nika');
  return join(userDir(env), '.local', 'state', 'nika');
};

/** A folder that was named; a leading `~` is the user's own, also where the shell left it alone (`--home=~/x`). */
const namedDir = (name: string, { env, cwd }: HomeRequest): string => {
  const dir = resolve(
    cwd,
    name.replace(/^~(?=\/|$)/, () => userDir(env)),
  );
  const stat = statOf(dir);
  if (stat === undefined || stat.isDirectory()) return dir;
  throw new NikaError('NIKA_CONFIG_NO_HOME', `the home is not a folder: ${dir}`, { subject: dir });
};

/**
 * Where the home is: `--home`, else `NIKA_HOME`, else the nearest folder upward with a `config/nika.yaml` (in a git
 * worktree its main checkout's), else the user's state folder (O1). Reads; makes nothing.
 * @throws {NikaError} `NIKA_CONFIG_NO_HOME`: an empty flag, a home that is a file, or one of another user (O2).
 */
export const resolveHome = (request: HomeRequest): Home => {
  const { flag, env, cwd } = request;
  if (flag?.trim() === '') throw new NikaError('NIKA_CONFIG_NO_HOME', '--home was given with nothing behind it');
  if (flag !== undefined) return homeAt(namedDir(flag, request), 'flag');
  const named = env['NIKA_HOME'];
  if (named !== undefined && named !== '') return homeAt(namedDir(named, request), 'env');
  const above = findAbove(resolve(cwd));
  return above === undefined ? homeAt(stateDir(env), 'state') : homeAt(above, 'folder');
};

/**
 * Makes `_bus/`, `logs/` and `run/` (0700) where they are missing, and a `.gitignore` in the first two. Never throws:
 * what could not be made is told, and the pod goes on without (G1).
 */
export const ensureHome = (home: Home): readonly HomeGap[] => {
  const gaps: HomeGap[] = [];
  const attempt = (path: string, make: () => void): boolean => {
    try {
      make();
      return true;
    } catch (thrown) {
      gaps.push({ path, why: errnoOf(thrown) ?? errorMessage(thrown) });
      return false;
    }
  };
  for (const dir of [home.busDir, home.logsDir, home.runDir]) {
    const isThere = attempt(dir, () => makeFolder(dir, DIR_MODE));
    const ignore = join(dir, '.gitignore');
    if (!isThere || dir === home.runDir || existsSync(ignore)) continue;
    attempt(ignore, () => writeFileSync(ignore, '*\n', { mode: 0o600 }));
  }
  return gaps;
};

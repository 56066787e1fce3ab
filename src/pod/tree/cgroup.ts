/** Owns the reading and writing of the cgroup v2 file system: where this process is, what is below, how it is ended. */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf, errorMessage } from '../../model/error.ts';

export type Located = { readonly kind: 'at'; readonly path: string } | { readonly kind: 'none'; readonly why: string };

const PREFIX = 'nika-';
const REMOVE_WITHIN_MS = 2_000;

const tryRead = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // not Linux, not there, or removed meanwhile
  }
};

/** mountinfo writes blanks and backslashes as octal numbers. */
const unescaped = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** Where cgroup v2 is mounted, and which cgroup shows as its top; on hybrid systems beside the v1 hierarchies. */
export const parseCgroup2Mounts = (mountinfo: string): readonly { readonly root: string; readonly at: string }[] =>
  mountinfo.split('\n').flatMap((line) => {
    const [mount = '', system = ''] = line.split(' - ');
    const [, , , root = '', at = ''] = mount.split(' ');
    return system.startsWith('cgroup2 ') ? [{ root: unescaped(root), at: unescaped(at) }] : [];
  });

/** The path of the line `0::<path>` of /proc/<pid>/cgroup, below the root that this process sees. */
export const parseOwnCgroup = (text: string): string | undefined =>
  text
    .split('\n')
    .find((line) => line.startsWith('0::'))
    ?.slice('0::'.length);

/** The folder of the cgroup that this process is in. */
export const locateOwnCgroup = (): Located => {
  const own = parseOwnCgroup(tryRead('/proc/self/cgroup'));
  if (own === undefined) return { kind: 'none', why: 'the system has no cgroup v2' };
  const mounts = parseCgroup2Mounts(tryRead('/proc/self/mountinfo'));
  for (const { root, at } of mounts) {
    if (root !== '/' && own !== root && !own.startsWith(`${root}/`)) continue;
    const path = join(at, root === '/' ? own : own.slice(root.length));
    if (path.startsWith(at) && existsSync(join(path, 'cgroup.procs'))) return { kind: 'at', path };
  }
  const why = mounts.length === 0 ? 'cgroup v2 is not mounted' : `the cgroup ${own} is not visible here`;
  return { kind: 'none', why };
};

export const cgroupNameOf = (session: string): string =>
  `${PREFIX}${session.replaceAll(/[^0-9a-f]/g, '').slice(0, 12)}`;

/** The folders that processes can be put into by this user, made where they are missing. */
export const tryMakeCgroup = (path: string): Located => {
  try {
    // Processes come from the cgroup above, so both have to be writable.
    accessSync(join(dirname(path), 'cgroup.procs'), constants.W_OK);
    makeCgroup(path);
    accessSync(join(path, 'cgroup.procs'), constants.W_OK);
  } catch (thrown) {
    return { kind: 'none', why: `no cgroup can be made there: ${errorMessage(thrown)}` };
  }
  const type = tryRead(join(path, 'cgroup.type')).trim();
  if (type === 'domain') return { kind: 'at', path };
  removeCgroup(path);
  return { kind: 'none', why: `a cgroup made there is "${type}" and takes no processes` };
};

/** @throws a system error */
export const makeCgroup = (path: string): void => {
  try {
    mkdirSync(path);
  } catch (thrown) {
    if (errnoOf(thrown) !== 'EEXIST') throw thrown;
  }
};

const foldersIn = (path: string): readonly string[] => {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? join(path, entry.name) : [],
    );
  } catch {
    return []; // removed meanwhile
  }
};

/** Pids in the cgroup and in all below it: those of pods that its programs started. */
export const readProcs = (path: string): readonly number[] => {
  const own = tryRead(join(path, 'cgroup.procs')).split('\n').map(Number);
  return [...own.filter((pid) => pid > 0), ...foldersIn(path).flatMap(readProcs)];
};

/** False: it is not there, or the system refuses. */
export const tryWrite = (path: string, text: string): boolean => {
  try {
    writeFileSync(path, text);
    return true;
  } catch {
    return false;
  }
};

/** Kills all of it at once, what is being forked too. False before Linux 5.14. */
export const tryKillCgroup = (path: string): boolean => tryWrite(join(path, 'cgroup.kill'), '1');

/** Removes what is empty, the deepest first. True: nothing is left. */
export const removeCgroup = (path: string): boolean => {
  for (const folder of foldersIn(path)) removeCgroup(folder);
  try {
    rmdirSync(path);
    return true;
  } catch (thrown) {
    return errnoOf(thrown) === 'ENOENT';
  }
};

/** A killed process may take a moment to leave. Gives up after 2 s: an empty cgroup costs next to nothing. */
export const removeCgroupSoon = async (path: string): Promise<void> => {
  const untilMs = performance.now() + REMOVE_WITHIN_MS;
  for (let waitMs = 1; !removeCgroup(path) && performance.now() < untilMs; waitMs = Math.min(2 * waitMs, 100)) {
    await delay(waitMs);
  }
};

export type Leaving =
  | { readonly kind: 'not inside' }
  | { readonly kind: 'left'; readonly from: string; readonly to: string }
  | { readonly kind: 'failed'; readonly from: string; readonly why: string };

/** The cgroup outside of all that pods made; `undefined`: it is in none of them. */
export const outsideOf = (path: string): string | undefined => {
  const names = path.split('/');
  const at = names.findIndex((name) => name.startsWith(PREFIX));
  return at === -1 ? undefined : names.slice(0, at).join('/');
};

/** Moves this process out of the cgroup of the pod that started it: a detached pod outlives that one. */
export const leaveParentTree = (): Leaving => {
  const own = locateOwnCgroup();
  if (own.kind === 'none') return { kind: 'not inside' };
  const to = outsideOf(own.path);
  if (to === undefined) return { kind: 'not inside' };
  try {
    writeFileSync(join(to, 'cgroup.procs'), String(process.pid));
    return { kind: 'left', from: own.path, to };
  } catch (thrown) {
    return { kind: 'failed', from: own.path, why: errorMessage(thrown) };
  }
};

/** A path from a file is used only where it is a pod's cgroup of that session, so that nothing else is ever ended. */
export const isCgroupOf = (path: string, session: string): boolean =>
  basename(path) === cgroupNameOf(session) &&
  !path.includes('/../') &&
  parseCgroup2Mounts(tryRead('/proc/self/mountinfo')).some(({ at }) => path.startsWith(`${at}/`));

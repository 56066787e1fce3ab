/**
 * Owns where a pod's socket lies: in a folder that is ours alone (0700, no symlink), by a path that every system takes.
 *
 * `$XDG_RUNTIME_DIR/nika`, else `/run/user/<uid>/nika` where that is ours, else `<tmpdir>/nika-<uid>`, else `/tmp/nika-<uid>`.
 */
import { lstatSync, mkdirSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { errorMessage, NikaError } from '../../model/error.ts';
import type { SessionId } from '../../model/id.ts';

/** What macOS takes; Linux takes 107. */
export const SOCKET_PATH_MAX_BYTES = 103;
const NAME_CHARS = 12;

export interface SocketPlace {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  /** Of the system: `os.tmpdir()`. */
  readonly tmpDir: string;
}

/** @throws {Error} unless it is a folder of `uid`'s that nobody else may write to or, if `isAlone`, even look into */
const refuseForeign = (path: string, uid: number, isAlone: boolean): void => {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) throw new Error('is a symbolic link');
  if (!stat.isDirectory()) throw new Error('is not a folder');
  if (stat.uid !== uid) throw new Error(`belongs to another user (${stat.uid})`);
  const forbidden = isAlone ? 0o077 : 0o022;
  if ((stat.mode & forbidden) !== 0) throw new Error(`is open to others (mode ${(stat.mode & 0o777).toString(8)})`);
};

/** @throws {Error} that says what is wrong with the folder; it is never changed, since it may be someone's trap */
export const refuseOpenFolder = (path: string, uid: number): void => refuseForeign(path, uid, true);

interface Candidate {
  readonly folder: string;
  /** What has to be ours already. The folder of all temporary files is not, so there it is not asked. */
  readonly base?: string;
}

const candidates = ({ env, uid, tmpDir }: SocketPlace): readonly Candidate[] => {
  const runtime = env['XDG_RUNTIME_DIR'] ?? '';
  const bases = [...(isAbsolute(runtime) ? [runtime] : []), `/run/user/${uid}`];
  const temporary = [...new Set([tmpDir, '/tmp'])];
  return [
    ...bases.map((base) => ({ folder: join(base, 'nika'), base })),
    ...temporary.map((dir) => ({ folder: join(dir, `nika-${uid}`) })),
  ];
};

/** Every folder in which sockets of this user may lie; none need be there. */
export const socketFolders = (place: SocketPlace): readonly string[] => candidates(place).map(({ folder }) => folder);

const prepare = ({ folder, base }: Candidate, uid: number): void => {
  if (base !== undefined) refuseForeign(base, uid, false);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST')) throw thrown;
  }
  refuseOpenFolder(folder, uid);
};

/**
 * The path of a session's socket; its folder is made where it is not there.
 * @throws {NikaError} `NIKA_POD_SOCKET` where no folder will do: says what is wrong with each
 */
export const resolveSocketPath = (session: SessionId, place: SocketPlace): string => {
  const name = `${session.replaceAll('-', '').slice(0, NAME_CHARS)}.sock`;
  const problems: string[] = [];
  for (const candidate of candidates(place)) {
    const path = join(candidate.folder, name);
    try {
      if (Buffer.byteLength(path) > SOCKET_PATH_MAX_BYTES)
        throw new Error(`a socket in it would have a path of more than ${SOCKET_PATH_MAX_BYTES} bytes`);
      prepare(candidate, place.uid);
      return path;
    } catch (thrown) {
      problems.push(`${candidate.folder}: ${errorMessage(thrown)}`);
    }
  }
  throw new NikaError('NIKA_POD_SOCKET', `no folder for the pod's socket: ${problems.join('; ')}`);
};

/** Owns where the collector of a home is found: by the hook in shell, which knows these paths by heart. */
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Home } from '../../config/home.ts';
import { SOCKET_PATH_MAX_BYTES } from '../../pod/socket/socket-path.ts';

export interface CollectorPlace {
  readonly dir: string;
  readonly socket: string;
  /** Where a hook leaves its payload while no collector runs. */
  readonly spool: string;
  /** A folder that is there while one is being started. */
  readonly starting: string;
  /** What is installed in agents. */
  readonly script: string;
}

/** In the home, where that makes a path short enough for a socket; else in a folder of this user's for temporary files. */
const socketPathOf = (dir: string, homeDir: string): string => {
  const path = join(dir, 'collector.hook');
  if (Buffer.byteLength(path) <= SOCKET_PATH_MAX_BYTES) return path;
  const name = createHash('sha256').update(homeDir).digest('hex').slice(0, 16);
  return join(tmpdir(), `nika-${process.getuid?.() ?? 0}`, `${name}.hook`);
};

export const collectorPlace = ({ dir: homeDir, runDir }: Home): CollectorPlace => {
  const dir = join(runDir, 'hooks');
  return {
    dir,
    socket: socketPathOf(dir, homeDir),
    spool: join(dir, 'spool'),
    starting: join(dir, 'starting'),
    script: join(dir, 'nika-hook.sh'),
  };
};

/** Owns the files that a pod leaves which could not clean up behind itself. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { PodRecord } from './pod-record.ts';

/** Its sockets, the one of its own and the one for the hooks of its agent; and what its agent was given for the run. */
export const removeLeftFiles = (runDir: string, { socket, session }: PodRecord): void => {
  for (const path of socket === null ? [] : [socket, socket.replace(/\.sock$/, '.hook')]) rmSync(path, { force: true });
  rmSync(join(runDir, 'agents', session), { recursive: true, force: true });
};

/** Owns the folder of an agent's run: in the home, or beside all temporary files where the home takes nothing (G1). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bestEffortSync } from '../failopen/best-effort.ts';
import { makeFolder } from '../failopen/make-folder.ts';

export interface RunFolder extends Disposable {
  /** Absolute; nobody else may look into it. */
  readonly dir: string;
}

/** What an adapter writes has a few kilobytes. */
const PROBE_BYTES = 64 * 1024;

const mayHold = (dir: string): boolean => {
  const probe = join(dir, 'probe');
  const isWritten = bestEffortSync('agent.folder', () => {
    makeFolder(dir, 0o700);
    writeFileSync(probe, Buffer.alloc(PROBE_BYTES), { mode: 0o600 });
    return true;
  });
  bestEffortSync('agent.folder', () => rmSync(probe, { force: true }));
  return isWritten === true;
};

/** @throws a system error where neither place takes anything */
export const openRunFolder = (runDir: string, session: string): RunFolder => {
  const own = join(runDir, 'agents', session);
  const dir = mayHold(own) ? own : mkdtempSync(join(tmpdir(), 'nika-agent-'));
  return {
    dir,
    [Symbol.dispose]: () => {
      bestEffortSync('agent.folder', () => rmSync(dir, { recursive: true, force: true }));
    },
  };
};

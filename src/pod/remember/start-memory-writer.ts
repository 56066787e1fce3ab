/**
 * Owns the start of the process that brings to Qdrant what the bus of a home has for memory: one in a home, which ends by
 * itself. The bus is its queue.
 *
 * S1. A process of its own: no tool call and no pod waits for Qdrant, and none loads its client (G1).
 * S2. What is written before the lock is found taken is brought by who has it: that one looks, when it has freed it, whether
 *     the bus is longer than when it began to read it the last time.
 */
import { spawn } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tryLock } from '../../bus/segments.ts';
import type { Home } from '../../config/home.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
import { makeFolder } from '../../failopen/make-folder.ts';
import { detachedEnv } from '../tree/tree-path.ts';
import { MEMORY_LOCK, startingPath } from './memory-lock.ts';

type Env = Readonly<Record<string, string | undefined>>;

const workerFile = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './memory-worker.ts' : './memory-worker.js', import.meta.url),
);

/** Reading a bus makes much garbage that lives shortly. */
const SMALL_MEMORY = '--max-semi-space-size=4';
/** Of a fleet that ends at once one starts it: it takes a moment until that has the lock, and takes the mark away. */
const STARTING_MS = 1_000;
const START_BUDGET_MS = 200;

const isJustStarted = (path: string): boolean => {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && Math.abs(Date.now() - stat.mtimeMs) < STARTING_MS;
};

/** At once, unless it works. Best effort: what waits is brought by who comes next. */
export const startMemoryWriter = async (home: Home, env: Env): Promise<void> => {
  await bestEffort('memory.start', { withinMs: START_BUDGET_MS }, async () => {
    const lock = await tryLock(home.busDir, MEMORY_LOCK);
    if (lock === undefined) return; // S2
    await lock[Symbol.asyncDispose]();
    const mark = startingPath(home.runDir);
    makeFolder(dirname(mark), 0o700);
    if (isJustStarted(mark)) return;
    const child = spawn(process.execPath, [SMALL_MEMORY, workerFile, home.dir], {
      cwd: '/',
      env: { ...env, ...detachedEnv('memory') },
      detached: true,
      stdio: 'ignore',
    });
    child.on('error', () => undefined); // no process left: the next one tries again
    child.unref();
    writeFileSync(mark, String(child.pid ?? 0), { mode: 0o600 });
  });
};

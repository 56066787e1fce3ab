/**
 * Owns the start of the process that sends notifications: one in a home, which ends by itself.
 *
 * S1. A process of its own, so that no pod waits for a server, and none has to live for it (G1).
 * S2. What is put into the spool before the lock is found taken is sent by who has it: that one looks again when it has
 *     freed the lock.
 */
import { spawn } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tryLock } from '../../bus/segments.ts';
import type { Home } from '../../config/home.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
import { startTicksOf } from '../../failopen/process-identity.ts';
import { listSpool, spoolDir } from '../../notify/spool.ts';
import { detachedEnv } from '../tree/tree-path.ts';

type Env = Readonly<Record<string, string | undefined>>;

const workerFile = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './notify-worker.ts' : './notify-worker.js', import.meta.url),
);

export const SENDER_LOCK = 'notify';
/** Longer than {@link STARTING_MS}: who relies on one that was just started finds it. */
export const LINGER_MS = 1_500;
/** Of a fleet that ends at once one starts it: it takes a moment until that has the lock. */
const STARTING_MS = 1_000;
const START_BUDGET_MS = 200;

const NO_LOCK: AsyncDisposable = { [Symbol.asyncDispose]: () => Promise.resolve() };

/** `undefined`: a sender works. Linux only; elsewhere several may, and somebody may be told twice, with the same id. @throws no run/ */
export const lockSender = (runDir: string): Promise<AsyncDisposable | undefined> =>
  process.platform === 'linux' ? tryLock(runDir, SENDER_LOCK) : Promise.resolve(NO_LOCK);

const startingPath = (runDir: string): string => join(spoolDir(runDir), 'starting');

/** Whether somebody else started one just now, which has not come to its lock yet. */
const isJustStarted = (runDir: string): boolean => {
  const stat = statSync(startingPath(runDir), { throwIfNoEntry: false });
  if (stat === undefined || Math.abs(Date.now() - stat.mtimeMs) > STARTING_MS) return false;
  return startTicksOf(Number(readFileSync(startingPath(runDir), 'utf8'))) !== ''; // else it was killed
};

/** Starts it, unless it works. Best effort: what waits is sent by who comes next. */
export const startSender = async ({ dir, runDir }: Home, env: Env): Promise<void> => {
  await bestEffort('notify.start', { withinMs: START_BUDGET_MS }, async () => {
    const lock = await lockSender(runDir);
    if (lock === undefined) return; // S2
    await lock[Symbol.asyncDispose]();
    if (isJustStarted(runDir)) return;
    const child = spawn(process.execPath, ['--max-semi-space-size=1', workerFile, dir], {
      cwd: '/',
      env: { ...env, ...detachedEnv('notify') },
      detached: true,
      stdio: 'ignore',
    });
    child.on('error', () => undefined); // no process left: the next one tries again
    child.unref();
    writeFileSync(startingPath(runDir), String(child.pid ?? 0), { mode: 0o600 });
  });
};

/** Where something waits: a sender that was killed, or a machine that was switched off, left it. */
export const resumeSender = async (home: Home, env: Env): Promise<void> => {
  if (listSpool(spoolDir(home.runDir)).length > 0) await startSender(home, env);
};

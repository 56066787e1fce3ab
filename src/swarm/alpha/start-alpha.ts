/** Owns the start and the end of an Alpha in the background: a process of its own, which the terminal's end does not reach. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Home } from '../../config/home.ts';
import { errorMessage, NikaError } from '../../model/error.ts';
import { leaveParentTree } from '../../pod/tree/cgroup.ts';
import { detachedEnv } from '../../pod/tree/tree-path.ts';
import { type AlphaRecord, readAlphaRecords } from './alpha-record.ts';

const workerFile = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './alpha-worker.ts' : './alpha-worker.js', import.meta.url),
);

const START_BUDGET_MS = 20_000;
const LOOK_EVERY_MS = 20;

/** What it prints, which is nothing unless it dies. */
export const alphaErrors = ({ logsDir }: Home): string => join(logsDir, 'alpha.stderr');

const lastOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim().split('\n').slice(-5).join('\n');
  } catch {
    return '';
  }
};

/**
 * Starts it and waits until it stands in its record.
 * @throws {NikaError} `NIKA_ALPHA_NOT_STARTED`
 */
export const startAlpha = async (
  home: Home,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<AlphaRecord> => {
  const errors = alphaErrors(home);
  mkdirSync(home.logsDir, { recursive: true, mode: 0o700 });
  const fd = openSync(errors, 'w', 0o600);
  leaveParentTree(); // started from within a pod, it is not to end with that
  const child = spawn(process.execPath, ['--max-semi-space-size=4', workerFile, home.dir], {
    cwd: '/',
    env: { ...env, ...detachedEnv('alpha') },
    detached: true,
    stdio: ['ignore', 'ignore', fd],
  });
  closeSync(fd);
  const died: string[] = [];
  child.once('error', (thrown) => died.push(errorMessage(thrown)));
  child.once('exit', (code, name) => died.push(`it ended with ${name ?? code}\n${lastOf(errors)}`));
  child.unref();
  const untilMs = performance.now() + START_BUDGET_MS;
  while (died.length === 0 && performance.now() < untilMs) {
    const record = readAlphaRecords(home.runDir).find(({ process: { pid } }) => pid === child.pid);
    if (record !== undefined) return record;
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
  const [why] = died;
  if (why !== undefined) throw new NikaError('NIKA_ALPHA_NOT_STARTED', why, { subject: errors });
  const late = `it runs (pid ${child.pid}), but has written no record into ${home.runDir} for ${START_BUDGET_MS / 1000} s`;
  throw new NikaError('NIKA_ALPHA_NOT_STARTED', late, {
    subject: errors,
    remedy: `See "nika doctor" for the disk. Alpha works all the same; end it with: kill ${child.pid}`,
  });
};

const END_BUDGET_MS = 5_000;

/** Ends those (SIGTERM); which of them still live after 5 s. */
export const endAlphas = async (home: Home, alphas: readonly AlphaRecord[]): Promise<readonly AlphaRecord[]> => {
  for (const { process: by } of alphas) {
    try {
      process.kill(by.pid, 'SIGTERM');
    } catch {
      continue; // it ended meanwhile
    }
  }
  const untilMs = performance.now() + END_BUDGET_MS;
  for (;;) {
    const living = readAlphaRecords(home.runDir).filter(({ session }) => alphas.some((one) => one.session === session));
    if (living.length === 0 || performance.now() > untilMs) return living;
    await delay(LOOK_EVERY_MS);
  }
};

/** A process that makes Redis whole for a home, in the background and at the lowest priority. */
import { constants, setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { tryLock } from '../../bus/segments.ts';
import { resolveHome } from '../../config/home.ts';
import { loadSettings } from '../../config/settings.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { NEXT_RECONCILE } from './start-reconcile.ts';
import { reconcileHome } from './reconcile-home.ts';

/** It gives up by itself: the next one does the rest. */
const WITHIN_MS = 5 * 60_000;
/** Where a disk or a lookup hangs, that is all there is to give up. */
const GRACE_MS = 10_000;
/** How often is looked whether the one that runs is done. */
const LOOK_EVERY_MS = 500;

setTimeout(() => process.exit(1), WITHIN_MS + GRACE_MS).unref();
bestEffortSync('reconcile.priority', () => setPriority(constants.priority.PRIORITY_LOW));
const home = resolveHome({ flag: process.argv[2], env: process.env, cwd: '/' });
const options = { home, settings: loadSettings(home), isFull: false };
const signal = AbortSignal.timeout(WITHIN_MS);
const isFree = async (): Promise<boolean> => {
  await using lock = await tryLock(home.busDir, 'reconcile');
  return lock !== undefined;
};

/** The one that runs may be past what this one was started for. Of a fleet one waits for it, for all: false in the others. */
const waitForIt = async (): Promise<boolean> => {
  await using place = await tryLock(home.busDir, NEXT_RECONCILE);
  if (place === undefined) return false;
  while (!signal.aborted && !(await isFree())) await delay(LOOK_EVERY_MS);
  return !signal.aborted;
};

while ((await reconcileHome(options, signal)).kind === 'busy' && (await waitForIt()));

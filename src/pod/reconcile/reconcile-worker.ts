/** A process that makes Redis whole for a home, in the background and at the lowest priority. */
import { constants, setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { resolveHome } from '../../config/home.ts';
import { loadSettings } from '../../config/settings.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { reconcileHome } from './reconcile-home.ts';

/** It gives up by itself: the next one does the rest. */
const WITHIN_MS = 5 * 60_000;
/** Where a disk or a lookup hangs, that is all there is to give up. */
const GRACE_MS = 10_000;
/** Another one is at it, and may be past what this one was started for. */
const BUSY_PAUSE_MS = 1_000;

setTimeout(() => process.exit(1), WITHIN_MS + GRACE_MS).unref();
bestEffortSync('reconcile.priority', () => setPriority(constants.priority.PRIORITY_LOW));
const home = resolveHome({ flag: process.argv[2], env: process.env, cwd: '/' });
const options = { home, settings: loadSettings(home), isFull: false };
const signal = AbortSignal.timeout(WITHIN_MS);
while ((await reconcileHome(options, signal)).kind === 'busy' && !signal.aborted) await delay(BUSY_PAUSE_MS);

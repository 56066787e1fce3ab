/** A process that makes Redis whole for a home, in the background and at the lowest priority. */
import { constants, setPriority } from 'node:os';
import { resolveHome } from '../../config/home.ts';
import { loadSettings } from '../../config/settings.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { reconcileHome } from './reconcile-home.ts';

/** It gives up by itself: the next one does the rest. */
const WITHIN_MS = 5 * 60_000;

bestEffortSync('reconcile.priority', () => setPriority(constants.priority.PRIORITY_LOW));
const home = resolveHome({ flag: process.argv[2], env: process.env, cwd: '/' });
await reconcileHome({ home, settings: loadSettings(home), isFull: false }, AbortSignal.timeout(WITHIN_MS));

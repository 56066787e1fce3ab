/**
 * Owns when a pod lets Redis be made whole for those that are gone: it found Redis there, or back after an outage.
 *
 * S1. A process of its own, so that no tool call waits for the reading of a long bus (G1).
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Home } from '../../config/home.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { readCursor } from '../../recorder/reconcile/feed-cursor.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The work of the pod goes first. */
const FIRST_MS = 1_000;
/** Of a fleet one does it: the first of all. */
const SPREAD_MS = 2_000;

/** Reading a bus makes much garbage that lives shortly: 134 MB at its most, and not 244, at the same speed. */
const SMALL_MEMORY = '--max-semi-space-size=4';

const workerFile = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './reconcile-worker.ts' : './reconcile-worker.js', import.meta.url),
);

/** Not a part of the pod that starts it, and of no other. */
const outsidePods = ({ NIKA_TREE: _tree, NIKA_SESSION_ID: _session, NIKA_ENTITY_ID: _entity, ...env }: Env): Env => env;

/** At once. Best effort: nobody waits for it. */
export const startReconcile = (home: Home, env: Env): void => {
  bestEffortSync('reconcile.start', () => {
    const child = spawn(process.execPath, [SMALL_MEMORY, workerFile, home.dir], {
      cwd: '/',
      env: outsidePods(env),
      detached: true,
      stdio: 'ignore',
    });
    child.on('error', () => undefined); // no process left: the next pod tries again
    child.unref();
  });
};

export interface PlannedReconcile {
  /** The pod ends before it came to it. Nothing where it was begun already. */
  atOnce(): void;
}

/** In a second or three, unless somebody did it since `sinceAtMs`. */
export const startReconcileSoon = (home: Home, env: Env, sinceAtMs: number): PlannedReconcile => {
  let isPlanned = true;
  const begin = (): void => {
    if (!isPlanned) return;
    isPlanned = false;
    clearTimeout(timer);
    const { atMs = -Infinity } = readCursor(home.runDir) ?? {};
    if (atMs < sinceAtMs) startReconcile(home, env);
  };
  const timer = setTimeout(begin, FIRST_MS + Math.random() * SPREAD_MS).unref();
  return { atOnce: begin };
};

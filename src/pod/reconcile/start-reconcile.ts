/**
 * Owns when a pod lets Redis be made whole for those that are gone: it found Redis there, or back after an outage.
 *
 * S1. A process of its own, so that no tool call waits for the reading of a long bus (G1).
 * S2. However many pods find Redis back at once, at most one such process works in a home and one waits for it (G6).
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Home } from '../../config/home.ts';
import { tryLock } from '../../bus/segments.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
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

/** Who waits for the one that runs has this lock: it begins after that one is done, and for all who come meanwhile. */
export const NEXT_RECONCILE = 'reconcile-next';

const START_BUDGET_MS = 100;

/** At once, unless one waits already (S2). Best effort. */
export const startReconcile = async (home: Home, env: Env): Promise<void> => {
  await bestEffort('reconcile.start', { withinMs: START_BUDGET_MS }, async () => {
    const place = await tryLock(home.busDir, NEXT_RECONCILE);
    if (place === undefined) return;
    await place[Symbol.asyncDispose]();
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
  atOnce(): Promise<void>;
}

/** In a second or three, unless somebody did it since `sinceAtMs`. */
export const startReconcileSoon = (home: Home, env: Env, sinceAtMs: number): PlannedReconcile => {
  let isPlanned = true;
  const begin = async (): Promise<void> => {
    if (!isPlanned) return;
    isPlanned = false;
    clearTimeout(timer);
    const { atMs = -Infinity } = readCursor(home.runDir) ?? {};
    if (atMs < sinceAtMs) await startReconcile(home, env);
  };
  const beginSoon = (): void => {
    begin().then(
      () => undefined,
      () => undefined, // bestEffort never rejects
    );
  };
  const timer = setTimeout(beginSoon, FIRST_MS + Math.random() * SPREAD_MS).unref();
  return { atOnce: begin };
};

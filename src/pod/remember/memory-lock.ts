/**
 * Owns who brings things to Qdrant for a home: one process at a time, under a lock. A person's command goes before the
 * process in the background, which ends when it sees that somebody waits: it is asked by a file, not by a signal to a
 * process id that may be another one's by now.
 */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { tryLock } from '../../bus/segments.ts';
import type { Home } from '../../config/home.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';

export const MEMORY_LOCK = 'memory';

const TRY_EVERY_MS = 50;
const LOOK_EVERY_MS = 150;
/** Who waits says so again and again; who was killed meanwhile stops no one. */
const FRESH_MS = 3_000;
const PATIENCE_MS = 400;

/** Who looks whether the lock is free has it for a moment. */
const LOOKED_AT_MS = 300;
const TRY_AGAIN_MS = 15;

/** Of who was started to bring things; `undefined`: another one does. @throws a system error where there is no `_bus/` */
export const tryMemoryLock = async ({ busDir }: Pick<Home, 'busDir'>): Promise<AsyncDisposable | undefined> => {
  const untilMs = performance.now() + LOOKED_AT_MS;
  for (;;) {
    const lock = await tryLock(busDir, MEMORY_LOCK);
    if (lock !== undefined || performance.now() > untilMs) return lock;
    await delay(TRY_AGAIN_MS);
  }
};

/** There while one that was started has not come to the lock. */
export const startingPath = (runDir: string): string => join(runDir, 'memory', 'starting');

const wantedPath = (runDir: string): string => join(runDir, 'memory', 'wanted');

const isWanted = (runDir: string): boolean => {
  const stat = statSync(wantedPath(runDir), { throwIfNoEntry: false });
  return stat !== undefined && Math.abs(Date.now() - stat.mtimeMs) < FRESH_MS;
};

/** For the process in the background: `onWanted` is called once, when somebody waits for the lock. */
export const watchWanted = (runDir: string, onWanted: () => void): Disposable => {
  const look = (): void => {
    if (bestEffortSync('memory.wanted', () => isWanted(runDir)) !== true) return;
    clearInterval(timer);
    onWanted();
  };
  const timer = setInterval(look, LOOK_EVERY_MS).unref();
  look();
  return { [Symbol.dispose]: () => clearInterval(timer) };
};

const ask = (runDir: string): void => {
  bestEffortSync('memory.wanted', () => {
    mkdirSync(join(runDir, 'memory'), { recursive: true, mode: 0o700 });
    writeFileSync(wantedPath(runDir), String(process.pid), { mode: 0o600 });
  });
};

/**
 * Waits until nobody else brings anything; `onWait` is called when that takes a while.
 * @throws the signal's reason; a system error where there is no `_bus/`
 */
export const takeMemoryLock = async (
  { busDir, runDir }: Pick<Home, 'busDir' | 'runDir'>,
  onWait: () => void,
  signal: AbortSignal,
): Promise<AsyncDisposable> => {
  const startedAtMs = performance.now();
  let hasTold = false;
  let hasAsked = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      const lock = await tryLock(busDir, MEMORY_LOCK);
      if (lock !== undefined) return lock;
      ask(runDir);
      hasAsked = true;
      if (!hasTold && performance.now() - startedAtMs > PATIENCE_MS) {
        hasTold = true;
        onWait();
      }
      await delay(TRY_EVERY_MS, undefined, { signal });
    }
  } finally {
    if (hasAsked) bestEffortSync('memory.wanted', () => rmSync(wantedPath(runDir), { force: true }));
  }
};

/** Owns that one command at a time starts or ends a service of a home: two servers on the same data would destroy it. */
import { setTimeout as delay } from 'node:timers/promises';
import { tryLock } from '../bus/segments.ts';
import { serviceDir, type ServiceName } from '../config/services/service-state.ts';

const LOOK_EVERY_MS = 25;
/** Longer than another command holds it: 10 s to end one that hangs, and a moment. */
const PATIENCE_MS = 15_000;

const NO_LOCK: AsyncDisposable = { [Symbol.asyncDispose]: async () => undefined };

/** `undefined`: another command had it all the time. Linux only; elsewhere nothing is locked. @throws no such folder */
export const lockService = async (runDir: string, name: ServiceName): Promise<AsyncDisposable | undefined> => {
  if (process.platform !== 'linux') return NO_LOCK;
  const untilMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const lock = await tryLock(serviceDir(runDir, name), 'service');
    if (lock !== undefined || performance.now() > untilMs) return lock;
    await delay(LOOK_EVERY_MS);
  }
};

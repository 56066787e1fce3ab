/** Owns which queue a home has: BullMQ's where Redis is configured, files where none is. Each is loaded where it is used. */
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import type { BullTimes } from './bull/bull-store.ts';
import type { WorkQueue } from './work-queue.ts';

export interface OpenQueueOptions {
  readonly home: Home;
  readonly settings: Pick<Settings, 'redis'>;
  /** Of claims in Redis; for tests. */
  readonly times?: BullTimes;
}

/** Comes back at once, connecting. @throws a system error where a certificate of the settings cannot be read. */
export const openWorkQueue = async ({ home, settings, times }: OpenQueueOptions): Promise<WorkQueue> => {
  const { redis } = settings;
  if (redis.kind === 'off') {
    const { FileWorkQueue } = await import('./files/file-queue.ts');
    return FileWorkQueue.open(home.runDir);
  }
  const [{ RedisWorkQueue }, { BULL_TIMES }] = await Promise.all([
    import('./bull/bull-queue.ts'),
    import('./bull/bull-store.ts'),
  ]);
  return RedisWorkQueue.open(redis, times ?? BULL_TIMES);
};

/** Owns a thread of checks: what they touch may hang, a disk among it, and must hold nobody else. */
import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage } from '../model/error.ts';
import type { CheckName, CheckWord, CheckWork } from './check-name.ts';
import type { Check } from './place.ts';

const load = async (name: CheckName): Promise<Check> => {
  switch (name) {
    case 'home':
      return (await import('./home-check.ts')).checkHomeAndConfig;
    case 'bus':
      return (await import('./bus-check.ts')).checkBusAndDisk;
    case 'pods':
      return (await import('./pods-check.ts')).checkPods;
    case 'notify':
      return (await import('./notify-check.ts')).checkNotify;
    case 'record':
      return (await import('./record-check.ts')).checkRecord;
    case 'redis':
      return (await import('./redis/redis-check.ts')).checkRedis;
    case 'qdrant':
      return (await import('./qdrant/qdrant-check.ts')).checkQdrant;
  }
};

const say = (word: CheckWord): void => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(word);
};

const run = async ({ names, request }: CheckWork): Promise<void> => {
  for (const name of names) {
    try {
      const check = await load(name);
      say({ name, kind: 'begun' });
      await check({ request, tell: (finding) => say({ name, kind: 'found', finding }) });
    } catch (thrown) {
      say({ name, kind: 'broken', why: errorMessage(thrown) });
    }
    say({ name, kind: 'done' });
  }
};

if (parentPort !== null) await run(workerData as CheckWork);

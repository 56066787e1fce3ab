/**
 * Owns what a worker does besides its jobs: it puts into the queue what the feed tells of (`cg:worker`), and what its home
 * dispatched while the queue was away, or before that lost its data, and what results of its jobs name next.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
import { announceWaiting } from '../dispatch/announce-waiting.ts';
import { enqueueFromChange } from '../dispatch/enqueue-change.ts';
import type { WorkQueue } from '../queue/work-queue.ts';
import { NextJobs } from './find-next.ts';
import type { LeaseDesk } from './lease-desk.ts';
import type { StartPlace } from './start-job.ts';

export interface BringOptions {
  readonly home: Home;
  readonly settings: Settings;
  readonly queue: WorkQueue;
  /** `undefined`: no Redis is configured. */
  readonly desk: LeaseDesk | undefined;
  /** Where what a result names next is dispatched. */
  readonly place: StartPlace;
  /** Of the worker. */
  readonly session: string;
  readonly say: (line: string) => void;
}

const LOOK_EVERY_MS = 15_000;
const LOOK_BUDGET_MS = 60_000;

const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  try {
    await delay(ms, undefined, { signal });
  } catch {
    // told to end
  }
};

/** What a result names next, and nobody has dispatched. */
const bringNext = async (next: NextJobs, say: BringOptions['say'], signal: AbortSignal): Promise<void> => {
  const found = await bestEffort('worker.next', { withinMs: LOOK_BUDGET_MS }, (late) =>
    next.dispatchMissing(AbortSignal.any([signal, late])),
  );
  if (found.kind === 'done') for (const line of found.value) say(line);
};

/** What this home gave, and no queue has. Until the signal. */
export const bringOwn = async (options: BringOptions, signal: AbortSignal): Promise<void> => {
  const { home, settings, queue, desk, say } = options;
  const place = { home, settings, queue, ...(desk === undefined ? {} : { redis: desk }) };
  const next = new NextJobs(options.place);
  while (!signal.aborted) {
    await bringNext(next, say, signal);
    const gate = await desk?.gate(signal);
    const isOpen = gate === undefined || gate.kind === 'open'; // else pods may still say that they have the job
    if (isOpen) {
      const looked = await bestEffort('worker.bring', { withinMs: LOOK_BUDGET_MS }, () =>
        announceWaiting(place, signal),
      );
      const queued = looked.kind === 'done' ? looked.value.queued : [];
      for (const entity of queued) say(`${entity}: put into the queue again`);
    }
    await pause(isOpen ? LOOK_EVERY_MS : gate.forMs, signal);
  }
};

const follow = async (options: BringOptions, signal: AbortSignal): Promise<void> => {
  const { home, settings, queue, desk, session, say } = options;
  if (settings.redis.kind === 'off' || desk === undefined) return;
  const { startFeedReader } = await import('../../ipc/feed/reader/group-reader.ts');
  await using reader = startFeedReader({
    target: settings.redis,
    group: 'worker',
    consumer: session,
    signal,
    handle: async (change) => {
      const enqueued = await enqueueFromChange(change, { home, queue, redis: desk });
      if (enqueued.kind === 'away') throw new Error(enqueued.why); // it is given again
      if (enqueued.kind === 'queued') say(`${change.entity}: told by the feed, put into the queue`);
    },
  });
  await reader.ended;
};

/** Until the signal. Never rejects. */
export const bringWork = async (options: BringOptions, signal: AbortSignal): Promise<void> => {
  await Promise.all([
    bestEffort('worker.follow', { withinMs: 2 ** 31 - 1 }, () => follow(options, signal)),
    bestEffort('worker.bring', { withinMs: 2 ** 31 - 1 }, () => bringOwn(options, signal)),
  ]);
};

/** Owns how jobs that no queue took when they were dispatched are brought: by whoever of their home runs next. */
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { readEntity } from '../../bus/query/entities.ts';
import type { Home } from '../../config/home.ts';
import { isTerminal } from '../../model/entity.ts';
import type { QueueAway, WorkQueue } from '../queue/work-queue.ts';
import {
  ageOfDispatched,
  listDispatched,
  moveToDispatched,
  readDispatched,
  removeDispatched,
} from './dispatch-files.ts';

export interface FlushOptions {
  readonly home: Home;
  readonly queue: WorkQueue;
  /** Nobody but its own dispatch brings this one. */
  readonly except?: string;
}

/** How long a dispatch may be between its file and its line on the bus. */
const DISPATCH_WITHIN_MS = 60_000;

/** How many were brought; where the queue is away, why. Never rejects. */
export const flushOutbox = async ({ home, queue, except }: FlushOptions): Promise<number | QueueAway> => {
  const { runDir, busDir } = home;
  let count = 0;
  for (const entity of listDispatched(runDir, 'outbox')) {
    const job = entity === except ? undefined : readDispatched(runDir, 'outbox', entity);
    if (job === undefined) continue;
    const view = await readEntity(busDir, job.entity).catch(() => null);
    if (view === null) continue; // a bus that cannot be read says nothing
    const isOver = isTerminal(view?.state);
    const isNothing = view === undefined && (ageOfDispatched(runDir, 'outbox', entity) ?? 0) > DISPATCH_WITHIN_MS;
    if (isOver || isNothing) {
      bestEffortSync('dispatch.outbox', () => removeDispatched(runDir, entity));
      continue;
    }
    if (view === undefined) continue; // its dispatch is at it
    const added = await queue.add(job);
    if (added.kind === 'away') return added;
    count += 1;
    bestEffortSync('dispatch.outbox', () => moveToDispatched(runDir, entity));
  }
  return count;
};

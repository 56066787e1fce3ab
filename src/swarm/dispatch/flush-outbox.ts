/** Owns how jobs that no queue took when they were dispatched are brought: by whoever of their home runs next. */
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { readEntity } from '../../bus/query/entities.ts';
import { isTerminal } from '../../model/entity.ts';
import type { QueueAway, QueuedJob, WorkQueue } from '../queue/work-queue.ts';
import {
  ageOfDispatched,
  listDispatched,
  moveToDispatched,
  readDispatched,
  readLineOfOutbox,
  removeHalves,
  removeDispatched,
} from './dispatch-files.ts';
import { ensureFirstLine, type FirstLinePlace } from './first-line.ts';

export interface FlushOptions extends FirstLinePlace {
  readonly queue: WorkQueue;
}

/** An order whose job is not on the bus, and that does not say how to write it, is nobody's after that. */
const NOTHING_AFTER_MS = 60_000;

/** `forget`: it is over, or no job. */
const lookAt = async (place: FlushOptions, job: QueuedJob): Promise<'give' | 'not now' | 'forget'> => {
  const { runDir, busDir } = place.home;
  const line = readLineOfOutbox(runDir, job.entity);
  if (line !== undefined) {
    const first = await ensureFirstLine(place, job, line);
    if (first !== 'there') return first === 'other' ? 'forget' : 'not now';
  }
  const view = await readEntity(busDir, job.entity);
  if (isTerminal(view?.state)) return 'forget';
  if (view !== undefined) return 'give';
  return (ageOfDispatched(runDir, 'outbox', job.entity) ?? 0) > NOTHING_AFTER_MS ? 'forget' : 'not now';
};

/** How many were brought; where the queue is away, why. Never rejects. */
export const flushOutbox = async (place: FlushOptions): Promise<number | QueueAway> => {
  const { runDir } = place.home;
  removeHalves(runDir, 'outbox');
  let count = 0;
  for (const entity of listDispatched(runDir, 'outbox')) {
    const job = readDispatched(runDir, 'outbox', entity);
    if (job === undefined) continue;
    const look = await lookAt(place, job).catch(() => 'not now'); // a bus that cannot be read says nothing
    if (look === 'forget') bestEffortSync('dispatch.outbox', () => removeDispatched(runDir, entity));
    if (look !== 'give') continue;
    const added = await place.queue.add(job);
    if (added.kind === 'away') return added;
    count += 1;
    bestEffortSync('dispatch.outbox', () => moveToDispatched(runDir, entity));
  }
  return count;
};

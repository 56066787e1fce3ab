/** Owns the stopping of the pods that a job has started, when the budget of the job is used up. */
import { setTimeout as delay } from 'node:timers/promises';
import { Ancestry } from '../../bus/query/ancestry.ts';
import type { Home } from '../../config/home.ts';
import { connect } from '../client/client.ts';
import type { PodRecord } from '../registry/pod-record.ts';
import { isOver, podLiveness } from '../registry/pod-status.ts';
import { readRecords } from '../registry/record-file.ts';
import { latestOfEach } from '../registry/resolve-pod.ts';

const ASK_MS = 1_000;
const LOOK_EVERY_MS = 100;

const descendantsOf = async ({ runDir, busDir }: Home, job: string): Promise<readonly PodRecord[]> => {
  const ancestry = new Ancestry(busDir);
  const living = latestOfEach(readRecords(runDir)).filter(
    (record) => record.entity !== job && !isOver(record) && podLiveness(record.process) !== 'gone',
  );
  for (const { entity, parent } of living)
    ancestry.learn({ entity, meta: parent === null ? {} : { parent_id: parent } });
  const isBelow = await Promise.all(living.map(({ entity }) => ancestry.isWithin(entity, job)));
  return living.filter((_, at) => isBelow[at] === true);
};

const tryStop = async (record: PodRecord, reason: string): Promise<boolean> => {
  if (record.socket === null) return false; // it is only just starting
  try {
    await using client = await connect({ path: record.socket, deadlineMs: ASK_MS, client: 'the budget' });
    await client.stop({ reason });
    return true;
  } catch {
    return false; // it hangs, or has just ended: looked at again
  }
};

/** Tells them all to end, those too that are still starting; until nobody is left to tell, or `signal` is aborted. */
export const stopDescendants = async (home: Home, job: string, reason: string, signal: AbortSignal): Promise<void> => {
  const told = new Set<string>();
  while (!signal.aborted) {
    const left = (await descendantsOf(home, job)).filter(({ session }) => !told.has(session));
    if (left.length === 0) return;
    const answers = await Promise.all(left.map((record) => tryStop(record, reason)));
    for (const [at, { session }] of left.entries()) if (answers[at] === true) told.add(session);
    await delay(LOOK_EVERY_MS);
  }
};
